"""What people ask of a running program: a knob turned, a button pressed.

The program declares its controls on its run's row; a request is a row of its own, which the program
reads, applies, and tells of by the number it applied last.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from .engine import now
from .errors import BadChange, RunNotFound
from .schema import requests, runs
from .series import run_status
from .sinks import ControlRequest


def request(connection: Connection, run_id: str, control: str, value: float | None) -> ControlRequest:
    """Ask for a knob's new value, or for a button to be pressed.

    Raises ``RunNotFound``, and ``BadChange`` if the run is not running, declared no such control, or
    bounds the value otherwise.
    """
    mine = runs.c.run_id == run_id
    alive = select(runs).where(mine, runs.c.deleted_at.is_(None)).with_for_update()
    run = connection.execute(alive).mappings().first()
    if run is None:
        raise RunNotFound(f"No run '{run_id}'.")
    if run_status(run["status"], run["updated_at"], now(connection)) != "running":
        raise BadChange(f"Run '{run['name']}' is not running; nothing would hear the request.")
    _check(run["controls"], control, value)
    last = connection.scalar(select(func.max(requests.c.number)).where(requests.c.run_id == run_id))
    made = ControlRequest((last or 0) + 1, control, value, now(connection))
    connection.execute(insert(requests).values(run_id=run_id, **made._asdict()))
    connection.execute(update(runs).where(mine).values(revision=run["revision"] + 1))
    return made


def requests_since(connection: Connection, run_id: str, number: int) -> list[ControlRequest]:
    """The requests to a run after the ``number``-th, in order."""
    columns = [requests.c[name] for name in ControlRequest._fields]
    query = select(*columns).where(requests.c.run_id == run_id, requests.c.number > number)
    return [ControlRequest(*row) for row in connection.execute(query.order_by(requests.c.number))]


def _check(controls: Mapping[str, Mapping[str, Any]], name: str, value: float | None) -> None:
    declared = controls.get(name)
    if declared is None:
        have = ", ".join(f"'{control}'" for control in controls) or "none"
        raise BadChange(f"The program declared no control '{name}'; it has {have}.")
    if declared.get("kind") == "button":
        if value is not None:
            raise BadChange(f"'{name}' is a button; it takes no value.")
        return
    if value is None or not math.isfinite(value):
        raise BadChange(f"'{name}' is a knob; it takes a finite number.")
    low, high = declared.get("minimum"), declared.get("maximum")
    if (low is not None and value < low) or (high is not None and value > high):
        at_least, at_most = ("-∞" if low is None else low), ("∞" if high is None else high)
        raise BadChange(f"'{name}' must be from {at_least} to {at_most}, not {value:g}.")
