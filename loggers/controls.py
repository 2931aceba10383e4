"""Knobs and buttons: what people ask of a program on the dashboard, applied between its steps."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .convert import to_float, to_tag
from .guard import StopTraining
from .warn import Warner

if TYPE_CHECKING:
    from ..storage.sinks import ControlRequest
    from .run import Run


class Knob:
    """A number that people may turn while the program runs; read ``value`` at each step."""

    def __init__(self, name: str, value: float, minimum: float | None, maximum: float | None) -> None:
        self.name = name
        self.value = value
        self.minimum = minimum
        self.maximum = maximum

    def __float__(self) -> float:
        return self.value

    def __repr__(self) -> str:
        return f"<Knob {self.name!r} at {self.value:g}>"


class Controls:
    """The controls of one run. Requests come in on the drain's thread, and are applied on the program's."""

    def __init__(self, run: Run, last_request: int = 0) -> None:
        self.last_request = last_request
        self._run = run
        self._warn = Warner()
        self._declared: dict[str, dict[str, Any]] = {}
        self._knobs: dict[str, Knob] = {}
        self._buttons: dict[str, Callable[[], object]] = {}
        self._asked: deque[ControlRequest] = deque()

    def knob(self, name: str, value: Any, minimum: Any = None, maximum: Any = None) -> Knob:
        """The knob of this name, declared if it is not yet. Raises TypeError and ValueError."""
        if name in self._knobs:
            return self._knobs[name]
        knob = Knob(to_tag(name), _finite("value", value), *map(_bound, ("min", "max"), (minimum, maximum)))
        low = -math.inf if knob.minimum is None else knob.minimum
        high = math.inf if knob.maximum is None else knob.maximum
        if not low <= knob.value <= high:
            raise ValueError(f"the knob {name!r} is at {knob.value:g}, which is not from {low:g} to {high:g}")
        self._knobs[name] = knob
        bounds = {"minimum": knob.minimum, "maximum": knob.maximum}
        self._declare(name, {"kind": "knob", "value": knob.value, **bounds, "applied": self.last_request})
        self._run.log_aside({f"knobs/{name}": knob.value})
        return knob

    def button(self, name: str, callback: Callable[[], object]) -> None:
        """Call ``callback`` between steps when the button is pressed. Raises TypeError."""
        if not callable(callback):
            raise TypeError(f"the button {name!r} needs a function to call, not {callback!r}")
        self._buttons[to_tag(name)] = callback
        self._declare(name, {"kind": "button", "applied": self.last_request})

    def receive(self, requests: Sequence[ControlRequest]) -> None:
        """Keep what was asked for until the program is between steps."""
        for request in requests:
            self.last_request = request.number
            self._asked.append(request)

    def apply(self) -> None:
        """Do what was asked for. A callback that fails is reported, and training goes on, unless it raises
        ``StopTraining``, which passes.
        """
        while self._asked:
            request = self._asked.popleft()
            try:
                if request.control in self._knobs and request.value is not None:
                    self._turn(self._knobs[request.control], request.value)
                elif request.control in self._buttons:
                    self._press(request.control)
            except StopTraining:
                raise
            except Exception as error:
                self._warn(request.control, f"the control {request.control!r} failed: {error!r}")
            finally:
                self._declare(request.control, {"applied": request.number})

    def _turn(self, knob: Knob, value: float) -> None:
        before, knob.value = knob.value, value
        self._declared[knob.name]["value"] = value
        self._run.log_aside({f"knobs/{knob.name}": value})
        self._tell(f"{knob.name} turned from {before:g} to {value:g}", {"from": before, "to": value})

    def _press(self, name: str) -> None:
        self._tell(f"{name} pressed", {})
        self._buttons[name]()

    def _tell(self, title: str, data: dict[str, Any]) -> None:
        from ..storage.kinds.event import Event

        self._run.log_aside({"controls": Event(title, "Asked for on the dashboard.", data=data)})

    def _declare(self, name: str, changes: dict[str, Any]) -> None:
        declared = self._declared.setdefault(name, {})
        declared |= changes
        self._run.update("controls", {name: dict(declared)})


def _finite(what: str, number: Any) -> float:
    try:
        value = to_float(number)
    except ValueError:
        raise TypeError(f"{what} must be a number, not {number!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"{what} must be finite, not {value}")
    return value


def _bound(what: str, number: Any) -> float | None:
    return None if number is None else _finite(what, number)
