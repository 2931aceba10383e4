"""Scalars of every type, in either layout."""

from __future__ import annotations

from .value import Read, Value


def read(value: Value) -> Read:
    """A number. Raises ``ValueError`` where there is not exactly one."""
    single = value.proto.HasField("simple_value")
    yield value.tag, value.proto.simple_value if single else float(value.tensor.reshape(()))
