"""What every card of a kind can do, and what the figures of histograms say."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from dash.development.base_component import Component
from dashboard_fixtures import log_run

import trainboard as tb
from trainboard.dashboard.cards import (
    event,
    graph,
    histogram,
    histogram_bins,
    image,
    layer_stats,
    record,
    text,
)
from trainboard.dashboard.cards.graph_layout import count_text
from trainboard.dashboard.cards.graph_scopes import format_shape
from trainboard.dashboard.cards.graph_style import family
from trainboard.dashboard.cards.histogram_bands import QUANTILES, quantiles
from trainboard.dashboard.cards.histogram_steps import AXES, StepAxis
from trainboard.dashboard.health.history import History
from trainboard.dashboard.merged_histograms import Column
from trainboard.storage import Store
from trainboard.storage.kinds.event import Event
from trainboard.storage.kinds.graph import Graph, Node
from trainboard.storage.kinds.layer_stats import LayerStats
from trainboard.storage.kinds.tally import Tally

THEMES = ("light", "dark")
VIEWS = tuple(histogram.VIEWS)
AWKWARD = {
    "one value": [3.0],
    "zeros": [0.0, 0.0],
    "nothing": [],
    "not finite": [np.nan, np.inf, -np.inf],
    "huge and tiny": [1e-30, -1e30, 1e30],
    "one beside infinity": [1.0, np.inf],
}


def line(*values: list[float], color: str = "#226dc9") -> histogram.Line:
    columns = [
        Column(step * 10, 1e9 + step, tb.Histogram(value), step * 10) for step, value in enumerate(values)
    ]
    return histogram.Line("run", color, columns, 1e9, columns, "other", color)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("view", VIEWS)
def test_a_histogram_card_draws_nothing_and_says_so(view: str, theme: str) -> None:
    for lines in ([], [line()], [line([])], [line([np.nan])]):
        figure = histogram.draw(lines, view, histogram.Look(theme))
        assert figure["data"] == [] and figure["layout"]["annotations"]


@pytest.mark.parametrize("scale", ["linear", "log", "symlog"])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("values", AWKWARD.values(), ids=AWKWARD)
def test_a_histogram_card_draws_whatever_was_logged_as_valid_json(
    values: list[float], view: str, scale: str
) -> None:
    lines = [line(values), line(values, [1.0, 2.0], color="#f5642b")]
    for shown in (lines[:1], lines):
        for axis in AXES:
            look = histogram.Look(scale=scale, log_counts=True, step=10, axis=StepAxis.of(axis, 1.0))
            json.dumps(histogram.draw(shown, view, look), allow_nan=False)


def test_the_bins_hold_every_finite_value_once() -> None:
    values = np.random.default_rng(1).normal(0, 1, 5000)
    for kind in ("linear", "symlog"):
        made = tb.Histogram(values)
        counts = histogram_bins.scale_of([made], kind).counts(made)
        assert counts.sum() == pytest.approx(5000)
        assert len(counts) == histogram_bins.BINS


def test_a_logarithmic_axis_is_monotonic_and_turns_back() -> None:
    scale = histogram_bins.scale_of([tb.Histogram([-5.0, 0.001, 80.0])], "symlog")
    assert all(low < high for low, high in pairwise(scale.edges))
    assert scale.forward(scale.middles) == pytest.approx(scale.positions)
    assert scale.ticks is not None and "0" in scale.ticks[1]


def test_an_axis_longer_than_any_number_is_a_symmetric_one() -> None:
    scale = histogram_bins.scale_of([tb.Histogram([-1.7e308, 1.7e308])], "linear")
    assert scale.kind == "symlog"
    assert np.isfinite([*scale.edges, *scale.outline]).all()


def test_bands_are_the_quantiles_of_the_histogram() -> None:
    made = tb.Histogram(np.random.default_rng(2).normal(0, 1, 1000))
    figure = histogram.draw([line(list(range(9)), list(range(5)))], "bands", histogram.Look())
    assert quantiles(made) == [made.quantile(q) for q in QUANTILES]
    median = figure["data"][-1]
    assert median["y"] == pytest.approx([tb.Histogram(list(range(n))).quantile(0.5) for n in (9, 5)])


def test_the_ridge_at_the_chosen_step_stands_out() -> None:
    figure = histogram.draw([line([1.0], [2.0], [3.0])], "ridge", histogram.Look(step=12))
    widths = [trace["line"]["width"] for trace in figure["data"]]
    assert widths.index(max(widths)) == 1


def test_steps_with_values_that_are_not_finite_are_marked() -> None:
    values = [[1.0, 2.0], [1.0, np.nan, np.nan], [1.0, np.inf]]
    for view in ("heat", "bands"):
        figure = histogram.draw([line(*values)], view, histogram.Look())
        (marks,) = (trace for trace in figure["data"] if trace.get("name") == "not finite")
        assert marks["x"] == [10, 20]
        assert marks["text"] == ["step 10: 2 NaN", "step 20: 1 +Inf"]


def test_what_a_logarithmic_axis_cannot_show_is_left_out() -> None:
    scale = histogram_bins.scale_of([tb.Histogram([-5.0, 0.0, 0.001, 80.0])], "log")
    assert (scale.edges > 0).all() and scale.edges[-1] == 80
    assert scale.counts(tb.Histogram([-5.0, 0.0, 0.001, 80.0])).sum() == pytest.approx(2)
    assert histogram_bins.scale_of([tb.Histogram([-5.0])], "log").kind == "symlog"


def test_counters_say_what_no_bin_can_show() -> None:
    assert histogram.counters(tb.Histogram([0.0, 1.0, np.nan, -np.inf])) == [
        ("0", "50 %"),
        ("NaN", "1"),
        ("−Inf", "1"),
    ]
    assert histogram.counters(tb.Histogram([1.0])) == []


def test_a_graph_card_draws_nothing_and_one_node() -> None:
    assert graph.draw(None)["boxes"] == []
    assert graph.draw(Graph([], []))["boxes"] == []
    (box,) = graph.draw(Graph([Node("a", "conv", "Conv2d")], []))["boxes"]
    assert box["lines"] == ["conv", "Conv2d"]


def test_a_graph_card_is_read_from_the_store(store: Store) -> None:
    made = Graph([Node("a", "conv", "Conv2d")], [], "torch")
    run = log_run(store, "net", [{"graph": made}])
    assert graph.read(store, run) == made


def test_an_image_card_draws_nothing_and_one_image(store: Store) -> None:
    run = log_run(store, "net", [{"sample": tb.Image(np.zeros((2, 3)), caption="<b>")}])
    assert isinstance(image.draw(None), Component)
    shown = record.read(store, "image", run, "sample")
    assert shown is not None and record.read(store, "image", run, "sample", -1) is None
    drawn = json.dumps(
        image.draw(shown, "net", "#226dc9").to_plotly_json(), default=lambda o: o.to_plotly_json()
    )
    assert shown.url(shown.record.value.png) in drawn and "<b>" in drawn


def test_a_text_card_draws_nothing_and_one_text(store: Store) -> None:
    run = log_run(store, "net", [{"note": tb.Text("x" * 30_000)}])
    assert isinstance(text.draw([]), Component)
    records = text.read(store, run, "note")
    drawn = json.dumps(text.draw(records).to_plotly_json(), default=lambda o: o.to_plotly_json())
    assert "10,000 more characters" in drawn


def test_words_for_counts_shapes_and_operations() -> None:
    assert [count_text(n) for n in (7, 1234, 1_234_567, 999_999)] == ["7", "1.23 k", "1.23 M", "1 M"]
    assert format_shape([None, 8, -1]) == "?×8×?" and format_shape([]) == "scalar"
    assert family("AdaptiveAvgPool2d") == "pooling" and family("Conv2d") == "convolution"
    assert family("getitem") == "other"


@pytest.mark.parametrize("quantity", layer_stats.QUANTITIES)
def test_a_map_of_layers_draws_nothing_and_whatever_was_logged(quantity: str) -> None:
    assert layer_stats.draw(History(), quantity, layer_stats.Wanted())["rows"] == []
    history = History()
    for step, values in enumerate(AWKWARD.values()):
        layers = {f"layer {at}": Tally.of(values).moments for at in range(step)}
        for source in ("gradients", "updates", "activations"):
            history.add(source, step, LayerStats.of(layers))
    json.dumps(layer_stats.draw(history, quantity, layer_stats.Wanted()), allow_nan=False)
    json.dumps(layer_stats.curves(history, "layer 1"), allow_nan=False)


def test_an_event_card_draws_nothing_and_the_newest_first(store: Store) -> None:
    assert "No events yet" in str(event.draw([]))
    events = [Event("first"), Event("second", "<b>text</b>", "error", {"norm": np.inf})]
    run = log_run(store, "net", [{"alerts": one} for one in events])
    shown = str(event.draw(event.read(store, run, "alerts")))
    assert shown.index("second") < shown.index("first") and "Infinity" in shown
