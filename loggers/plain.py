"""What is told of a run as a whole, such as its config, made into what JSON can hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

from .convert import Refused, TooLargeToLog, to_float, to_text

MAX_DETAILS = 16 << 20


def to_details(values: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a run as a whole, such as its config, as ``to_plain``; every list of runs reads it."""
    plain = to_plain(values)
    size = len(json.dumps(plain))
    if size > MAX_DETAILS:
        raise TooLargeToLog(size, "what is set at once in a config or summary", MAX_DETAILS)
    return plain


def to_plain(value: Any) -> Any:
    """What JSON can hold of a config value: numbers, text, lists and dicts; anything else as its text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return to_text(value)
    if isinstance(value, Mapping):
        return {to_text(str(key)): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((to_plain(item) for item in value), key=repr)
    if is_dataclass(value) and not isinstance(value, type):
        return to_plain(asdict(value))
    try:
        return to_float(value)
    except Refused:
        return to_text(str(value))
