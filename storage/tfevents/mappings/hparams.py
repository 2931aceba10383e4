"""Hyper-parameters, which are what a run says of itself, not records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import Status

from .value import Read, Value

_ENDINGS = {Status.STATUS_SUCCESS: "finished", Status.STATUS_FAILURE: "crashed"}


@dataclass(frozen=True)
class AboutRun:
    """What a log tells of its run: a session of the plugin, an export of ours, descriptions of tags.

    None where it does not tell. ``exit_code`` and ``error`` go with ``status``.
    """

    config: dict[str, Any] = field(default_factory=dict)
    group: str | None = None
    status: str | None = None
    exit_code: int | None = None
    error: str | None = None
    tags: list[str] = field(default_factory=list)
    notes: str = ""
    project: str | None = None
    name: str | None = None
    descriptions: dict[str, str] = field(default_factory=dict)


def read(value: Value) -> Read:
    """What a value tells of its run. The definition of an experiment, which is of all runs, tells nothing.

    Raises ``ValueError`` or ``DecodeError``.
    """
    if value.tag == metadata.SESSION_START_INFO_TAG:
        told = metadata.parse_session_start_info_plugin_data(value.content)
        config = {name: _plain(one) for name, one in told.hparams.items()}
        yield value.tag, AboutRun(config, told.group_name or None)
    elif value.tag == metadata.SESSION_END_INFO_TAG:
        status = metadata.parse_session_end_info_plugin_data(value.content).status
        yield value.tag, AboutRun(status=_ENDINGS.get(status))


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    simple = kind in ("number_value", "string_value", "bool_value")
    return getattr(value, kind) if simple else MessageToDict(value)
