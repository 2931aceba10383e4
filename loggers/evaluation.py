"""Constructors of what is learnt about a model: PR curves, confusion matrices, embeddings, meshes, layouts.

All take arrays and tensors of any framework, and raise ``ValueError`` where these do not fit together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .arrays import to_array

if TYPE_CHECKING:
    from ..storage.kinds.confusion_matrix import ConfusionMatrix as ConfusionMatrixRecord
    from ..storage.kinds.embedding import Embedding as EmbeddingRecord
    from ..storage.kinds.layout import Layout as LayoutRecord
    from ..storage.kinds.mesh import Mesh as MeshRecord
    from ..storage.kinds.pr_curve import PRCurve as PRCurveRecord
    from ..storage.kinds.table import Table as TableRecord

DEFAULT_THRESHOLDS = 127


def PRCurve(
    labels: Any, predictions: Any, num_thresholds: int = DEFAULT_THRESHOLDS, weights: Any = None
) -> PRCurveRecord:
    """Precision and recall over thresholds, of labels 0 or 1 and predictions from 0 to 1 of one shape.

    Computed as TensorBoard does. ``weights`` is a number or one for each label.
    """
    from ..storage.kinds.pr_curve import PRCurve

    return PRCurve.from_predictions(
        to_array(labels), to_array(predictions), num_thresholds, to_array(weights)
    )


def ConfusionMatrix(
    labels: Any = None, predictions: Any = None, classes: Sequence[Any] | None = None, *, matrix: Any = None
) -> ConfusionMatrixRecord:
    """How often each class was taken for each other: of numbers of classes, true and predicted ones.

    Or ready as ``matrix``, K x K, with a row for each true class. ``classes`` are their names.
    """
    from ..storage.kinds.confusion_matrix import ConfusionMatrix

    if matrix is not None:
        return ConfusionMatrix.from_matrix(to_array(matrix), classes)
    if labels is None or predictions is None:
        raise ValueError("a confusion matrix needs labels and predictions, or a matrix")
    return ConfusionMatrix.from_predictions(to_array(labels), to_array(predictions), classes)


def Embedding(
    vectors: Any, metadata: Any = None, images: Any = None, columns: Iterable[Any] | None = None
) -> EmbeddingRecord:
    """Points in many dimensions, N x D, with what is known of each.

    ``metadata`` has N entries: texts or numbers; or rows, dicts or a DataFrame as for ``Table``, with the
    names in ``columns``. ``images`` is N x C x H x W: a small picture of each.
    """
    import numpy as np

    from ..storage.kinds.embedding import Embedding

    matrix = np.ascontiguousarray(np.asarray(to_array(vectors)), np.float32)
    known = _metadata(metadata, columns)
    names, rows = ([], []) if known is None else (known.columns, known.rows)
    if images is None:
        return Embedding(matrix, names, rows)
    pictures = np.asarray(to_array(images))
    if pictures.ndim != 4 or len(pictures) != len(matrix):
        raise ValueError(f"images must be {len(matrix)} x C x H x W (got shape {pictures.shape})")
    return Embedding(matrix, names, rows, _sprite(pictures), (pictures.shape[3], pictures.shape[2]))


def Mesh(
    vertices: Any, colors: Any = None, faces: Any = None, config: dict[str, Any] | None = None
) -> MeshRecord:
    """Points N x 3, with colours N x 3 from 0 to 255, or a surface of faces M x 3, numbers of vertices.

    ``config`` is what TensorBoard's mesh plugin takes as configuration of three.js.
    """
    from ..storage.kinds.mesh import Mesh

    return Mesh.from_arrays(to_array(vertices), to_array(colors), to_array(faces), config)


def Layout(categories: Mapping[str, Mapping[str, Sequence[Any]]]) -> LayoutRecord:
    """Charts a program wants: ``{category: {title: ["Multiline" or "Margin", tags]}}``."""
    from ..storage.kinds.layout import Layout

    return Layout.from_categories(categories)


def _metadata(metadata: Any, columns: Iterable[Any] | None) -> TableRecord | None:
    """Metadata as a table; plain values are its one column, "label"."""
    if metadata is None:
        return None
    from .figures import Table, library_of

    if library_of(metadata) == "pandas":
        return Table(metadata, columns)
    entries = list(to_array(metadata))
    if any(isinstance(entry, list | tuple | Mapping) for entry in entries):
        return Table(entries, columns)
    return Table([[entry] for entry in entries], ["label"] if columns is None else columns)


def _sprite(pictures: Any) -> bytes:
    """A PNG of N x C x H x W pictures, row by row in a grid as wide as the root of N, rounded up."""
    import numpy as np

    from ..storage.kinds.image import Image

    count, channels, height, width = pictures.shape
    across = math.ceil(math.sqrt(count))
    down = math.ceil(count / across) if across else 0
    grid = np.zeros((down * across, channels, height, width), pictures.dtype)
    grid[:count] = pictures
    tiled = grid.reshape(down, across, channels, height, width).transpose(0, 3, 1, 4, 2)
    return Image.from_array(tiled.reshape(down * height, across * width, channels)).png
