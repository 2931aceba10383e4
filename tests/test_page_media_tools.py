"""What people do with media on the page: classes, comparing pictures, linked steps, search, sorting."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, eventually, log_run
from PIL import Image as pil
from playwright.sync_api import Locator, Page, expect

import trainboard as tb
from trainboard.dashboard.cards import image, record, sound
from trainboard.storage import Store
from trainboard.storage.kinds.image import Image
from trainboard.storage.kinds.image_labels import MAX_BOXES

ATTACK = "<img src=x onerror=document.title='ran'>"
BOXES = {
    "truth": {
        "box_data": [
            {
                "position": {"minX": 0, "maxX": 0.5, "minY": 0, "maxY": 0.5},
                "class_id": 1,
                "scores": {"p": 0.5},
            },
            {
                "position": {"middle": [6, 6], "width": 4, "height": 4},
                "domain": "pixel",
                "class_id": 2,
                "box_caption": ATTACK,
            },
        ],
        "class_labels": {1: "cat", 2: ATTACK},
    }
}
MASKS = {"guess": {"mask_data": np.tri(8, 8, dtype=int), "class_labels": {1: "cat"}}}


def level(value: int, **labels: Any) -> Image:
    return tb.Image(np.full((8, 8), value, np.uint8), **labels)


def test_boxes_are_kept_in_pixels_whichever_way_they_were_given() -> None:
    first, second = level(0, boxes=BOXES).boxes
    assert (first.left, first.top, first.right, first.bottom) == (0, 0, 4, 4)
    assert (second.left, second.top, second.right, second.bottom) == (4, 4, 8, 8)
    assert (first.label, first.scores, second.caption, second.group) == ("cat", {"p": 0.5}, ATTACK, "truth")


WRONG = {
    "no groups": ({"boxes": [1]}, "dict of groups"),
    "no data": ({"boxes": {"a": {}}}, "box_data"),
    "no position": ({"boxes": {"a": {"box_data": [{}]}}}, "box 0 of 'a'"),
    "backwards": (
        {"boxes": {"a": {"box_data": [{"position": {"minX": 1, "maxX": 0, "minY": 0, "maxY": 1}}]}}},
        "reaches from",
    ),
    "not a number": (
        {"boxes": {"a": {"box_data": [{"position": {"minX": 0, "maxX": np.nan, "minY": 0, "maxY": 1}}]}}},
        "reaches from",
    ),
    "too many": (
        {"boxes": {"a": {"box_data": BOXES["truth"]["box_data"] * MAX_BOXES}}},  # type: ignore[operator]
        "can have",
    ),
    "another size": ({"masks": {"a": {"mask_data": np.zeros((8, 9), int)}}}, "8 x 8 as the image is"),
    "shares": ({"masks": {"a": {"mask_data": np.zeros((8, 8))}}}, "whole numbers"),
    "classes": ({"masks": {"a": {"mask_data": np.full((8, 8), 256)}}}, "from 0 to 255"),
}


@pytest.mark.parametrize("name", WRONG)
def test_labels_that_fit_no_picture_are_refused_with_a_reason(name: str) -> None:
    given, words = WRONG[name]
    with pytest.raises(ValueError, match=words):
        level(0, **given)


def test_a_sound_is_drawn_at_its_frequency_however_it_was_made() -> None:
    seconds = np.arange(8_000) / 8_000
    made = tb.Audio(np.sin(2 * np.pi * 3_000 * seconds) * np.linspace(0, 1, 8_000), 8_000)
    swings = sound.samples(made)
    assert swings.max() == pytest.approx(1, abs=0.01) and len(swings) == 8_000
    drawn = np.asarray(pil.open(BytesIO(sound.spectrogram(made).content)).convert("L"))
    assert drawn.shape == (sound.ROWS, sound.COLUMNS)
    loudest = drawn[:, 400].argmax()
    assert loudest == pytest.approx(sound.ROWS * (1 - 3_000 / 4_000), abs=2)
    assert drawn[:, 20].max() < drawn[:, 580].max()


def test_silence_is_dark_and_not_as_loud_as_can_be() -> None:
    silent = tb.Audio(np.zeros(800), 8_000)
    assert np.asarray(pil.open(BytesIO(sound.spectrogram(silent).content)).convert("L")).max() < 20


@pytest.mark.parametrize("frames", [1, 2, 5, 1_023])
def test_a_short_sound_is_drawn_too(frames: int) -> None:
    made = tb.Audio(np.ones((frames, 2)), 8_000)
    assert sound.part(made, 0) and sound.part(made, 1) and sound.part(made, 2) is None


def test_a_video_of_ten_gigabytes_is_refused_without_being_read_and_its_place_says_so(
    tmp_path: Path, store: Store
) -> None:
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.truncate(10 << 30)
    with pytest.warns(UserWarning, match="10240 MiB, and a file may be 100 MiB"):
        run = log_run(store, "net", [{"clip": tb.Video(path), "loss": 1.0}])
    assert {one.tag: one.kind for one in store.series(run)} == {"clip": "event", "loss": "scalar"}
    (told,) = store.records(run, "clip", "event")
    assert told.value.title == "Not logged: clip"
    assert told.value.text == "Because it is 10240 MiB, and a file may be 100 MiB."


def test_a_picture_of_very_many_pixels_is_opened_by_itself(store: Store) -> None:
    claimed = Image(tb.Image(np.zeros((10_000, 10_000), bool)).png, 1, 1)
    run = log_run(store, "net", [{"x": claimed}])
    drawn = str(image.draw(record.read(store, "image", run, "x")).to_plotly_json())
    assert "10,000 × 10,000 pixels" in drawn and "Open it by itself" in drawn and "Picture" not in drawn


@pytest.fixture
def pictures(board: Page, store: Store, dashboard: Dashboard) -> Page:
    """The page on two runs that log three steps of everything."""
    for name, shift in (("one", 0), ("two", 30)):
        values = [
            {
                "labelled": level(20 * step + shift, boxes=BOXES, masks=MASKS),
                "plain": level(20 * step + shift),
                "note": tb.Text(f"at step {step} all is {'well' if step else 'new'}"),
                "table": tb.Table({"n": [3, 1, 2], "word": ["c", "a", "b"]}),
            }
            for step in range(3)
        ]
        log_run(store, name, values)
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".image-card")).to_have_count(4)
    return board


def painted(canvas: Locator) -> int:
    """How many pixels of a canvas are not transparent."""
    script = """canvas => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
        .data.filter((level, at) => at % 4 === 3 && level > 0).length"""
    return canvas.evaluate(script)


def test_classes_are_drawn_over_pictures_and_hidden_by_name(pictures: Page) -> None:
    section = pictures.locator(".media-section").filter(has_text="labelled")
    card = section.locator(".image-card").first
    expect(card.locator(".picture-boxes rect")).to_have_count(2)
    expect(card.locator(".picture-box-text")).to_have_text(["cat p 0.5000", ATTACK])
    eventually(lambda: painted(card.locator(".picture-mask")) == 36)
    section.get_by_role("button", name="cat · guess").click()
    eventually(lambda: painted(card.locator(".picture-mask")) == 0)
    section.get_by_role("button", name="cat · truth").click()
    expect(section.locator(".picture-boxes rect")).to_have_count(2)
    eventually(lambda: "media_hide" in pictures.evaluate("location.search"))
    assert pictures.title() != "ran"


def test_two_pictures_are_compared_pixel_by_pixel(pictures: Page) -> None:
    section = pictures.locator(".media-section").filter(has_text="plain")
    first = section.locator(".image-frame").first
    first.hover()
    expect(section.locator(".picture-pixel").first).to_have_text(re.compile(r"^\d, \d: 70$"))
    first.click()
    dialog = pictures.get_by_role("dialog")
    dialog.get_by_role("button", name="Difference").click()
    expect(dialog.locator(".inspector-told")).to_have_text("mean difference 30.00 of 255, greatest 30")
    dialog.get_by_label("Step to compare with").press("Home")
    expect(dialog.locator(".inspector-told")).to_have_text("mean difference 70.00 of 255, greatest 70")
    dialog.get_by_label("Run to compare with").select_option("two")
    expect(dialog.locator(".inspector-told")).to_have_text("mean difference 40.00 of 255, greatest 40")
    dialog.locator(".inspector-stage").hover()
    expect(dialog.locator(".inspector-pixel")).to_contain_text("70 · other 30 · difference 40 40 40")
    dialog.get_by_role("button", name="Swipe").click()
    expect(dialog.get_by_label("Before and after")).to_be_visible()
    pictures.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_linked_steps_move_together_and_play(pictures: Page) -> None:
    pictures.get_by_text("Link steps").click()
    slider = pictures.get_by_role("slider", name="Step")
    slider.first.press("Home")
    expect(pictures.locator(".image-card .card-step")).to_have_text(["step 0"] * 4)
    eventually(lambda: "media_step=0" in pictures.evaluate("location.search"))
    pictures.reload()
    expect(pictures.locator(".image-card .card-step")).to_have_text(["step 0"] * 4)
    pictures.get_by_role("button", name="Play the steps").first.click()
    expect(pictures.locator(".image-card .card-step")).to_have_text(["step 2"] * 4)
    expect(pictures.get_by_role("button", name="Stop")).to_have_count(0)


def test_runs_and_steps_make_a_grid_texts_are_searched_and_tables_sorted(pictures: Page) -> None:
    pictures.get_by_text("Runs × steps").click()
    steps = [f"step {step}" for step in range(3)] * 4
    expect(pictures.locator(".media-row .card-step")).to_have_text(steps)
    pictures.get_by_placeholder("Search texts").fill("NEW")
    note = pictures.locator(".text-card").first
    note.scroll_into_view_if_needed()
    expect(note.locator(".text-plain")).to_have_text(["at step 0 all is new"])
    expect(note.locator("mark")).to_have_text("new")
    grid = pictures.locator(".table-card").first
    cells = grid.locator(".ag-row [col-id='0']")
    expect(cells).to_have_text(["3", "1", "2"])
    grid.locator(".ag-header-cell-text").first.click()
    expect(cells).to_have_text(["1", "2", "3"])
    grid.get_by_label("word Filter Input").fill("b")
    expect(cells).to_have_text(["2"])
    pictures.get_by_role("slider", name="Brightness").press("Home")
    eventually(
        lambda: (
            "brightness(0)"
            in pictures.locator(".image-frame img").first.evaluate("img => getComputedStyle(img).filter")
        )
    )
