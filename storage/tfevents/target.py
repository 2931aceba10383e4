"""Where an export goes, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from .assets import Projector
from .event_file import EventFile
from .experiments import Experiments


@dataclass
class Exported:
    """What an export wrote.

    ``points`` and ``records`` are all that were read. Of these TensorBoard does not show those that were
    ``superseded`` by another of the same step, or came ``late``, after a later step was written; they
    are in the files for trainboard. ``rounded`` points are shown as float32 and kept in double precision;
    ``unreadable`` ones are damaged in the store.
    """

    runs: int = 0
    points: int = 0
    records: int = 0
    superseded: int = 0
    late: int = 0
    rounded: int = 0
    unreadable: int = 0


class Together(NamedTuple):
    """What runs that are exported together share: what is counted, and what they define."""

    counts: Exported
    experiments: Experiments


class Target(NamedTuple):
    """Where what is told of one rank of a run goes.

    ``wall`` is when the run began, which is shown in the place of wall times that are not finite;
    ``experiments`` are those of all runs.
    """

    file: EventFile
    folder: Path
    projector: Projector
    counts: Exported
    experiments: Experiments
    wall: float
