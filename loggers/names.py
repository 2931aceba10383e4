"""What a run is called, and names for runs that were given none: easy to say, and to tell apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from time import time

_QUALITIES = (
    "amber", "brisk", "calm", "clear", "crisp", "deep", "early", "even",
    "fair", "fine", "fresh", "gentle", "grand", "keen", "late", "light",
    "lunar", "mild", "noble", "plain", "polar", "quick", "quiet", "rapid",
    "sharp", "solar", "still", "swift", "tidal", "vivid", "warm", "wide",
)  # fmt: skip
_THINGS = (
    "anchor", "arch", "beacon", "birch", "canyon", "cedar", "comet", "coral",
    "delta", "dune", "ember", "fern", "fjord", "gale", "grove", "harbor",
    "heron", "iris", "island", "lagoon", "lark", "maple", "meadow", "mesa",
    "nova", "orbit", "otter", "prairie", "ridge", "river", "summit", "willow",
)  # fmt: skip


def name_of(run_id: str) -> str:
    """A name that follows from the id."""
    number = int.from_bytes(blake2b(run_id.encode(), digest_size=8).digest(), "little")
    number, quality = divmod(number, len(_QUALITIES))
    number, thing = divmod(number, len(_THINGS))
    return f"{_QUALITIES[quality]}-{_THINGS[thing]}-{number % 1000:03}"


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
