"""What Visdom's windows hold, in a real browser: figures, formulas, HTML, players, pictures, points."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, eventually, served
from playwright.sync_api import Page, expect
from visdom_server import client, pane, post

from trainboard.dashboard.visdom.figure import drawable


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with served(tmp_path_factory.mktemp("panes")) as dashboard:
        yield dashboard


RECORDED = [json.loads(line) for line in Path(__file__).with_name("visdom_requests.jsonl").open()]
PLOTS = [
    record["body"]
    for record in RECORDED
    if record["path"] == "/events" and record["body"].get("layout") is not None
]
DRAW_ALL = """async (figures) => {
    const Plotly = await trainboard.panes.plotly();
    const place = document.body.appendChild(document.createElement("div"));
    const missing = [];
    for (const { data, layout, titles } of figures) {
        await Plotly.newPlot(place, data, { ...layout, width: 500, height: 400 });
        const texts = [...place.querySelectorAll("text")].map((one) => one.textContent);
        const found = (title) => texts.includes(title) || place._fullLayout.scene !== undefined;
        missing.push(...titles.filter((title) => !found(title)));
    }
    Plotly.purge(place);
    place.remove();
    return missing;
}"""


def titles_of(layout: dict[str, Any]) -> list[str]:
    """The titles a person must see; a program's own are strings, and Plotly's objects."""
    parts = [layout, *(layout.get(axis) or {} for axis in ("xaxis", "yaxis", "yaxis2"))]
    titles = [part.get("title") for part in parts]
    return [title["text"] if isinstance(title, dict) else title for title in titles if title]


def test_the_title_of_every_recorded_layout_is_seen(board: Page, dashboard: Dashboard) -> None:
    board.goto(f"{dashboard.url}/panes")
    figures = [
        {**drawable(body), "titles": titles_of(body["layout"])}
        for body in ({"data": one["data"], "layout": one["layout"]} for one in PLOTS)
    ]
    assert sum(len(figure["titles"]) for figure in figures) > 10
    board.wait_for_function("() => window.trainboard?.panes")
    assert board.evaluate(DRAW_ALL, figures) == []


def test_formulas_are_drawn_and_lead_nowhere(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "formulas")
    for win, title in (("plain", r"$\alpha^2$"), ("link", r"$\href{javascript:window.owned=1}{\beta}$")):
        vis.line(X=np.arange(3), Y=np.arange(3.0), win=win, opts={"title": title})
    board.goto(f"{dashboard.url}/panes?env=formulas")
    expect(board.locator("svg.gtitle-math")).to_have_count(2)
    expect(board.locator("svg.gtitle-math path").first).to_be_attached()
    assert board.locator(".js-plotly-plot svg a").count() == 0


def test_a_zoomed_picture_is_dragged_without_a_click(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "zoomed", use_incoming_socket=True)
    assert vis.check_connection(timeout_seconds=3)
    vis.image(np.zeros((3, 20, 40)), win="w", opts={"title": "Zoomed"})
    heard: list[dict[str, Any]] = []
    vis.register_event_handler(heard.append, "w")
    board.goto(f"{dashboard.url}/panes?env=zoomed")
    image, place = pane(board, "Zoomed").locator("img"), pane(board, "Zoomed").locator(".pane-image")
    image.hover()
    board.keyboard.down("Control")
    board.mouse.wheel(0, -100)
    board.keyboard.up("Control")
    scrolled = "element => element.scrollLeft"
    eventually(lambda: place.evaluate(scrolled) > 0)  # so that what is under the pointer stays there
    before = place.evaluate(scrolled)
    box = place.bounding_box()
    assert box
    board.mouse.move(box["x"] + 50, box["y"] + 50)
    board.mouse.down()
    board.mouse.move(box["x"] + 60, box["y"] + 50, steps=5)
    board.mouse.up()
    eventually(lambda: place.evaluate(scrolled) == before - 10)
    image.dblclick()
    eventually(lambda: place.evaluate(scrolled) == 0)
    eventually(lambda: len(heard) == 2)
    assert {event["event_type"] for event in heard} == {"Click"}  # those of the double click


def test_a_line_for_webgl_and_one_of_two_axes_are_drawn(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "lines")
    vis.line(X=np.arange(3), Y=np.arange(3.0), opts={"title": "Fast", "webgl": True})
    vis.dual_axis_lines(np.arange(5), np.arange(5) * 5, np.array([1, 7, 12, 3, 19]), opts={"title": "Two"})
    board.goto(f"{dashboard.url}/panes?env=lines")
    expect(pane(board, "Fast").locator(".scatterlayer .js-line")).to_be_visible()
    expect(pane(board, "Two").locator(".y2tick")).to_have_text(["0", "5", "10", "15", "20"])


def test_html_of_a_program_runs_no_script(page: Page, dashboard: Dashboard) -> None:
    attack = (
        "<img src=x onerror='parent.document.title=\"hacked\"'><script>parent.hacked = 1</script><p>here</p>"
    )
    client(dashboard, "attack").text(attack, opts={"title": "Attack"})
    page.goto(f"{dashboard.url}/panes?env=attack")
    frame = pane(page, "Attack").locator("iframe")
    assert frame.get_attribute("sandbox") == ""
    expect(frame.content_frame.locator("p")).to_have_text("here")
    assert page.evaluate("[window.hacked, document.title]") == [None, "Panes · trainboard"]


def test_what_a_program_plays_is_a_player_of_the_page(page: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "players")
    tone = np.sin(np.arange(4_410) / 20)
    vis.audio(tensor=tone, win="tone", opts={"title": "Tone"})
    vis.text('<video autoplay src="http://127.0.0.1/film"></video>', win="far", opts={"title": "Far"})
    page.goto(f"{dashboard.url}/panes?env=players")
    player = pane(page, "Tone").locator("audio")
    expect(player).to_be_visible()
    eventually(lambda: player.evaluate("player => Math.abs(player.duration - 0.1) < 0.01"))
    expect(pane(page, "Far").locator("iframe")).to_be_attached()  # where nothing else is asked for


def test_a_point_of_a_region_is_told_by_its_place_among_all(board: Page, dashboard: Dashboard) -> None:
    vis = client(dashboard, "region", use_incoming_socket=True)
    point = {"group": 0, "name": "Entity 7", "position": [0.0, 0.0], "label": "c", "idx": 7}
    content = {"type": "embeddings", "content": {"data": [point]}}
    vis._send({"data": [content], "win": "points", "eid": "region", "opts": {"title": "Points"}})
    heard: list[dict[str, Any]] = []
    vis.register_event_handler(heard.append, "points")
    board.goto(f"{dashboard.url}/panes?env=region")
    pane(board, "Points").locator(".points path").click(force=True)
    eventually(lambda: bool(heard))
    assert (heard[0]["entityId"], heard[0]["idx"]) == ("Entity 7", 7)


def test_points_of_a_color_each_are_all_told(dashboard: Dashboard) -> None:
    values = [float(at) for at in range(5_000)]
    trace = {"type": "scatter", "mode": "markers", "x": values, "y": values, "marker": {"color": values}}
    message = {"eid": "colored", "win": "w", "data": [trace], "layout": {}}
    assert post(f"{dashboard.url}/events", json.dumps(message)) == (200, "w")
    with urlopen(f"{dashboard.url}/api/v1/panes/window?env=colored&win=w") as answer:
        assert json.load(answer)["content"]["data"][0]["x"] == values


def test_a_long_line_is_told_as_a_picture_needs_it(dashboard: Dashboard) -> None:
    count = 200_000
    x = list(range(count))
    data = [{"type": "scatter", "name": "a", "mode": "lines", "x": x, "y": [float(at % 7) for at in x]}]
    message = {"eid": "long", "win": "w", "data": data, "layout": {}}
    assert post(f"{dashboard.url}/events", json.dumps(message)) == (200, "w")
    with urlopen(f"{dashboard.url}/api/v1/panes/window?env=long&win=w&width=500") as answer:
        trace = json.load(answer)["content"]["data"][0]
    assert trace["points"] == count and trace["thinned"]
    assert len(trace["x"]) <= 2_000
    assert (min(trace["y"]), max(trace["y"]), max(trace["x"])) == (0, 6, count - 1)
