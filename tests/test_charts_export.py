"""Charts to take away: pictures, every point, the program that draws them, and a page of a whole view."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pyarrow.parquet
import pytest
from charts_fixtures import NAMES, card
from PIL import Image
from playwright.sync_api import Page, expect

from trainboard.dashboard.chart_data import COLUMNS, Drawn, read, to_json
from trainboard.dashboard.chart_program import Look, program
from trainboard.storage import Store

pytest_plugins = ["charts_fixtures"]
SVG = "{http://www.w3.org/2000/svg}"
CHART = 'charts=[{"title":"both","left":["train/loss","train/loss - val/loss"],"right":["lr"]}]'


@pytest.fixture
def chart(board: Page, four_run_url: str) -> Page:
    """A page with a chart of two tags and a formula, its menu open."""
    board.goto(f"{four_run_url}/?{CHART}&smoothing=0.5&filter=told")
    expect(card(board, "own:both")).to_contain_text("b-s1 · lr: 50 points")
    expect(card(board, "own:both")).to_contain_text("b-s1 · train/loss - val/loss: 50 points")
    board.get_by_role("button", name="More for both").click()
    return board


def taken(board: Page, form: str) -> bytes:
    with board.expect_download() as download:
        board.get_by_role("button", name=form, exact=True).click()
    return download.value.path().read_bytes()


def test_pictures_have_lines_a_legend_and_axis_titles(chart: Page) -> None:
    picture = taken(chart, "SVG")
    root = ET.fromstring(picture)
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert {"both", "Step", "train/loss, train/loss - val/loss", "lr"} <= set(words)
    assert [f"{name} · lr" in words for name in NAMES] == [True] * 4
    lines = [path for path in root.iter(f"{SVG}path") if path.get("stroke-width") == "1.5"]
    assert len(lines) == 12 and all(path.get("d", "").count("L") == 49 for path in lines)
    image = Image.open(io.BytesIO(taken(chart, "PNG")))
    assert image.width == 1280 and len(image.convert("RGB").getcolors(1 << 20) or []) > 20


def test_pdf_is_left_to_the_printing_of_the_browser(chart: Page) -> None:
    chart.get_by_role("button", name="PDF", exact=True).click()
    sheet = chart.frame_locator("#print-sheet")
    expect(sheet.locator("svg text").filter(has_text="Step")).to_have_count(1)


def test_every_point_comes_as_csv_json_and_parquet(chart: Page) -> None:
    rows = list(csv.DictReader(io.StringIO(taken(chart, "CSV").decode())))
    assert tuple(rows[0]) == COLUMNS and len(rows) == 12 * 50
    kept = [row for row in rows if row["name"] == "b-s0" and row["source"] == "train/loss - val/loss"]
    assert [float(row["value"]) for row in kept] == pytest.approx([-1.0] * 50)
    told = json.loads(taken(chart, "JSON"))
    assert [line["step"] for line in told] == [list(range(50))] * 12
    table = pyarrow.parquet.read_table(io.BytesIO(taken(chart, "Parquet")))
    assert table.num_rows == 600 and tuple(table.column_names) == COLUMNS


def test_the_program_of_a_chart_draws_it(chart: Page, tmp_path: Path) -> None:
    (tmp_path / "draw.py").write_bytes(taken(chart, "Python"))
    subprocess.run([sys.executable, "draw.py"], cwd=tmp_path, check=True)
    assert "a-s0 \\u00b7 lr" in (tmp_path / "chart.html").read_text()


def test_a_view_is_saved_as_a_page_that_needs_nothing_else(board: Page, four_run_url: str, tmp_path) -> None:
    board.goto(four_run_url)
    expect(card(board, "train/loss")).to_contain_text("50 points")
    board.keyboard.press("v")
    with board.expect_download() as download:
        board.get_by_role("button", name="Save as a web page").click()
    download.value.save_as(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "<script" not in text and "src=" not in text
    board.goto((tmp_path / "report.html").as_uri())
    expect(board.locator("figure svg")).to_have_count(5)
    expect(board.locator("tbody tr")).to_have_count(5)


def test_a_program_holds_what_was_logged_as_literals(tmp_path: Path) -> None:
    wicked = '"); open("owned", "w") #\n'
    text = program([Drawn("run", wicked, wicked)], Look(wicked), "runs.db")
    compile(text, "draw.py", "exec")
    assert 'open("owned"' not in text.replace(repr(wicked)[1:-1], "")


def test_json_of_points_is_strict(four_runs: Store) -> None:
    told = json.loads(to_json(read(four_runs, [Drawn("with-event", "a", "told/loss")])))
    assert told[0]["value"] == [1.0, "nan", 0.5]
