"""Slowness that is planted in a training, for tests of what tells where its time goes."""

import time

LEAST_SECONDS = 0.02


class Slowness:
    """Each call takes ``times`` as long as all that went by since the call before.

    So what is planted takes the share of the time that it is planted for, however busy the machine.
    """

    def __init__(self, times: float) -> None:
        self._times = times
        self._ended: float | None = None

    def __call__(self) -> None:
        rest = 0.0 if self._ended is None else time.perf_counter() - self._ended
        time.sleep(max(LEAST_SECONDS, self._times * rest))
        self._ended = time.perf_counter()
