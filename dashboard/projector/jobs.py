"""Projections that are being made, each by a process of its own, and those that were made last."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException

from ...storage.errors import TrainboardError
from ..errors import told as told_of

MAX_AT_ONCE = 2
MAX_WAITING = 20
MAX_BYTES = 256 * 1024**2
ABANDONED_SECONDS = 120.0
"""Longer than the minute that browsers let a hidden tab wait between two questions."""

Arrays = dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Work:
    """What a process is told: a method with its settings, and the vectors; ``start`` for maps."""

    method: str
    settings: Mapping[str, Any]
    vectors: NDArray[np.float32]
    start: NDArray[np.float32] | None = None


@dataclass
class Job:
    """A projection in the making: ``share`` of it is done, or None while it waits for its turn."""

    asked: float
    share: float | None = None
    error: str = ""
    task: asyncio.Task[None] | None = field(default=None, repr=False)


class TooMany(RuntimeError):
    """More projections are waiting than the server keeps."""


class Jobs:
    """Makes projections by key, at most two at once; keeps the last ones made, 256 MiB of them."""

    def __init__(self) -> None:
        self._jobs: dict[Hashable, Job] = {}
        self._made: OrderedDict[Hashable, Arrays] = OrderedDict()
        self._turns = asyncio.Semaphore(MAX_AT_ONCE)

    def made(self, key: Hashable) -> Arrays | None:
        if key in self._made:
            self._made.move_to_end(key)
        return self._made.get(key)

    def ask(self, key: Hashable, work: Callable[[], Work]) -> Job:
        """The job of a key, begun if it is not on its way. ``work`` is called in a thread, once.

        A job that failed is told once, and forgotten. One that nobody asks about any more is ended.
        Raises ``TooMany``.
        """
        job = self._jobs.get(key)
        if job is None:
            if len(self._jobs) >= MAX_WAITING:
                raise TooMany("Many projections are being made already. Try again when they are done.")
            job = self._jobs[key] = Job(time.monotonic())
            job.task = asyncio.create_task(self._make(key, job, work))
        job.asked = time.monotonic()
        if job.error:
            del self._jobs[key]
        return job

    def cancel(self, key: Hashable) -> bool:
        """End a job and its process; whether there was one."""
        job = self._jobs.pop(key, None)
        if job is None or job.task is None:
            return False
        job.task.cancel()
        return True

    async def _make(self, key: Hashable, job: Job, work: Callable[[], Work]) -> None:
        try:
            async with self._turns:
                job.share = 0.0
                arrays = await _compute(await asyncio.to_thread(work), job)
        except HTTPException as error:
            job.error = error.detail
            return
        except TrainboardError as error:
            job.error = told_of(error)
            return
        except (OSError, RuntimeError, ValueError, MemoryError) as error:
            job.error = str(error) or "There is not enough memory."
            return
        self._made[key] = arrays
        while len(self._made) > 1 and sum(map(_bytes, self._made.values())) > MAX_BYTES:
            self._made.popitem(last=False)
        if self._jobs.get(key) is job:
            del self._jobs[key]


def _bytes(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())


async def _compute(work: Work, job: Job) -> Arrays:
    """What a process of its own makes of the work; it ends with the task that waits here."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "trainboard.dashboard.projector.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        arrays = [work.vectors] if work.start is None else [work.vectors, work.start]
        feeding = asyncio.create_task(_feed(process, work, arrays))
        made = await _listen(process, job)
        await feeding
        return made
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _feed(process: asyncio.subprocess.Process, work: Work, arrays: list[NDArray[np.float32]]) -> None:
    assert process.stdin is not None
    shapes = [list(array.shape) for array in arrays]
    told = {"method": work.method, "settings": dict(work.settings), "shapes": shapes}
    with contextlib.suppress(ConnectionError):
        process.stdin.write(json.dumps(told).encode() + b"\n")
        for array in arrays:
            process.stdin.write(np.ascontiguousarray(array, "<f4").data.cast("B"))
            await process.stdin.drain()
        process.stdin.close()


async def _listen(process: asyncio.subprocess.Process, job: Job) -> Arrays:
    assert process.stdout is not None
    while True:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), 1.0)
        except TimeoutError:
            if time.monotonic() - job.asked > ABANDONED_SECONDS:
                raise RuntimeError("Nobody waited for this projection any more.") from None
            continue
        if not line:
            raise RuntimeError("The process that made this projection was ended. Was memory short?")
        told = json.loads(line)
        if "error" in told:
            raise RuntimeError(told["error"])
        if "done" not in told:
            job.share = told["share"]
            continue
        return {
            name: np.frombuffer(await process.stdout.readexactly(8 * int(np.prod(shape))), "<f8").reshape(
                shape
            )
            for name, shape in told["done"].items()
        }
