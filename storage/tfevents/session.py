"""What a run was given and how it ended, as the values of TensorBoard's HParams plugin.

There is no definition of the experiment among them: without one TensorBoard takes every parameter and every
number of all runs, with one only those of the first that it meets.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.struct_pb2 import Value as JSONValue
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import metadata
from tensorboard.plugins.hparams.api_pb2 import Status
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo

from ..series import RunRecord
from .shown.value import clean

_STATUS = {"finished": Status.STATUS_SUCCESS, "running": Status.STATUS_RUNNING}


def hyper_parameters(run: RunRecord) -> dict[str, Any]:
    """The run's config by name; keys of nested dicts are joined by dots."""
    return {clean(name): value for name, value in _flat("", run.config)}


def session_start(run: RunRecord) -> Summary.Value:
    """The run's hyper-parameters; lists become text."""
    hparams = {name: _json_value(value) for name, value in hyper_parameters(run).items()}
    told = SessionStartInfo(
        hparams=hparams, group_name=clean(run.group or ""), start_time_secs=run.created_at
    )
    return _value(metadata.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=told))


def session_end(run: RunRecord) -> Summary.Value:
    status = _STATUS.get(run.status, Status.STATUS_FAILURE)
    told = SessionEndInfo(status=status, end_time_secs=run.ended_at or run.updated_at)
    return _value(metadata.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=told))


def _value(tag: str, told: HParamsPluginData) -> Summary.Value:
    return Summary.Value(
        tag=tag, metadata=metadata.create_summary_metadata(told), tensor=metadata.NULL_TENSOR
    )


def _flat(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(f"{prefix}{name}.", value)
        else:
            yield f"{prefix}{name}", value


def _json_value(value: Any) -> JSONValue:
    if isinstance(value, bool):
        return JSONValue(bool_value=value)
    # TensorBoard answers no question about NaN and infinities: they have no JSON.
    if isinstance(value, int | float) and math.isfinite(value):
        return JSONValue(number_value=value)
    return JSONValue(string_value=clean(value if isinstance(value, str) else json.dumps(value)))
