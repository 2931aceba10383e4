"""The moments and histogram counts of tensors, taken where the tensors live.

On the CPU a tensor is counted in chunks that stay in the cache, with a closer look only at chunks that
need one. On a device nothing may depend on a value, so that every count is made, and all results of a
source go to the host as one tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..storage.kinds.moments import Moments
from ..storage.kinds.tally import GREATEST_SQUARED, NEGATIVE, PATTERNS, SHIFT, SMALLEST_SQUARED
from .layers import Measure
from .torch_device import Pending

# So many values stay in the processor's cache while NumPy, which uses one thread, passes over them.
_CHUNK = 1 << 17
# PyTorch shares out work from 2**15 values on, and NumPy a dot product from 10,000. Such threads wait for one
# another after every operation, which takes many times as long as the work where other programs keep the
# processor busy.
_SHORT = (1 << 15) - 64
_ROW = 1 << 13
_DEVICE_CHUNK = 1 << 24


class Measures:
    """What was measured of tensors (of one dimension, by name), on its way to the host."""

    def __init__(self, tensors: Mapping[str, torch.Tensor], histograms: bool) -> None:
        self._here: dict[str, Measure] = {}
        self._sizes: dict[str, int] = {}
        rows: list[torch.Tensor] = []
        for name, values in tensors.items():
            if values.is_cuda:
                self._sizes[name] = values.numel()
                rows.append(_on_device(values, histograms))
            else:
                self._here[name] = measure(values.cpu(), histograms)
        self._pending = Pending([torch.stack([row.to(rows[0].device) for row in rows])] if rows else [])
        self.ready: Callable[[], bool] = self._pending.ready
        self.wait: Callable[[], None] = self._pending.wait

    def values(self) -> dict[str, Measure]:
        """By name. To be called when they are ready."""
        measured = dict(self._here)
        for rows in self._pending.values():
            for (name, size), row in zip(self._sizes.items(), rows, strict=True):
                measured[name] = _from_device(size, row)
        return measured


def measure(values: torch.Tensor, histogram: bool) -> Measure:
    """Measure a tensor of one dimension on the CPU."""
    if values.dtype == torch.float64 or not values.is_floating_point():
        return Measure.of(values.numpy(), histogram)
    return _count(values, histogram).measure()


def _count(values: torch.Tensor, histogram: bool) -> _Count:
    count = _Count(histogram)
    for chunk in values.split(_CHUNK if values.dtype == torch.float32 else _SHORT):
        count.add(chunk.float().contiguous())
    return count


class _Count:
    """Moments and patterns of chunks of float32."""

    def __init__(self, histogram: bool) -> None:
        self._histogram = histogram
        self._shifted = np.empty(_SHORT, np.uint32)
        self.patterns = np.zeros(PATTERNS, np.int64)
        self.counts = np.zeros(5, np.int64)  # all, zeros, NaN, +Inf, -Inf
        self.minimum, self.maximum = math.inf, -math.inf
        self.sums = np.zeros(2)  # of the values, of their squares

    def add(self, values: torch.Tensor) -> None:
        self.counts[0] += values.numel()
        array = values.numpy()
        least, greatest = float(array.min()), float(array.max())  # NaN if one of them is
        if not (math.isfinite(least) and math.isfinite(greatest)):
            array = self._without_non_finite(values).numpy()
            if not array.size:
                return
            least, greatest = float(array.min()), float(array.max())
        self.minimum, self.maximum = min(self.minimum, least), max(self.maximum, greatest)
        is_safe = SMALLEST_SQUARED < max(-least, greatest) < GREATEST_SQUARED
        wide = array if is_safe else array.astype(np.float64)
        self.sums += float(wide.sum()), _sum_of_squares(wide)
        if self._histogram:
            for at in range(0, array.size, _SHORT):
                self._add_patterns(array[at : at + _SHORT])
        else:
            self.counts[1] += np.count_nonzero(array == 0)

    def measure(self) -> Measure:
        extremes = (math.nan, math.nan)
        if self.minimum <= self.maximum:
            extremes = (self.minimum + 0.0, self.maximum + 0.0)  # + 0.0: there is one zero, not two
        count, zeros, nans, pos_infs, neg_infs = map(int, self.counts)
        total, squares = map(float, self.sums)
        moments = Moments(count, zeros, nans, pos_infs, neg_infs, *extremes, total, squares)
        return Measure(moments, self.patterns if self._histogram else None)

    def _without_non_finite(self, values: torch.Tensor) -> torch.Tensor:
        self.counts[2:] += [int(test(values).sum()) for test in (torch.isnan, torch.isposinf, torch.isneginf)]
        return values[values.isfinite()]

    def _add_patterns(self, array: NDArray[np.float32]) -> None:
        bits, shifted = array.view(np.uint32), self._shifted[: array.size]
        np.right_shift(bits, SHIFT, out=shifted)
        # PyTorch counts int32 as they are; NumPy would make int64 of them first.
        found = torch.bincount(torch.from_numpy(shifted.view(np.int32)), minlength=PATTERNS).numpy()
        if found[0] or found[NEGATIVE]:
            zeros, negative_zeros = int((bits == 0).sum()), int((bits == 1 << 31).sum())
            found[0] -= zeros
            found[NEGATIVE] -= negative_zeros
            self.counts[1] += zeros + negative_zeros
        self.patterns += found


def _sum_of_squares(array: NDArray[Any]) -> float:
    whole = array.size - array.size % _ROW
    rows, rest = array[:whole].reshape(-1, _ROW), array[whole:]
    return float(np.vecdot(rows, rows).sum(dtype=np.float64)) + float(np.vecdot(rest, rest))


def _on_device(values: torch.Tensor, histogram: bool) -> torch.Tensor:
    """Moments but the count, then patterns, as float64, in which counts are exact; nothing is waited for."""
    finite = values.isfinite()
    wide = torch.where(finite, values, 0).double()
    moments = [
        (values == 0).sum(),
        values.isnan().sum(),
        values.isposinf().sum(),
        values.isneginf().sum(),
        torch.where(finite, values, math.inf).amin(),
        torch.where(finite, values, -math.inf).amax(),
        wide.sum(),
        wide.dot(wide),
    ]
    row = torch.stack([moment.double() for moment in moments])
    return torch.cat((row, _patterns_on_device(values).double())) if histogram else row


def _patterns_on_device(values: torch.Tensor) -> torch.Tensor:
    patterns = torch.zeros(PATTERNS + 1, dtype=torch.int64, device=values.device)
    for chunk in values.split(_DEVICE_CHUNK):
        bits = chunk.float().clamp(*_float32_range()).contiguous().view(torch.int32)
        held = chunk.isfinite() & (chunk != 0)
        where = torch.where(held, (bits >> SHIFT) & (PATTERNS - 1), PATTERNS).long()
        # Not bincount: it waits for the device to learn the greatest.
        patterns.scatter_add_(0, where, torch.ones_like(where))
    return patterns[:PATTERNS]


@cache
def _float32_range() -> tuple[float, float]:
    return torch.finfo(torch.float32).min, torch.finfo(torch.float32).max


def _from_device(size: int, row: torch.Tensor) -> Measure:
    counts, numbers = [int(number) for number in row[:4]], row[4:8].tolist()
    if not math.isfinite(numbers[0]):
        numbers[:2] = [math.nan, math.nan]
    patterns = row[8:].long().numpy() if len(row) > 8 else None
    return Measure(Moments(size, *counts, *numbers), patterns)
