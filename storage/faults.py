"""What is wrong with a store, one fault at a time, as people are told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """Something wrong. ``run`` is an id; ``lost`` counts points or records that cannot be read.

    ``repairable`` says whether a repair leaves this right: what is lost is then set aside and told no more.
    """

    what: str
    run: str | None = None
    tag: str | None = None
    lost: int = 0
    repairable: bool = True
