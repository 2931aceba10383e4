"""Environments as the files that Visdom's server saves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ...storage.panes import read_panes
from .commands import Transaction, put_pane

if TYPE_CHECKING:
    from ...storage import Store


def as_json(store: Store, name: str) -> str | None:
    """An environment as Visdom's server would save it, or None if there is none."""
    with store.reading() as connection:
        panes = read_panes(connection, name)
    return None if panes is None else json.dumps({"jsons": panes, "reload": {}})


def put_saved(transaction: Transaction, name: str, saved: dict[str, Any]) -> None:
    """Make an environment of a file that Visdom's server saved; one of this name is replaced."""
    if not name:
        raise ValueError("an environment needs a name")
    panes = dict(saved["jsons"])
    transaction.delete(name)
    environment = transaction.make(name)
    for window_id, pane in sorted(panes.items(), key=lambda item: item[1].get("i", 0)):
        put_pane(environment, {**pane, "id": window_id})
