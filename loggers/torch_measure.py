"""The moments and histogram counts of tensors, taken where the tensors live.

On the CPU a tensor is counted in chunks that stay in the cache, with a closer look only at chunks that
need one. On a device nothing may depend on a value, so that every count is made, and all results of a
source go to the host as one tensor.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch

from ..storage.kinds.moments import Moments
from ..storage.kinds.tally import GREATEST_SQUARED, NEGATIVE, PATTERNS, SHIFT, SMALLEST_SQUARED
from .layers import Measure
from .torch_device import Pending

# Bits and patterns of so many values stay in the processor's cache, and PyTorch, which shares out work from
# 2**15 on, counts them in one thread: its threads wait for each other after every operation, which takes
# many times as long as the work where other programs keep the processor busy. Ours wait once.
_CHUNK = (1 << 15) - 64
_WORTH_A_THREAD = 1 << 16
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
    threads = min(torch.get_num_threads(), values.numel() // _WORTH_A_THREAD)
    if threads < 2:
        return _count(values, histogram).measure()
    here, *elsewhere = values.tensor_split(threads)
    others = [_pool(threads - 1).submit(_count, part, histogram) for part in elsewhere]
    count = _count(here, histogram)
    for other in others:
        count.merge(other.result())
    return count.measure()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept, as starting threads for every tensor takes as long as measuring many of them."""
    return ThreadPoolExecutor(threads, thread_name_prefix="trainboard-measure")


# A forked child has none of its parent's threads.
os.register_at_fork(after_in_child=_pool.cache_clear)


def _count(values: torch.Tensor, histogram: bool) -> _Count:
    count = _Count(histogram)
    for chunk in values.split(_CHUNK):
        count.add(chunk.float().contiguous())
    return count


class _Count:
    """Moments and patterns of chunks of float32."""

    def __init__(self, histogram: bool) -> None:
        self._histogram = histogram
        self._shifted = np.empty(_CHUNK, np.uint32)
        self.patterns = np.zeros(PATTERNS, np.int64)
        self.counts = np.zeros(5, np.int64)  # all, zeros, NaN, +Inf, -Inf
        self.minimum, self.maximum = math.inf, -math.inf
        self.sums = np.zeros(2)  # of the values, of their squares

    def add(self, values: torch.Tensor) -> None:
        self.counts[0] += values.numel()
        least, greatest = (bound.item() for bound in values.aminmax())
        if not (math.isfinite(least) and math.isfinite(greatest)):
            values = self._without_non_finite(values)
            if not values.numel():
                return
            least, greatest = (bound.item() for bound in values.aminmax())
        self.minimum, self.maximum = min(self.minimum, least), max(self.maximum, greatest)
        wide = values
        if not SMALLEST_SQUARED < max(-least, greatest) < GREATEST_SQUARED:
            wide = values.double()
        # Not a dot product, which MKL shares out among threads however short it is.
        self.sums += wide.sum().item(), torch.linalg.vector_norm(wide).item() ** 2
        if self._histogram:
            self._add_patterns(values)
        else:
            # NumPy finds zeros in two thirds of the time that PyTorch's count of what is not zero takes.
            self.counts[1] += np.count_nonzero(values.numpy() == 0)

    def merge(self, other: _Count) -> None:
        self.patterns += other.patterns
        self.counts += other.counts
        self.minimum, self.maximum = min(self.minimum, other.minimum), max(self.maximum, other.maximum)
        self.sums += other.sums

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

    def _add_patterns(self, values: torch.Tensor) -> None:
        bits, shifted = values.numpy().view(np.uint32), self._shifted[: values.numel()]
        np.right_shift(bits, SHIFT, out=shifted)
        # PyTorch counts int32 as they are; NumPy would make int64 of them first.
        found = torch.bincount(torch.from_numpy(shifted.view(np.int32)), minlength=PATTERNS).numpy()
        if found[0] or found[NEGATIVE]:
            zeros, negative_zeros = int((bits == 0).sum()), int((bits == 1 << 31).sum())
            found[0] -= zeros
            found[NEGATIVE] -= negative_zeros
            self.counts[1] += zeros + negative_zeros
        self.patterns += found


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
