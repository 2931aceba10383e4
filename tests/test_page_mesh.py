"""Meshes: what can be drawn of one, and the Mesh page in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, eventually, log_run, served
from playwright.sync_api import Page, expect
from test_accessibility import serious

import trainboard as tb
from trainboard.dashboard import meshes
from trainboard.dashboard.mesh_config import checked
from trainboard.storage.kinds.mesh import Mesh

CORNERS = np.array([[1, 1, 1], [-1, -1, 1], [1, -1, -1], [-1, 1, -1]], np.float32)
FACES = np.array([[0, 2, 3], [0, 3, 1], [0, 1, 2], [1, 3, 2]], np.int32)
CARDS = ".mesh-card canvas"
CONTEXTS = """() => {
    window.made = 0;
    const original = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        if (kind.startsWith("webgl")) window.made += 1;
        return original.call(this, kind, ...rest);
    };
}"""
WITHOUT_WEBGL = """
    const original = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return kind.startsWith("webgl") ? null : original.call(this, kind, ...rest);
    };
"""
COLORED = """(canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let colored = 0;
    for (let at = 3; at < data.length; at += 4) if (data[at]) colored += 1;
    return colored;
}"""
EDGES = """(canvas) => {
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    let colored = 0;
    for (let at = 3; at < data.length; at += 4) {
        const [x, y] = [((at - 3) / 4) % width, Math.floor((at - 3) / 4 / width)];
        if (data[at] && (x === 0 || y === 0 || x === width - 1 || y === height - 1)) colored += 1;
    }
    return colored;
}"""
MIDDLE = """(canvas) => {
    const { width, height } = canvas;
    return [...canvas.getContext("2d").getImageData(width / 2, height / 2, 1, 1).data];
}"""


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    with served(tmp_path_factory.mktemp("mesh")) as dashboard:
        store = dashboard.store
        config = {
            "camera": {"cls": "OrthographicCamera"},
            "material": {"cls": "MeshPhongMaterial", "shininess": 30},
        }
        for scale, name in ((1, "one"), (2, "two")):
            log_run(
                store,
                name,
                [
                    {
                        "body": tb.Mesh(
                            CORNERS * scale * (step + 1), faces=FACES, colors=(CORNERS + 1) * 127
                        ),
                        "cloud": tb.Mesh(np.random.default_rng(0).normal(size=(500, 3)), config=config),
                    }
                    for step in range(3)
                ],
            )
        nowhere = np.full((3, 3), np.nan)
        odd = tb.Mesh(
            np.where(np.arange(4)[:, None] == 3, np.nan, CORNERS),
            faces=FACES,
            config={"camera": {"cls": "Window"}},
        )
        dim = {
            "lights": [{"cls": "AmbientLight", "color": "#ffffff", "intensity": 0.25}],
            "material": {"cls": "MeshLambertMaterial", "color": "#ffffff"},
        }
        lit = tb.Mesh(CORNERS, faces=FACES, config=dim)
        log_run(store, "odd", [{"nowhere": tb.Mesh(nowhere), "odd": odd, "lit": lit}])
        yield dashboard


def opened(page: Page, dashboard: Dashboard, query: str = "") -> list[str]:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.add_init_script(f"({CONTEXTS})()")
    page.goto(f"{dashboard.url}/mesh?{query}")
    return wrong


def cameras(page: Page) -> list[str]:
    return page.locator(CARDS).evaluate_all("(all) => all.map((one) => one.trainboard?.camera() ?? '')")


def test_cards_turn_together_by_choice_and_share_one_context(page: Page, dashboard: Dashboard) -> None:
    wrong = opened(page, dashboard)
    expect(page.locator(".mesh-card")).to_have_count(7)
    bodies = page.locator(".mesh-section", has_text="body").locator("canvas")
    for canvas in bodies.all():
        eventually(lambda canvas=canvas: canvas.evaluate(COLORED) > 1_000)
    # The larger one is seen whole, too.
    eventually(lambda: [canvas.evaluate(EDGES) for canvas in bodies.all()] == [0, 0])
    before = cameras(page)[0]
    page.locator(CARDS).first.focus()
    page.keyboard.press("ArrowLeft")
    eventually(lambda: "mesh_camera=" in page.evaluate("location.search"))
    eventually(lambda: len(set(cameras(page)) - {"", before}) == 1 and before not in cameras(page))
    assert len([camera for camera in cameras(page) if camera]) >= 4
    page.get_by_role("radio", name="Each its own").click()
    eventually(lambda: before in cameras(page))
    page.locator(CARDS).first.focus()
    page.keyboard.press("ArrowRight")
    eventually(lambda: len(set(cameras(page)) - {""}) == 2)
    assert page.evaluate("window.made") <= 2, "WebGL 2, and where there is none a try of WebGL 1"
    assert wrong == []


def test_steps_go_together_and_what_cannot_be_drawn_is_said(page: Page, dashboard: Dashboard) -> None:
    wrong = opened(page, dashboard)
    surfaces = page.locator(".mesh-section", has=page.get_by_role("heading", name="body"))
    expect(surfaces.locator("[data-drawn='2']")).to_have_count(2)
    assert serious(page) == []
    page.get_by_label("Step", exact=True).press("Home")
    expect(surfaces.locator("[data-drawn='0']")).to_have_count(2)
    eventually(lambda: "mesh_step=0" in page.evaluate("location.search"))
    page.get_by_placeholder("Filter by name").fill("now")
    nowhere = page.locator(".mesh-section", has=page.get_by_role("heading", name="nowhere"))
    expect(nowhere).to_contain_text("no vertices that are finite")
    page.get_by_placeholder("Filter by name").fill("odd")
    odd = page.locator(".mesh-section", has=page.get_by_role("heading", name="odd", exact=True))
    expect(odd).to_contain_text("1 of 4 vertices hold NaN")
    expect(odd).to_contain_text("camera is not understood (Window)")
    page.get_by_placeholder("Filter by name").fill("no such")
    expect(page.get_by_text("Nothing has this in its name")).to_be_visible()
    assert wrong == []


def test_a_step_that_arrives_is_drawn_without_moving_the_camera(page: Page, dashboard: Dashboard) -> None:
    with tb.init("digits", "live", store=dashboard.store.url) as run:
        run.log({"live": tb.Mesh(CORNERS, faces=FACES)}, step=0)
        run.flush()
        wrong = opened(page, dashboard, f"only={run.id}&mesh_camera=1,1,5,0,0,0")
        card = page.locator(".mesh-card")
        expect(card).to_have_attribute("data-drawn", "0")
        run.log({"live": tb.Mesh(2 * CORNERS, faces=FACES[:3])}, step=1)
        run.flush()
        expect(card).to_have_attribute("data-drawn", "1")
        expect(card).to_contain_text("4 vertices, 3 faces")
        eventually(lambda: cameras(page) == ["1,1,5,0,0,0"])
    assert wrong == []


def test_light_is_mixed_as_in_tensorboard(page: Page, dashboard: Dashboard) -> None:
    opened(page, dashboard, "mesh_filter=lit")
    canvas = page.locator(CARDS)
    expect(canvas).to_have_count(1)
    eventually(lambda: canvas.evaluate(MIDDLE)[3] == 255)
    assert canvas.evaluate(MIDDLE)[:3] == pytest.approx([64, 64, 64], abs=1), "a quarter of white"


def test_without_webgl_points_are_painted(page: Page, dashboard: Dashboard) -> None:
    page.add_init_script(WITHOUT_WEBGL)
    opened(page, dashboard, "mesh_filter=cloud")
    canvas = page.locator(CARDS).first
    expect(canvas).to_be_visible()
    eventually(lambda: canvas.evaluate("(one) => one.trainboard?.isPlain()"))
    eventually(lambda: canvas.evaluate(COLORED) > 300)


def test_faces_without_their_vertices_are_left_out_and_counted() -> None:
    vertices = CORNERS.copy()
    vertices[3] = np.nan
    faces = np.vstack([FACES, [[0, 1, 9], [-1, 0, 1]]]).astype(np.int32)
    found = meshes.drawable(Mesh(vertices, CORNERS[:2].astype(np.uint8), faces))
    assert found.faces.tolist() == [[0, 1, 2]] and np.isfinite(found.positions).all()
    assert found.colors is None
    assert [note.split(" ", 3)[:3] for note in found.notes] == [
        ["2", "of", "6"],
        ["1", "of", "4"],
        ["There", "are", "2"],
    ]


def test_a_surface_that_is_too_large_becomes_points_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meshes, "MAX_FACES", 3)
    monkeypatch.setattr(meshes, "MAX_VERTICES", 2)
    found = meshes.drawable(Mesh(CORNERS, None, FACES))
    assert not len(found.faces) and len(found.positions) == 2
    assert "too large" in found.notes[0] and "2 of 4 points" in found.notes[1]


@pytest.mark.parametrize(
    ("config", "kept", "notes"),
    [
        ({}, {}, 0),
        ([1], {}, 1),
        (
            {"camera": {"cls": "PerspectiveCamera", "fov": 75}},
            {"camera": {"cls": "PerspectiveCamera", "fov": 75}},
            0,
        ),
        ({"camera": {"cls": "PerspectiveCamera", "fov": "x"}}, {"camera": {"cls": "PerspectiveCamera"}}, 1),
        (
            {"camera": {"fov": 75, "lookAt": [0, 0, 1]}, "material": {"size": 0.1}},
            {
                "camera": {"cls": "PerspectiveCamera", "fov": 75, "lookAt": [0, 0, 1]},
                "material": {"cls": "MeshStandardMaterial", "size": 0.1},
            },
            0,
        ),
        ({"camera": "near", "lights": {}, "material": {"cls": "constructor"}}, {}, 3),
        (
            {"lights": [{"cls": "AmbientLight", "color": "url(x)"}, 3]},
            {"lights": [{"cls": "AmbientLight"}]},
            2,
        ),
    ],
)
def test_a_configuration_is_taken_as_far_as_it_is_understood(
    config: Any, kept: dict[str, Any], notes: int
) -> None:
    found, said = checked(config)
    assert (found, len(said)) == (kept, notes)
    json.dumps(found, allow_nan=False)
