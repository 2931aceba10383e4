"""What a run is called, and which rank of it a process is."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import time

from .ranks import Place


@dataclass(frozen=True)
class Identity:
    """What a run is called, and when it began (seconds since the epoch)."""

    id: str
    project: str
    name: str
    group: str | None = None
    tags: tuple[str, ...] = ()
    notes: str = ""
    created_at: float = field(default_factory=time)
    place: Place | None = None

    @property
    def rank(self) -> int:
        return self.place.rank if self.place else 0
