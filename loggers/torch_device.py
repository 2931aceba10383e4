"""Values of tensors on a device, copied without ever making the training program wait for it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from .deferred import Deferred
from .spool import SpoolClosed

_streams: dict[torch.device, torch.cuda.Stream] = {}


class Pending:
    """Copies of tensors as they are now, on their way to the host.

    A CUDA tensor is copied on a stream of our own into pinned memory, behind the work that its own stream
    has yet to do; ``ready`` asks an event, and only ``wait`` waits for it. A CPU tensor is cloned at once.
    """

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        self._events: list[torch.Event] = []
        self._host = [self._copy(tensor.detach()) for tensor in tensors]

    def ready(self) -> bool:
        return all(event.query() for event in self._events)

    def wait(self) -> None:
        for event in self._events:
            event.synchronize()

    def values(self) -> list[torch.Tensor]:
        """The copies on the CPU, in order. To be called when they are ready."""
        return self._host

    def _copy(self, tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.is_cuda:
            return tensor.cpu() if tensor.device.type != "cpu" else tensor.clone()
        device = tensor.device
        stream = _streams.get(device)
        if stream is None:
            stream = _streams[device] = torch.cuda.Stream(device)
        tensor = tensor.clone()  # in its own stream, which may overwrite the original before it is copied
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            host.copy_(tensor, non_blocking=True)
            tensor.record_stream(stream)
            self._events.append(stream.record_event())
        return host


def log_later(
    deferred: Deferred,
    arriving: Sequence[tuple[str, torch.Tensor]],
    log: Callable[[Mapping[str, Any]], None],
) -> None:
    """Give ``log`` numbers by tag when they are here; nothing if the run has ended by then."""
    tags = [tag for tag, _ in arriving]
    pending = Pending([value for _, value in arriving])

    def act() -> None:
        with contextlib.suppress(SpoolClosed):
            log(dict(zip(tags, pending.values(), strict=True)))

    deferred.add(pending, act)
