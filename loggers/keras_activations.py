"""Measures of what the layers of a Keras model put out, in the steps for which that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .keras_backend import is_tracing, to_numpy
from .layers import Measure

if TYPE_CHECKING:
    from .tensorflow_measure import TracedMeasures


class Activations:
    """Measures each output at once where a model runs eagerly, and inside the graph where it is traced."""

    def __init__(self, histograms: bool) -> None:
        self._histograms = histograms
        self._wanted = False
        self._measured: dict[str, Measure] = {}
        self._to_trace: dict[str, Any] = {}
        self._traced: TracedMeasures | None = None

    def want(self, wanted: bool) -> None:
        """Whether to measure from here on. What was measured before is forgotten."""
        self._wanted = wanted
        self._measured.clear()
        if self._traced is not None:
            self._traced.want(wanted)

    def add(self, name: str, tensor: Any) -> None:
        """An output of a layer; of several of the same name, the last is told of."""
        if is_tracing():
            self._to_trace[name] = tensor
        elif self._wanted:
            values = to_numpy(tensor)
            if values.size:
                values = values if values.dtype.kind == "f" else values.astype("float32")
                self._measured[name] = Measure.of(values, self._histograms)

    def trace(self) -> None:
        """Add the measuring of what was put out to the trace, if there is one."""
        tensors, self._to_trace = self._to_trace, {}
        if not tensors:
            return
        if self._traced is None:
            from .tensorflow_measure import TracedMeasures

            self._traced = TracedMeasures(self._wanted)
        self._traced.trace(tensors, self._histograms)

    def read(self, histograms: bool) -> dict[str, Measure]:
        """By layer, with the counts of histograms if these are wanted."""
        found = dict(self._measured)
        if self._traced is not None:
            found |= self._traced.read()
        return found if histograms else {name: Measure(one.moments) for name, one in found.items()}
