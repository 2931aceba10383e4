"""What each kind of record is exactly: histograms above all."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from PIL import Image as pil

from trainboard.storage.kinds.graph import Edge, Graph, Node
from trainboard.storage.kinds.histogram import EDGES, Histogram
from trainboard.storage.kinds.histogram_layouts import to_buckets, to_legacy
from trainboard.storage.kinds.image import Image
from trainboard.storage.kinds.layer_stats import LayerStats
from trainboard.storage.kinds.tally import Tally
from trainboard.storage.kinds.text import Text

FLOATS = st.floats(width=32) | st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1e-45, -1e-40])
ARRAYS = arrays(np.float32, st.integers(0, 300), elements=FLOATS)
FINITE = arrays(
    np.float32, st.integers(1, 300), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)
)


def exact(histogram: Histogram) -> tuple[Any, ...]:
    """Everything but the sums, which are rounded; NaN made comparable."""
    return (
        histogram.buckets.tolist(),
        histogram.counts.tolist(),
        (histogram.zeros, histogram.nans, histogram.pos_infs, histogram.neg_infs),
        repr((histogram.minimum, histogram.maximum)),
    )


@settings(deadline=None)
@given(first=ARRAYS, second=ARRAYS)
def test_merged_histograms_are_the_histogram_of_the_pooled_values(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> None:
    merged = Histogram.from_values(first).merge(Histogram.from_values(second))
    pooled = Histogram.from_values(np.concatenate((first, second)))
    assert exact(merged) == exact(pooled)
    every = np.concatenate((first, second)).astype(np.float64)
    magnitude = float(np.abs(every[np.isfinite(every)]).sum())
    assert merged.sum == pytest.approx(pooled.sum, abs=1e-5 * magnitude + 1e-40)


@settings(deadline=None)
@given(values=ARRAYS)
def test_zeros_nan_infinities_and_extremes_are_exact(values: NDArray[np.float32]) -> None:
    histogram = Histogram.from_values(values)
    finite = values[np.isfinite(values)]
    assert histogram.count == len(values)
    assert histogram.zeros == np.count_nonzero(values == 0)
    assert histogram.nans == np.count_nonzero(np.isnan(values))
    assert (histogram.pos_infs, histogram.neg_infs) == (np.sum(values == np.inf), np.sum(values == -np.inf))
    assert histogram.finite_count == len(finite)
    if len(finite):
        assert (histogram.minimum, histogram.maximum) == (finite.min(), finite.max())
    else:
        assert math.isnan(histogram.minimum) and math.isnan(histogram.maximum)


@settings(deadline=None)
@given(values=FINITE)
def test_every_value_lies_within_its_bucket(values: NDArray[np.float32]) -> None:
    for value in values[:20]:
        histogram = Histogram.from_values(value)
        if value == 0:
            assert histogram.zeros == 1 and len(histogram.buckets) == 0
        else:
            (bucket,) = histogram.buckets
            assert (bucket > 0) == (value > 0)
            assert EDGES[abs(bucket) - 1] <= abs(float(value)) < EDGES[abs(bucket)]


@settings(deadline=None)
@given(values=arrays(np.float32, st.integers(1, 300), elements=FLOATS), q=st.floats(0, 1))
def test_a_quantile_errs_by_less_than_an_eighth(values: NDArray[np.float32], q: float) -> None:
    numbers = np.sort(values[~np.isnan(values)]).astype(float)
    found = Histogram.from_values(values).quantile(q)
    if not len(numbers):
        assert math.isnan(found)
        return
    true = numbers[max(math.ceil(q * len(numbers)), 1) - 1]
    if true == 0 or math.isinf(true):
        assert found == true
    else:
        assert abs(found - true) <= max(abs(true) / 8, 2.0**-129)


@settings(deadline=None)
@given(values=FINITE, bins=st.integers(1, 60))
def test_linear_bins_hold_every_value_once(values: NDArray[np.float32], bins: int) -> None:
    edges, counts = Histogram.from_values(values).linear(bins)
    assert (len(edges), len(counts)) == (bins + 1, bins)
    assert counts.sum() == pytest.approx(len(values))
    assert (counts >= 0).all() and (np.diff(edges) >= 0).all()


def test_linear_bins_show_the_shape_of_a_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(0, 0.02, 100_000).astype(np.float32)
    edges, counts = Histogram.from_values(values).linear(30, (-0.06, 0.06))
    expected, _ = np.histogram(values, edges)
    assert np.abs(counts - expected).max() < 0.02 * expected.max()


def test_zeros_fall_into_the_bin_that_holds_zero() -> None:
    edges, counts = Histogram.from_values([0.0] * 5 + [-1.0, 1.0]).linear(4)
    assert edges.tolist() == [-1, -0.5, 0, 0.5, 1]
    assert counts.tolist() == [1, 0, 5, 1]


def test_values_outside_the_range_are_not_counted() -> None:
    assert Histogram.from_values([0.0, 5.0, 5.0, -3.0]).linear(2, (-1, 1))[1].tolist() == [0, 1]


def test_no_values_have_bins_that_are_empty() -> None:
    for empty in (Histogram(), Histogram.from_values([]), Histogram.from_values([math.nan, math.inf])):
        assert empty.linear(3)[1].tolist() == [0, 0, 0]
    assert math.isnan(Histogram().quantile(0.5))


def test_float64_values_beyond_float32_are_counted_and_never_become_zero_or_infinite() -> None:
    histogram = Histogram.from_values([1e300, -1e300, 1e-300, 0.0])
    assert (histogram.zeros, histogram.pos_infs, histogram.neg_infs) == (1, 0, 0)
    assert histogram.counts.tolist() == [1, 1, 1]
    assert (histogram.minimum, histogram.maximum) == (-1e300, 1e300)
    assert histogram.linear(4)[1].sum() == 4


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64, np.bool_])
def test_numbers_of_any_type_and_shape_are_counted(dtype: Any) -> None:
    histogram = Histogram.from_values(np.ones((3, 4, 5), dtype)[:, ::2])
    assert (histogram.count, histogram.minimum, histogram.sum) == (30, 1, 30)


def test_large_half_precision_sums_do_not_overflow() -> None:
    assert Histogram.from_values(np.full(1000, 60000, np.float16)).sum == pytest.approx(6e7)


def test_tiny_and_huge_squares_are_summed_in_double_precision() -> None:
    assert Histogram.from_values(np.full(10, 1e-30, np.float32)).sum_squares == pytest.approx(1e-59)
    assert Histogram.from_values(np.full(10, 1e30, np.float32)).sum_squares == pytest.approx(1e61)


def misplaced(histogram: Histogram, values: NDArray[np.float32], edges: NDArray[np.float64]) -> float:
    """How many values lie in an own bucket that an edge cuts: they may be counted on its other side."""
    low, high, counts = histogram.intervals()
    inside = [edge for edge in edges[1:-1]]
    cut = [any(a < edge < b for edge in inside) for a, b in zip(low, high, strict=True)]
    return float(counts[cut].sum())


@settings(deadline=None)
@given(values=FINITE, buckets=st.integers(1, 40))
def test_tensorboards_buckets_are_numpys_but_for_what_an_edge_cuts(
    values: NDArray[np.float32], buckets: int
) -> None:
    histogram = Histogram.from_values(values)
    rows = to_buckets(histogram, buckets)
    assert rows.shape == (buckets, 3)
    assert rows[:, 2].sum() == pytest.approx(len(values))
    if histogram.minimum < histogram.maximum:
        edges = np.append(rows[:, 0], rows[-1, 1])
        expected, numpys = np.histogram(values.astype(np.float64), buckets, (edges[0], edges[-1]))
        assert np.allclose(edges, numpys)
        # Cumulated, an edge moves at most the values of the one bucket that it cuts.
        off = np.abs(np.cumsum(rows[:, 2]) - np.cumsum(expected))
        assert off.max() <= misplaced(histogram, values, edges) + on_an_edge(values, edges) + 1e-6


def on_an_edge(values: NDArray[np.float32], edges: NDArray[np.float64]) -> int:
    """Values so close to an edge that the edge's own rounding decides on their side."""
    return int(sum(np.isclose(values, edge, rtol=1e-6, atol=1e-300).sum() for edge in edges))


def test_tensorboards_buckets_of_equal_values_and_of_none_are_what_it_writes_itself() -> None:
    rows = to_buckets(Histogram.from_values([2.0, 2.0, math.nan]))
    assert rows.shape == (30, 3) and rows[-1].tolist() == [2.0, 2.0, 2.0] and rows[:-1, 2].sum() == 0
    assert not to_buckets(Histogram.from_values([math.inf])).any()


@settings(deadline=None)
@given(values=ARRAYS)
def test_legacy_buckets_hold_exactly_the_values_up_to_their_limits(values: NDArray[np.float32]) -> None:
    histogram = Histogram.from_values(values)
    legacy = to_legacy(histogram)
    finite = values[np.isfinite(values)].astype(np.float64)
    assert legacy.num == len(finite) == sum(legacy.bucket)
    assert len(legacy.bucket) == len(legacy.bucket_limit)
    assert all(a < b for a, b in zip(legacy.bucket_limit, legacy.bucket_limit[1:], strict=False))
    if len(finite):
        assert (legacy.min, legacy.max) == (finite.min(), finite.max())
        assert legacy.bucket_limit[-1] == finite.max()
        # A bucket of our own holds its lower end, one of TensorBoard's its upper end.
        for limit, total in zip(legacy.bucket_limit, np.cumsum(legacy.bucket), strict=True):
            assert np.sum(finite < limit) <= total <= np.sum(finite <= limit)


@settings(deadline=None)
@given(values=ARRAYS)
def test_statistics_without_a_histogram_are_those_with_one(values: NDArray[np.float32]) -> None:
    assert repr(Tally.of(values, patterns=False).moments) == repr(Histogram.from_values(values).moments)


def test_layer_statistics_are_numpys() -> None:
    values = np.random.default_rng(0).normal(3, 2, 1000)
    values[:100] = 0
    stats = LayerStats.of({"fc": Tally.of(values).moments}, {"fc": 0.25})
    expected = {
        "norm": np.linalg.norm(values),
        "mean": values.mean(),
        "std": values.std(),
        "min": values.min(),
        "max": values.max(),
        "zero_fraction": 0.1,
        "nans": 0,
        "infs": 0,
        "ratio": 0.25,
    }
    for statistic, value in expected.items():
        assert stats.column(statistic)[0] == pytest.approx(value, rel=1e-5)


@pytest.mark.parametrize("values", [["a"], [1j], [None], [{}]])
def test_what_is_not_a_real_number_is_no_histogram(values: Any) -> None:
    with pytest.raises(TypeError, match="real numbers"):
        Histogram.from_values(values)


def pixels(image: Image) -> NDArray[Any]:
    return np.asarray(pil.open(io.BytesIO(image.png)))


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 1), (1, 4, 6), (4, 6, 3), (3, 4, 6), (4, 6, 4), (4, 4, 6)])
def test_an_array_of_any_layout_becomes_a_picture_of_its_size(shape: tuple[int, ...]) -> None:
    image = Image.from_array(np.full(shape, 7, np.uint8), "a caption")
    assert (image.width, image.height, image.caption) == (6, 4, "a caption")
    assert (pixels(image) == 7).all()


def test_floats_run_from_black_to_white_and_are_clipped() -> None:
    array = np.array([[0.0, 0.5, 1.0, -3.0, 7.0, math.nan]])
    assert pixels(Image.from_array(array)).tolist() == [[0, 128, 255, 0, 255, 0]]


def test_a_picture_can_come_from_pil() -> None:
    assert pixels(Image.from_array(pil.new("CMYK", (5, 3)))).shape == (3, 5, 3)


@pytest.mark.parametrize("shape", [(), (5,), (2, 5, 5), (1, 2, 3, 4), (0, 5)])
def test_an_array_that_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="an image is H x W"):
        Image.from_array(np.zeros(shape, np.uint8))


def test_numbers_that_are_no_brightness_are_refused() -> None:
    with pytest.raises(TypeError, match="uint8, bool or float"):
        Image.from_array(np.zeros((2, 2), np.int64))
    with pytest.raises(TypeError, match="uint8, bool or float"):
        Image.from_array(np.zeros((2, 2), complex))


def test_a_text_is_plain_or_markdown() -> None:
    with pytest.raises(ValueError, match="plain.*markdown.*html"):
        Text("x", "html")  # type: ignore[arg-type]


def test_a_graph_keeps_unknown_lengths_and_why_it_is_partial() -> None:
    from trainboard.storage.kinds import KINDS

    node = Node("a", "conv", "Conv2d", "net/block", [[None, 3]], ["float32"], 9, {"stride": "1"})
    graph = Graph([node], [Edge("a", "a", "?x3")], "torch", "net", partial="forward raised")
    assert KINDS["graph"].decode(KINDS["graph"].encode(graph)) == graph
