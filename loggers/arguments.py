"""What ``init()`` was given, checked; and the environment variables that stand in for it."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from difflib import get_close_matches
from types import SimpleNamespace
from typing import Any, Literal, get_args

from ..storage.location import LONGEST_RUN_ID
from .convert import to_text
from .plain import to_details

Mode = Literal["online", "offline", "disabled"]
Resume = Literal["never", "allow", "must"]
Ranks = Literal["zero", "all"]
_SYSTEM_EVERY = 10.0
_SHORTEST_SAMPLE = 0.1


def to_mode(mode: str | None) -> str:
    """One of ``Mode``: as given, or from the environment, or "online"."""
    if mode is not None:
        return _choice("mode", mode, get_args(Mode))
    own = os.environ.get("TRAINBOARD_MODE")
    if own:
        return _choice("TRAINBOARD_MODE", own, get_args(Mode))
    if os.environ.get("WANDB_DISABLED", "").lower() in ("true", "1", "yes"):
        return "disabled"
    other = os.environ.get("WANDB_MODE", "")
    return other if other in get_args(Mode) else "online"


def to_resume(resume: str) -> str:
    """One of ``Resume``."""
    return _choice("resume", resume, get_args(Resume))


def to_ranks(ranks: str) -> str:
    """One of ``Ranks``."""
    return _choice("ranks", ranks, get_args(Ranks))


def to_system_every(seconds: float | None) -> float:
    """Seconds between samples of the machine, 0 for none: as given, or from the environment, or 10."""
    name = "system_every"
    given: Any = seconds
    if given is None:
        name = "TRAINBOARD_SYSTEM_EVERY"
        given = os.environ.get(name) or _SYSTEM_EVERY
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number of seconds, not {given!r}") from None
    if not (number == 0 or _SHORTEST_SAMPLE <= number < float("inf")):
        raise ValueError(
            f"{name} must be 0, for never, or at least {_SHORTEST_SAMPLE} seconds, not {given!r}"
        )
    return number


def _choice(what: str, given: Any, choices: tuple[str, ...]) -> str:
    if given in choices:
        return given
    close = get_close_matches(str(given).lower(), choices, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"{what} must be one of {', '.join(map(repr, choices))}, not {given!r}{hint}")


def to_name(what: str, given: Any, *variables: str) -> str | None:
    """Text given for ``what``, or in the first of the environment's ``variables`` that has any, or None."""
    if given is None:
        return next((to_text(os.environ[name]) for name in variables if os.environ.get(name)), None)
    if not isinstance(given, str):
        raise TypeError(f"{what} must be a string, not {given!r} of type {type(given).__name__}")
    if not given.strip():
        raise ValueError(f"{what} must not be empty; leave it out instead")
    return to_text(given)


def to_id(given: Any, *variables: str) -> str | None:
    """A run's id, short enough for every store: as given, or in one of the environment's ``variables``."""
    run_id = to_name("id", given, *variables)
    if run_id is not None and len(run_id) > LONGEST_RUN_ID:
        raise ValueError(f"id must have at most {LONGEST_RUN_ID} characters, not {len(run_id)}")
    return run_id


def to_notes(notes: Any) -> str:
    if not isinstance(notes, str):
        raise TypeError(f"notes must be a string, not {notes!r} of type {type(notes).__name__}")
    return to_text(notes)


def to_tags(tags: str | Iterable[str]) -> tuple[str, ...]:
    """Tags as given in any iterable, or a single one."""
    given = (tags,) if isinstance(tags, str) else tuple(tags)
    for tag in given:
        if not isinstance(tag, str):
            raise TypeError(f"tags must be strings, not {tag!r} of type {type(tag).__name__}")
    return tuple(to_text(tag) for tag in given)


def to_config(config: Any) -> dict[str, Any]:
    """Hyper-parameters as a dict of what JSON can hold, from a mapping, dataclass or namespace."""
    if config is None:
        return {}
    if isinstance(config, Namespace | SimpleNamespace):
        config = vars(config)
    elif is_dataclass(config) and not isinstance(config, type):
        config = asdict(config)
    if not isinstance(config, Mapping):
        expected = "a dict, dataclass or namespace"
        raise TypeError(f"config must be {expected}, not {config!r} of type {type(config).__name__}")
    return to_details(config)
