"""Constructors of the records that ``log()`` takes beside numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..storage.kinds.graph import Edge, Node
    from ..storage.kinds.graph import Graph as GraphRecord
    from ..storage.kinds.histogram import Histogram as HistogramRecord
    from ..storage.kinds.image import Image as ImageRecord
    from ..storage.kinds.text import Text as TextRecord


def Histogram(values: Any) -> HistogramRecord:
    """The distribution of an array or tensor of any shape and floating-point or integer dtype."""
    from ..storage.kinds.histogram import Histogram

    return Histogram.from_values(_to_array(values))


def Image(image: Any, caption: str = "") -> ImageRecord:
    """A picture: H x W, H x W x 1/3/4 or 1/3/4 x H x W of uint8 or of floats in 0..1, or a PIL image."""
    from ..storage.kinds.image import Image

    return Image.from_array(_to_array(image), caption)


def Text(text: str, format: Literal["plain", "markdown"] = "plain") -> TextRecord:
    """Words, shown as they are or rendered as Markdown."""
    from ..storage.kinds.text import Text

    return Text(text, format)


def Graph(nodes: list[Node], edges: list[Edge], framework: str = "", name: str = "") -> GraphRecord:
    """A model's graph made by hand; ``log_graph()`` makes one from a model."""
    from ..storage.kinds.graph import Graph

    return Graph(nodes, edges, framework, name)


def _to_array(values: Any) -> Any:
    """The numpy array behind a tensor of any framework; anything else as it is."""
    if str(getattr(values, "dtype", "")) == "torch.bfloat16":  # which numpy does not know
        values = values.float()
    for method in ("detach", "cpu", "numpy"):
        if callable(getattr(values, method, None)):
            values = getattr(values, method)()
    return values
