"""Mantine's components, each imported when it is first named.

Its package imports all 180 of them, which is a fifth of what a server needs to start; the pages have eleven.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_PACKAGE = "dash_mantine_components"


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(name)
    try:
        component = getattr(import_module(f"{_PACKAGE}.{name}"), name)
    except ModuleNotFoundError as error:
        raise AttributeError(f"Mantine has no component {name}") from error
    setattr(sys.modules[_PACKAGE], name, component)  # else its module would have the name
    return component


def _import_package() -> None:
    """Import the package without its components; what else this process runs gets these all the same."""
    everything = ModuleType(f"{_PACKAGE}._imports_")
    vars(everything)["__all__"] = []
    sys.modules[everything.__name__] = everything
    package = import_module(_PACKAGE)
    del sys.modules[everything.__name__]
    vars(package)["__getattr__"] = __getattr__


if _PACKAGE not in sys.modules:
    _import_package()
