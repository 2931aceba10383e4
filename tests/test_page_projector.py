"""The Projector page in a real browser: points are found, chosen and followed; bad ones are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, eventually, log_run, served
from playwright.sync_api import Page, expect
from test_accessibility import serious
from test_page_mesh import COLORED

import trainboard as tb

EVIL = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
CANVAS = ".projector-canvas canvas"
KEEP_CONTEXT = """
    const original = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        const made = original.call(this, kind, ...rest);
        if (!made || !kind.startsWith("webgl") || window.webgl) return made;
        const draw = made.drawArrays.bind(made);
        made.drawn = 0;
        made.drawArrays = (...asked) => ((made.drawn += 1), draw(...asked));
        return (window.webgl = made);
    };
"""


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with served(tmp_path_factory.mktemp("projector")) as dashboard:
        store = dashboard.store
        random = np.random.default_rng(0)
        groups = np.repeat([0, 1, 2], 30)
        vectors = random.normal(size=(90, 5)) + 8 * np.eye(5)[groups]
        names = [["ant", "bee", EVIL][group] for group in groups]
        metadata = [[name, f"no {at}", at / 7] for at, name in enumerate(names)]
        pictures = random.random((90, 1, 8, 8))
        columns = ["kind", "name", "size"]
        steps = [
            {"words": tb.Embedding(vectors * scale, metadata, images=pictures, columns=columns)}
            for scale in (1, 2, 3)
        ]
        log_run(store, "trained", steps)
        log_run(
            store, "broken", [{"nan": tb.Embedding(np.full((4, 3), np.nan)), EVIL: tb.Embedding(vectors)}]
        )
        large = tb.Embedding(random.normal(size=(6_000, 32)), ["a", "b", "c"] * 2_000)
        log_run(store, "large", [{"many": large}])
        yield dashboard


def opened(page: Page, dashboard: Dashboard, run: str = "trained", **asked: str) -> list[str]:
    """Open the page on a run's embedding; returns what goes wrong in it, as it comes."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    ids = {one.name: one.id for one in dashboard.store.runs()}
    query = "&".join(f"projector_{name}={text}" for name, text in asked.items())
    page.goto(f"{dashboard.url}/projector?projector_run={ids[run]}&{query}")
    return wrong


def pixel(page: Page, point: int) -> tuple[float, float]:
    """Where a point is on the screen."""
    box = page.locator(CANVAS).bounding_box()
    assert box is not None
    found = page.locator(CANVAS).evaluate("(canvas, at) => canvas.trainboard?.pixelOf(at) ?? []", point)
    x, y = found or (np.nan, np.nan)
    return box["x"] + x, box["y"] + y


def test_a_clicked_point_shows_its_neighbours_and_what_is_seen_is_in_the_address(
    page: Page, dashboard: Dashboard
) -> None:
    wrong = opened(page, dashboard)
    expect(page.locator(CANVAS)).to_have_attribute("data-points", "90")
    expect(page.locator(".projector-facts")).to_contain_text("90 points · 5 dimensions")
    expect(page.locator(".projector-legend button")).to_have_count(3)
    eventually(lambda: np.isfinite(pixel(page, 40)).all())
    page.mouse.move(*pixel(page, 40))
    page.mouse.click(*pixel(page, 40))
    expect(page.locator(".projector-point li")).to_have_count(10)
    eventually(lambda: "projector_point=" in page.evaluate("location.search"))
    row = page.evaluate("new URLSearchParams(location.search).get('projector_point')")
    expect(page.locator(".projector-point h2")).to_contain_text(f"no {row}")
    page.locator(CANVAS).press("ArrowLeft")
    eventually(lambda: "projector_camera=" in page.evaluate("location.search"))
    page.reload()
    expect(page.locator(".projector-point li")).to_have_count(10)
    page.get_by_label("Label", exact=True).select_option("size")
    expect(page.locator(".projector-point h2")).to_contain_text(f"{int(row) / 7:.1f}"[:3])
    assert serious(page) == []
    assert wrong == []


def test_points_are_searched_selected_by_a_lasso_and_isolated(page: Page, dashboard: Dashboard) -> None:
    wrong = opened(page, dashboard, dimensions="2", pictures="0")
    expect(page.locator(CANVAS)).to_have_attribute("data-points", "90")
    page.get_by_label("Search the metadata").fill("bee")
    expect(page.locator(".projector-count")).to_contain_text("30 found")
    page.get_by_role("button", name="Select them").click()
    expect(page.locator(".projector-selection")).to_contain_text("30 points selected")
    with page.expect_download() as saved:
        page.get_by_role("button", name="CSV").click()
    assert saved.value.path().read_text().splitlines()[1].startswith("30,bee,no 30,")
    page.get_by_role("button", name="Isolate").click()
    eventually(lambda: "projector_only=30-59" in page.evaluate("location.search"))
    page.get_by_role("button", name="Show all").click()
    page.get_by_label("Search the metadata").fill("")
    page.get_by_role("button", name="Lasso").click()
    x, y = pixel(page, 0)
    page.mouse.move(x - 12, y - 12)
    page.mouse.down()
    for corner in ((12, -12), (12, 12), (-12, 12)):
        page.mouse.move(x + corner[0], y + corner[1], steps=4)
    page.mouse.up()
    expect(page.locator(".projector-selection")).to_contain_text("selected")
    assert wrong == []


def test_steps_are_seen_from_one_place(page: Page, dashboard: Dashboard) -> None:
    wrong = opened(page, dashboard)
    expect(page.locator(".projector-steps output")).to_have_text("step 2")
    eventually(lambda: np.isfinite(pixel(page, 0)).all())
    middle = np.mean([pixel(page, point) for point in range(90)], axis=0)
    last = pixel(page, 0)
    page.get_by_label("Step", exact=True).press("Home")
    expect(page.locator(".projector-steps output")).to_have_text("step 0")
    # At step 0 every vector is a third of what it is at step 2, to which the projection stays fitted.
    eventually(lambda: np.linalg.norm(pixel(page, 0) - middle) < 0.7 * np.linalg.norm(last - middle))
    page.get_by_role("button", name="Fit to this step").click()
    eventually(lambda: np.linalg.norm(pixel(page, 0) - middle) > 0.7 * np.linalg.norm(last - middle))
    assert wrong == []


def test_a_map_can_be_cancelled_and_begun_again(page: Page, dashboard: Dashboard) -> None:
    wrong = opened(page, dashboard, run="large", method="tsne")
    for _ in range(2):
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator(".projector-state")).to_contain_text("Cancelled")
        page.get_by_role("button", name="Start again").click()
    page.get_by_role("button", name="Cancel").click()
    assert wrong == []


def test_points_keep_their_colours_while_a_map_of_some_of_them_is_made(
    page: Page, dashboard: Dashboard
) -> None:
    wrong = opened(page, dashboard, run="large")
    expect(page.locator(CANVAS)).to_have_attribute("data-points", "6000")
    expect(page.locator(".projector-legend button")).to_have_count(3)
    eventually(lambda: page.locator(CANVAS).evaluate(COLORED) > 1_000)
    before = page.locator(CANVAS).evaluate("canvas => canvas.toDataURL()")
    page.get_by_role("radio", name="t-SNE").click()
    expect(page.locator(".projector-state progress[value]")).to_be_visible()
    expect(page.locator(".projector-legend button")).to_have_count(3)
    assert page.locator(CANVAS).evaluate("canvas => canvas.toDataURL()") == before
    page.get_by_role("button", name="Cancel").click()
    assert wrong == []


def test_axes_lie_between_points_that_words_find(page: Page, dashboard: Dashboard) -> None:
    wrong = opened(page, dashboard, method="custom")
    expect(page.locator(".projector-state")).to_contain_text("between which points")
    for name, words in (("Left", "ant"), ("Right", "bee"), ("Down", "no 1"), ("Up", "nothing has this")):
        page.get_by_label(name, exact=True).fill(words)
        page.get_by_label(name, exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("nothing has this")
    page.get_by_label("Up", exact=True).fill("no 7")
    page.get_by_label("Up", exact=True).press("Enter")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert wrong == []


def test_names_are_text_and_an_embedding_of_nan_says_so(page: Page, dashboard: Dashboard) -> None:
    wrong = opened(page, dashboard, run="broken", tag="nan")
    expect(page.get_by_role("alert")).to_contain_text("All 4 points of this embedding hold NaN")
    page.get_by_label("Embedding").select_option(EVIL)
    expect(page.locator(CANVAS)).to_have_attribute("data-points", "90")
    opened(page, dashboard, labels="1", color="kind", search="%3Cimg")
    expect(page.locator(".projector-count")).to_contain_text("30 found")
    expect(page.locator(".projector-legend")).to_contain_text("<img src=x")
    assert page.title().startswith("Projector")
    assert wrong == []


def test_files_are_looked_at_and_metadata_is_changed_on_the_page(
    page: Page, dashboard: Dashboard, tmp_path: Path
) -> None:
    wrong = opened(page, dashboard, run="broken")
    vectors, labels = tmp_path / "vectors.tsv", tmp_path / "labels.tsv"
    vectors.write_text("".join(f"{at}\t{at * at}\t1\n" for at in range(40)))
    labels.write_text(
        "kind\tsize\n" + "".join(f"{EVIL if at % 2 else 'even'}\t{at / 3}\n" for at in range(40))
    )
    page.get_by_label("Open vectors…").set_input_files(vectors)
    expect(page.locator(CANVAS)).to_have_attribute("data-points", "40")
    expect(page.get_by_label("Run", exact=True)).to_contain_text("File vectors.tsv")
    page.get_by_label("Open metadata…").set_input_files(vectors)
    expect(page.get_by_role("alert")).to_contain_text("vectors.tsv has 39 rows below their names")
    page.get_by_label("Open metadata…").set_input_files(labels)
    expect(page.locator(".projector-legend")).to_contain_text("<img src=x")
    page.get_by_label("Color by").select_option("size")
    expect(page.locator(".projector-scale")).to_be_visible()
    page.get_by_label("Colors").select_option("One a value")
    expect(page.locator(".projector-legend")).to_contain_text("40 values, each of one point")
    page.get_by_label("Color by").select_option("kind")
    page.locator(".projector-legend button", has_text="even").click()
    page.get_by_label("What it becomes").fill(EVIL)
    page.get_by_role("button", name="Set").click()
    expect(page.locator(".projector-legend button")).to_have_count(1)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save metadata").click()
    assert saved.value.path().read_text().splitlines()[1].startswith("<img")
    assert serious(page) == []
    page.reload()
    expect(page.locator(".projector-legend button")).to_have_count(1)
    page.get_by_role("button", name="Discard changes").click()
    expect(page.locator(".projector-legend")).to_have_count(0)
    assert page.title().startswith("Projector")
    assert wrong == []


def test_points_come_back_after_the_graphics_card_was_lost(page: Page, dashboard: Dashboard) -> None:
    page.add_init_script(KEEP_CONTEXT)
    wrong = opened(page, dashboard)
    eventually(lambda: page.evaluate("trainboard.hasWebgl?.()"))
    expect(page.locator(CANVAS)).to_have_attribute("data-points", "90")
    page.evaluate("window.lose = window.webgl.getExtension('WEBGL_lose_context'); lose.loseContext()")
    eventually(lambda: not page.evaluate("trainboard.hasWebgl()"))
    eventually(lambda: page.locator(CANVAS).evaluate(COLORED) > 1_000)
    page.evaluate("lose.restoreContext()")
    eventually(lambda: page.evaluate("trainboard.hasWebgl()"))
    before = page.evaluate("webgl.drawn")
    page.locator(CANVAS).press("ArrowLeft")
    eventually(lambda: page.evaluate("webgl.drawn") > before)
    eventually(lambda: page.locator(CANVAS).evaluate(COLORED) > 1_000)
    assert wrong == []


def test_a_step_that_arrives_is_shown_without_moving_the_camera(page: Page, dashboard: Dashboard) -> None:
    vectors = np.random.default_rng(1).normal(size=(30, 4))
    with tb.init("digits", "live", store=dashboard.store.url) as run:
        run.log({"words": tb.Embedding(vectors)}, step=0)
        run.flush()
        wrong = opened(page, dashboard, run="live", camera="1,1,3,0,0,0")
        expect(page.locator(CANVAS)).to_have_attribute("data-points", "30")
        run.log({"words": tb.Embedding(np.vstack([vectors, vectors + 1]))}, step=1)
        run.flush()
        expect(page.locator(".projector-steps output")).to_have_text("step 1")
        expect(page.locator(CANVAS)).to_have_attribute("data-points", "60")
        assert "projector_camera=1" in page.evaluate("location.search")
    assert wrong == []
