"""A run's config and summary: dicts whose changes are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Observed(dict[str, Any]):
    """A dict whose items are attributes too, and which tells ``changed`` what was set.

    A change inside a nested value is not seen: set the key again.
    """

    _changed: Callable[[dict[str, Any]], None]

    def __init__(self, values: Mapping[str, Any], changed: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(values)
        object.__setattr__(self, "_changed", changed)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            known = ", ".join(map(repr, self)) or "nothing"
            raise AttributeError(f"no {name!r} here; there is {known}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        values = dict(*args, **kwargs)
        super().update(values)
        self._changed(values)

    def __ior__(self, values: Any) -> Observed:
        self.update(values)
        return self

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)
