"""The Histograms page: its cards, its steps and its live figures in a real browser."""

from __future__ import annotations

import json

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, eventually, log_run
from playwright.sync_api import Locator, Page, expect

import trainboard as tb
from trainboard.dashboard.pages import step_slider
from trainboard.dashboard.pages.histogram_grid import Cell, arrange, split_tag
from trainboard.storage import Store
from trainboard.storage.schema import records
from trainboard.storage.series import SeriesKey

RANDOM = np.random.default_rng(0)


def weights(steps: int) -> list[dict[str, object]]:
    """What a watched two-layer network logs."""
    tags = [
        f"{kind}/net.{layer}.{part}"
        for layer in (2, 10)
        for kind in ("gradients", "weights")
        for part in "ab"
    ]
    return [{tag: tb.Histogram(RANDOM.normal(step, 1, 200)) for tag in tags} for step in range(steps)]


def drawn(card: Locator) -> dict:
    """The figure of a card as Plotly has it, once it has one."""
    script = "card => JSON.stringify(card.querySelector('.js-plotly-plot')?.data ?? [])"
    eventually(lambda: len(json.loads(card.evaluate(script))) > 0)
    return json.loads(card.evaluate(script))


def test_a_tag_is_split_into_what_layer_and_parameter() -> None:
    assert split_tag("gradients/block.0.conv.weight") == ("gradients", "block.0.conv", "weight")
    assert split_tag("weights/dense/kernel") == ("weights", "dense", "kernel")
    assert split_tag("weights/bias") == ("weights", "bias", "")
    assert split_tag("normal/bimodal") == ("", "normal", "bimodal")
    assert split_tag("activations") == ("", "other", "activations")


def test_tags_that_tell_of_no_layer_share_rows_by_their_prefix_as_in_tensorboard(store: Store) -> None:
    tags = ("normal/wide", "gamma", "normal/narrow", "uniform")
    run = log_run(store, "demo", [dict.fromkeys(tags, tb.Histogram([1.0]))])
    sections = arrange(store.series(run), [{"id": run}], "ridge", "")
    told = {section.layer: [[cell.tag for cell in row] for row in section.rows] for section in sections}
    assert told == {"normal": [["normal/narrow", "normal/wide"]], "other": [["gamma", "uniform"]]}


def test_layers_come_in_natural_order_with_weights_beside_gradients(store: Store) -> None:
    run = log_run(store, "net", weights(1))
    sections = arrange(store.series(run, kind="histogram"), [{"id": run}], "ridge", "")
    assert [section.layer for section in sections] == ["net.2", "net.10"]
    assert [cell.tag.split("/")[0] for cell in sections[0].cells] == ["weights", "gradients"] * 2
    assert [section.layer for section in arrange(store.series(run), [{"id": run}], "ridge", "NET.1")] == [
        "net.10"
    ]


def test_views_that_overlay_runs_have_one_card_a_tag(store: Store) -> None:
    runs = [{"id": log_run(store, name, weights(1))} for name in "ab"]
    series = store.series([run["id"] for run in runs])
    apart = arrange(series, runs, "ridge", "")
    together = arrange(series, runs, "bands", "")
    assert len(apart[0].cells) == 2 * len(together[0].cells)
    assert together[0].cells[0].runs == tuple(run["id"] for run in runs)


def test_a_card_is_known_again_by_its_component_id() -> None:
    cell = Cell('we"ird/tag{}', ("a", "b"))
    assert Cell.from_id(cell.id("histogram-card")) == cell


@pytest.mark.parametrize(
    ("steps", "pin", "value", "words"),
    [
        ([0, 10, 20, 30], 10, 1, "10"),
        ([0, 10, 20, 30], None, 3, "30 · newest"),
        ([5], None, 1, "5"),
        ([], None, 1, "none yet"),
        ([0, 10, 20], 20, 1, "20"),
    ],
)
def test_a_slider_follows_only_at_its_end(steps: list[int], pin: int | None, value: int, words: str) -> None:
    placed = {"steps": steps, "value": value, "pin": pin}
    assert step_slider.place(steps, pin) == (placed, words)


def test_each_view_draws_the_runs_shown(board: Page, store: Store, dashboard: Dashboard) -> None:
    for name in ("one", "two"):
        log_run(store, name, weights(4))
    board.goto(f"{dashboard.url}/histograms")
    cards = board.locator(".histogram-page article.card")
    expect(cards).to_have_count(16)
    assert len(drawn(cards.first)) == 4
    board.get_by_text("Quantiles", exact=True).click()
    expect(cards).to_have_count(8)
    eventually(lambda: {"one", "two"} <= {trace.get("name") for trace in drawn(cards.first)})
    board.get_by_text("One step", exact=True).click()
    eventually(lambda: len(drawn(cards.first)) == 2)
    board.get_by_text("Heat map", exact=True).click()
    expect(cards).to_have_count(16)
    eventually(lambda: drawn(cards.first)[0]["type"] == "heatmap")
    expect(board).to_have_url(f"{dashboard.url}/histograms?histogram_view=heat")


def test_two_runs_and_two_layers_are_compared_by_their_distance(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    for name, shift in (("one", 0.0), ("two", 3.0)):
        values = np.linspace(0, 1, 50)
        tags = {"weights/a": tb.Histogram(values + shift), "weights/b": tb.Histogram(values + 2 * shift)}
        log_run(store, name, [tags, tags])
    board.goto(f"{dashboard.url}/histograms?histogram_view=compare")
    card = board.locator(".histogram-page article.card").first
    told = [trace for trace in drawn(card) if trace.get("name") == "distance"]
    assert [trace["y"] for trace in told] == [pytest.approx([3.0, 3.0], abs=0.4)]
    expect(card).to_contain_text("Distance to one")
    board.get_by_role("textbox", name="Compare with").click()
    board.get_by_role("option", name="weights/b").click()
    expect(card).to_contain_text("Distance to weights/b")
    eventually(lambda: [trace.get("name") for trace in drawn(card)].count("distance") == 2)


def test_the_slider_chooses_a_step_that_new_data_does_not_take_away(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = tb.init(project="digits", name="live", store=store.url)
    for step in range(5):
        run.log({"weights/a": tb.Histogram([step, step + 1.0])}, step=step)
    run.flush()
    board.goto(f"{dashboard.url}/histograms?histogram_view=one")
    words = board.locator("#histogram-step-text")
    expect(words).to_have_text("4 · newest")
    board.get_by_role("slider", name="Step").press("ArrowLeft")
    expect(words).to_have_text("3")
    card = board.locator(".histogram-page article.card")
    eventually(lambda: drawn(card)[0]["text"] == "3")
    run.log({"weights/a": tb.Histogram([9.0])}, step=9)
    run.flush()
    expect(board.get_by_role("slider", name="Step")).to_have_attribute("aria-valuemax", "5")
    expect(words).to_have_text("3")
    assert drawn(card)[0]["text"] == "3"
    board.get_by_role("slider", name="Step").press("End")
    expect(words).to_have_text("9 · newest")
    eventually(lambda: drawn(card)[0]["text"] == "9")
    run.finish()


def test_a_zoom_survives_new_steps(board: Page, store: Store, dashboard: Dashboard) -> None:
    run = tb.init(project="digits", name="live", store=store.url)
    for step in range(5):
        run.log({"weights/a": tb.Histogram(RANDOM.normal(0, 1, 500))}, step=step)
    run.flush()
    board.goto(f"{dashboard.url}/histograms?histogram_view=bands")
    card = board.locator(".histogram-page article.card")
    drawn(card)
    area = card.locator(".nsewdrag").first.bounding_box()
    assert area is not None
    middle = area["y"] + area["height"] / 2
    board.mouse.move(area["x"] + area["width"] * 0.3, middle)
    board.mouse.down()
    board.mouse.move(area["x"] + area["width"] * 0.7, middle, steps=4)
    board.mouse.up()
    window = "card => card.querySelector('.js-plotly-plot')._fullLayout.xaxis.range.map(Math.round)"
    eventually(lambda: "histogram_window" in board.evaluate("location.search"))
    zoomed = card.evaluate(window)
    assert zoomed[1] - zoomed[0] < 4
    eventually(lambda: len(drawn(card)[-1]["x"]) < 5)
    within = len(drawn(card)[-1]["x"])
    run.log({"weights/a": tb.Histogram([9.0])}, step=2)
    run.flush()
    eventually(lambda: len(drawn(card)[-1]["x"]) == within + 1)
    assert card.evaluate(window) == zoomed
    board.get_by_role("button", name="All steps").click()
    eventually(lambda: len(drawn(card)[-1]["x"]) == 6)
    run.finish()


def test_a_deep_link_opens_at_its_step(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "net", [{"weights/a": tb.Histogram([float(step)])} for step in range(6)])
    board.goto(f"{dashboard.url}/histograms?histogram_view=one&histogram_step=2")
    expect(board.locator("#histogram-step-text")).to_have_text("2")
    eventually(lambda: drawn(board.locator(".histogram-page article.card"))[0]["text"] == "2")


def test_values_that_no_bin_can_hold_are_counted_on_the_card(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    values = [0.0, 0.0, 1.0, 2.0, np.nan, np.inf, np.inf, -np.inf]
    log_run(store, "net", [{"weights/a": tb.Histogram(values)}, {"weights/a": tb.Histogram(values)}])
    board.goto(f"{dashboard.url}/histograms")
    note = board.locator(".histogram-page .card-note").first
    for words in ("0: 50 %", "NaN: 1", "+Inf: 2", "−Inf: 1"):
        expect(note).to_contain_text(words)


def test_a_damaged_histogram_is_told_on_its_card_and_leaves_the_others(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = log_run(store, "net", [{"weights/a": tb.Histogram([1.0]), "weights/b": tb.Histogram([2.0])}])
    damaged = SeriesKey(0, "histogram", "weights/a").id
    with store.writing() as connection:
        where = (records.c.run_id == run) & (records.c.series_id == damaged)
        connection.execute(records.update().where(where).values(body=b"damaged"))
    board.goto(f"{dashboard.url}/histograms")
    cards = board.locator(".histogram-page article.card")
    expect(cards.first).to_contain_text("Histograms here cannot be read")
    assert len(drawn(cards.last)) == 1


def test_only_cards_in_view_are_drawn(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "deep", [{f"weights/layer{n}.w": tb.Histogram([1.0, 2.0]) for n in range(40)}])
    board.goto(f"{dashboard.url}/histograms")
    cards = board.locator(".histogram-page article.card")
    expect(cards).to_have_count(40)
    drawn(cards.first)
    count = "cards => cards.filter(card => (card.querySelector('.js-plotly-plot')?.data ?? []).length).length"
    assert cards.evaluate_all(count) < 20
    cards.last.scroll_into_view_if_needed()
    drawn(cards.last)


def test_names_are_shown_as_text(board: Page, store: Store, dashboard: Dashboard) -> None:
    attack = "<img src=x onerror=throw(1)>"
    log_run(store, attack, [{f"weights/{attack}": tb.Histogram([1.0])}])
    board.goto(f"{dashboard.url}/histograms?histogram_view=bands")
    card = board.locator(".histogram-page article.card")
    drawn(card)
    card.hover()
    expect(board.locator(".layer h2")).to_have_text(attack)
    assert board.locator("img").count() == 0


def test_without_histograms_the_page_says_what_to_call(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "plain", [{"loss": 1.0}])
    board.goto(f"{dashboard.url}/histograms")
    expect(board.get_by_text("run.watch(model)")).to_be_visible()
