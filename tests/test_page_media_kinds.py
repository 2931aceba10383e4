"""The Media page for every kind it shows: sound, whole, damaged and empty ones."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, eventually, log_run
from PIL import Image as pil
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.dashboard.cards import embedding, record
from trainboard.dashboard.pages.media_content import CARDS
from trainboard.storage import Store
from trainboard.storage.kinds.audio import Audio
from trainboard.storage.kinds.image import Image
from trainboard.storage.kinds.raw import Raw
from trainboard.storage.kinds.trace import Trace
from trainboard.storage.kinds.video import Video

RNG = np.random.default_rng(0)
TEMPTING = "<img src=x onerror=alert(1)>"


def whole() -> dict[str, Any]:
    """One of every kind with a card, its names such as a page must not take for HTML."""
    labels = RNG.integers(0, 3, 90)
    return {
        "image": tb.Image(np.zeros((3, 4)), TEMPTING),
        "audio": tb.Audio(np.sin(np.arange(4000) / 3), 8000, TEMPTING),
        "video": tb.Video(RNG.random((4, 6, 8, 3)), 8, TEMPTING),
        "figure": tb.Figure({"data": [{"type": "bar", "x": [TEMPTING, "b"], "y": [1, 2]}]}),
        "table": tb.Table([{TEMPTING: TEMPTING, "n": n} for n in range(2050)]),
        "pr_curve": tb.PRCurve(labels > 0, RNG.random(90)),
        "confusion_matrix": tb.ConfusionMatrix(labels, labels[::-1], [TEMPTING, "b", "c"]),
        "embedding": tb.Embedding(RNG.normal(size=(90, 5)) + 9 * np.eye(5)[labels], labels),
        "mesh": tb.Mesh(np.eye(3), faces=[[0, 1, 2]]),
        "layout": tb.Layout({TEMPTING: {"all": ["Multiline", ["loss"]]}}),
        "trace": tb.Trace(b'{"traceEvents": []}', TEMPTING),
        "raw": Raw(TEMPTING, TEMPTING.encode()),
    }


DAMAGED: dict[str, tuple[Callable[[], Any], str]] = {
    "bytes that are no image": (lambda: Image(b"nope", 1, 1), "not a PNG file"),
    "a cut image": (lambda: Image(tb.Image(RNG.random((40, 40))).png[:200], 40, 40), "cut off"),
    "bytes that are no sound": (lambda: Audio(b"nope", 1, 1, 1), "not a WAV file"),
    "an empty sound": (lambda: tb.Audio(np.zeros(0)), "no samples"),
    "bytes that are no video": (lambda: Video(b"<svg onload=alert(1)>", "gif"), "not a GIF"),
    "a figure without traces": (lambda: tb.Figure({"data": []}), "no traces"),
    "a table without rows": (lambda: tb.Table([]), "table is empty"),
    "a curve of nothing": (lambda: tb.PRCurve([], []), "nothing was predicted"),
    "a matrix of nothing": (lambda: tb.ConfusionMatrix(matrix=np.zeros((2, 2))), "no counts"),
    "too many classes": (lambda: tb.ConfusionMatrix(matrix=np.eye(500)), "too large"),
    "one point": (lambda: tb.Embedding(np.ones((1, 3))), "no two different points"),
    "equal points": (lambda: tb.Embedding(np.ones((5, 3))), "no two different points"),
    "points of NaN": (lambda: tb.Embedding(np.full((5, 3), np.nan)), "5 of 5 points hold NaN"),
    "no points": (lambda: tb.Embedding(np.zeros((0, 3))), "no two different points"),
    "a mesh of NaN": (lambda: tb.Mesh(np.full((5, 3), np.nan)), "no vertices that are finite"),
    "a layout of nothing": (lambda: tb.Layout({}), "names no charts"),
    "bytes that are no trace": (lambda: Trace(b"nope"), "not gzipped"),
    "nothing for a plugin": (lambda: Raw("beholder", b""), "Nothing was logged here but the name"),
}


def kind_of(value: Any) -> str:
    return next(name for name in CARDS if type(value).__module__.endswith(f".{name}"))


def test_every_kind_of_the_page_draws_nothing_and_one_in_both_themes(store: Store) -> None:
    values = whole()
    assert list(CARDS) == list(values)
    run = log_run(store, "net", [values])
    for kind, draw in CARDS.items():
        for theme in ("light", "dark"):
            assert "Nothing logged up to this step" in as_json(draw(None, "net", "#226dc9", theme))
            drawn = as_json(draw(record.read(store, kind, run, kind), "net", "#226dc9", theme))
            assert "card-nothing" not in drawn and "step 0" in drawn


def as_json(component: Any) -> str:
    return json.dumps(component.to_plotly_json(), default=lambda one: one.to_plotly_json(), allow_nan=False)


@pytest.mark.parametrize("name", DAMAGED)
def test_a_card_says_what_is_wrong_with_a_record(name: str, store: Store) -> None:
    make, words = DAMAGED[name]
    value = make()
    run = log_run(store, "net", [{"x": value}])
    shown = record.read(store, kind_of(value), run, "x")
    assert words in as_json(CARDS[kind_of(value)](shown))


def test_every_kind_is_on_the_page_and_no_name_is_taken_for_html(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "net", [whole()])
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".media-section")).to_have_count(len(CARDS))
    for kind in CARDS:
        board.get_by_role("heading", name=kind, exact=True).scroll_into_view_if_needed()
        board.wait_for_function(
            "kind => document.querySelector(`[id*='\"media-content\"'][id*='\"${kind}\"'] .media-card`)",
            arg=kind,
        )
    assert board.locator("#page img[src='x']").count() == 0
    eventually(lambda: board.locator(".js-plotly-plot .main-svg").count() >= 5)
    expect(board.locator(".table-card").first).to_contain_text("the first 2,000 of 2,050 rows")
    expect(board.locator(".table-card .ag-row").first).to_contain_text(TEMPTING)


def test_a_sound_plays_and_a_video_moves(board: Page, store: Store, dashboard: Dashboard) -> None:
    values = whole()
    log_run(store, "net", [{"a": values["audio"], "v": values["video"]}])
    board.goto(f"{dashboard.url}/media")
    player = board.locator("audio")
    eventually(lambda: player.evaluate("one => one.duration") == pytest.approx(0.5))
    player.evaluate("one => { one.muted = true; return one.play(); }")
    eventually(lambda: player.evaluate("one => one.currentTime") > 0)
    picture = board.locator(".video-frame img")
    eventually(lambda: picture.evaluate("one => one.naturalWidth") == 8)


def test_a_figure_that_asks_for_webgl_is_drawn_without(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "net", [{"f": tb.Figure({"data": [{"type": "scattergl", "x": [1, 2], "y": [3, 4]}]})}])
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".scatterlayer .trace")).to_have_count(1)


def test_a_zoom_into_a_figure_survives_the_next_step(board: Page, store: Store, dashboard: Dashboard) -> None:
    with tb.init(project="digits", name="live", store=store.url) as run:
        run.log({"f": tb.Figure({"data": [{"type": "scatter", "y": list(range(10))}]})}, step=0)
        run.flush()
        board.goto(f"{dashboard.url}/media")
        expect(board.locator(".scatterlayer .trace")).to_have_count(1)
        area = board.locator(".nsewdrag").first.bounding_box()
        assert area is not None
        middle = area["y"] + area["height"] / 2
        board.mouse.move(area["x"] + area["width"] * 0.3, middle)
        board.mouse.down()
        board.mouse.move(area["x"] + area["width"] * 0.6, middle, steps=4)
        board.mouse.up()
        plot = board.locator(".js-plotly-plot")
        window = "plot => plot._fullLayout.xaxis.range.map(Math.round)"
        eventually(lambda: plot.evaluate(window)[1] < 8)
        zoomed = plot.evaluate(window)
        run.log({"f": tb.Figure({"data": [{"type": "scatter", "y": list(range(20))}]})}, step=1)
        run.flush()
        expect(board.locator(".plotly-card .card-step")).to_have_text("step 1")
        eventually(lambda: plot.evaluate("plot => plot._fullData[0]._length") == 20)
        assert plot.evaluate(window) == zoomed


def test_damaged_records_leave_the_page_whole(board: Page, store: Store, dashboard: Dashboard) -> None:
    film = Video(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(100), "mp4")
    log_run(
        store,
        "net",
        [
            {name: make() for name, (make, _) in DAMAGED.items()}
            | {"a file without a film": film, "z": tb.Text("still here")}
        ],
    )
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".media-section")).to_have_count(len(DAMAGED) + 2)
    board.get_by_role("heading", name="a file without a film").scroll_into_view_if_needed()
    expect(board.get_by_text("This video cannot be played")).to_be_visible()
    board.get_by_role("heading", name="z", exact=True).scroll_into_view_if_needed()
    expect(board.get_by_text("still here")).to_be_visible()


def test_each_kind_of_a_tag_has_a_slider_of_its_own(board: Page, store: Store, dashboard: Dashboard) -> None:
    steps = [{"image": tb.Image(np.full((2, 2), step / 4))} for step in range(4)]
    run = log_run(store, "net", [{"x": one["image"]} for one in steps])
    with tb.init(id=run, resume="must", store=store.url) as again:
        for step in range(4):
            again.log({"x": tb.Table([[step]], ["n"])}, step)
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".table-card .card-step")).to_have_text("step 3")
    board.get_by_role("slider", name="Step").last.press("ArrowLeft")
    expect(board.locator(".table-card .card-step")).to_have_text("step 2")
    expect(board.locator(".image-card .card-step")).to_have_text("step 3")


def test_the_page_is_as_wide_as_a_phone(board: Page, store: Store, dashboard: Dashboard) -> None:
    board.set_viewport_size({"width": 390, "height": 844})
    log_run(store, "net", [whole()])
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".media-card").first).to_be_visible()
    assert board.evaluate("document.documentElement.scrollWidth") == 390


def get(url: str, **headers: str) -> Any:
    try:
        return urlopen(Request(url, headers=headers))
    except HTTPError as error:
        return error


def address_of(store: Store, kind: str, content: Callable[[Any], bytes], value: Any) -> str:
    run = log_run(store, "net", [{"x": value}])
    shown = record.read(store, kind, run, "x")
    assert shown is not None
    return shown.url(content(shown.record.value))


def test_bytes_are_served_whole_and_in_parts(store: Store, dashboard: Dashboard) -> None:
    value = tb.Audio(RNG.uniform(-1, 1, 500))
    url = dashboard.url + address_of(store, "audio", lambda audio: audio.wav, value)
    answer = get(url)
    assert (answer.status, answer.headers["content-type"]) == (200, "audio/wav")
    assert answer.read() == value.wav and answer.headers["accept-ranges"] == "bytes"
    size = len(value.wav)
    for asked, part in (("2-9", slice(2, 10)), ("1000-", slice(1000, size)), ("-7", slice(-7, None))):
        answer = get(url, Range=f"bytes={asked}")
        assert (answer.status, answer.read()) == (206, value.wav[part])
    assert get(url, Range="bytes=2-3").headers["content-range"] == f"bytes 2-3/{size}"
    assert get(url, Range="bytes=99999-").status == 416
    assert get(url, Range="bytes=-").status == get(url, Range="lines=1-2").status == 200


def test_a_format_is_told_by_the_bytes_and_never_by_what_a_record_says(
    store: Store, dashboard: Dashboard
) -> None:
    buffer = io.BytesIO()
    pil.new("RGB", (4, 3)).save(buffer, "GIF")
    said = Video(buffer.getvalue(), "mp4")
    answer = get(dashboard.url + address_of(store, "video", lambda video: video.data, said))
    assert answer.headers["content-type"] == "image/gif"
    page = Video(b"<html><script>alert(1)</script></html>", "webm")
    assert get(dashboard.url + address_of(store, "video", lambda video: video.data, page)).status == 415


def test_a_kind_without_files_has_no_addresses(dashboard: Dashboard) -> None:
    assert get(f"{dashboard.url}/api/v1/media/table/{'0' * 32}?run=a&tag=b&index=0").status == 404


def test_the_plane_of_an_embedding_holds_its_two_greatest_variances() -> None:
    points = RNG.normal(size=(300, 6)) * np.array([9, 1, 4, 0.1, 0.1, 0.1])
    plane, shares = embedding.project(points)
    expected = np.sort(np.linalg.eigvalsh(np.cov(points.T)))[::-1][:2]
    assert plane.var(axis=0, ddof=1) == pytest.approx(expected)
    assert shares == pytest.approx(expected / np.trace(np.cov(points.T)))
