"""Which charts a program wants, as in TensorBoard's custom scalars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from .base import Encoded, Kind

ChartType = Literal["multiline", "margin"]


@dataclass(frozen=True)
class Chart:
    """A chart of tags: "multiline" draws a line each, regular expressions of whole tags.

    "margin" takes three tags: the value, and the lower and the upper bound of the band around it.
    """

    category: str
    title: str
    type: ChartType
    tags: list[str]

    def __post_init__(self) -> None:
        if self.type not in ("multiline", "margin"):
            raise ValueError(f"a chart is 'multiline' or 'margin' (got {self.type!r})")
        if self.type == "margin" and len(self.tags) != 3:
            raise ValueError(f"a margin chart has 3 tags: value, lower and upper (got {len(self.tags)})")


@dataclass(frozen=True)
class Layout:
    """Charts, in the order in which they are to be shown.

    ``source`` is what TensorBoard's log had that this was made of, see ``tfevents.shown``.
    """

    charts: list[Chart]
    source: bytes = field(default=b"", repr=False)

    @classmethod
    def from_categories(cls, categories: Mapping[str, Mapping[str, Sequence[Any]]]) -> Layout:
        """Make one of ``{category: {title: ["Multiline" or "Margin", tags]}}``. Raises ``ValueError``."""
        return cls(
            [
                Chart(category, title, type_.lower(), list(tags))
                for category, charts in categories.items()
                for title, (type_, tags) in charts.items()
            ]
        )


def encode(value: Layout) -> Encoded:
    return Encoded({"charts": [asdict(chart) for chart in value.charts]}, value.source)


def decode(encoded: Encoded) -> Layout:
    return Layout([Chart(**chart) for chart in encoded.header["charts"]], encoded.body)


KIND = Kind("layout", Layout, "records", encode, decode)
