"""The Media page: images by step and run, and texts, in a real browser and over HTTP."""

from __future__ import annotations

import io
from urllib.request import Request, urlopen

import numpy as np
from dashboard_fixtures import Dashboard, eventually, log_run
from PIL import Image as pil
from playwright.sync_api import Locator, Page, expect

import trainboard as tb
from trainboard.dashboard.cards import record
from trainboard.storage import Store
from trainboard.storage.kinds.event import Event
from trainboard.storage.kinds.image import Image

ATTACK = "<script>document.title='ran'</script><img src=x onerror=document.title='ran'>"


def grey(level: float) -> Image:
    return tb.Image(np.full((4, 6), level), caption=f"level {level}")


def address_of(store: Store, run: str) -> str:
    shown = record.read(store, "image", run, "sample")
    assert shown is not None
    return shown.url(shown.record.value.png)


def is_loaded(picture: Locator) -> bool:
    return picture.evaluate("img => img.complete && img.naturalWidth > 0")


def test_an_image_is_served_as_png_under_an_address_that_may_be_kept(
    store: Store, dashboard: Dashboard
) -> None:
    run = log_run(store, "one", [{"sample": grey(0.5)}])
    url = address_of(store, run)
    with urlopen(dashboard.url + url) as answer:
        body, headers = answer.read(), answer.headers
    assert pil.open(io.BytesIO(body)).size == (6, 4)
    assert headers["content-type"] == "image/png"
    assert headers["x-content-type-options"] == "nosniff"
    assert "immutable" in headers["cache-control"]
    assert "sandbox" in headers["content-security-policy"]


def status(url: str) -> int:
    try:
        with urlopen(Request(url)) as answer:
            return answer.status
    except OSError as error:
        return getattr(error, "code", 0)


def test_bytes_that_are_no_png_are_never_served(board: Page, store: Store, dashboard: Dashboard) -> None:
    bad = Image(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", 4, 4)
    run = log_run(store, "bad", [{"sample": bad}])
    assert status(dashboard.url + address_of(store, run)) == 415
    board.goto(f"{dashboard.url}/media")
    expect(board.get_by_text("its bytes are not a PNG file")).to_be_visible()


def test_a_wrong_address_of_an_image_is_a_json_error(store: Store, dashboard: Dashboard) -> None:
    run = log_run(store, "one", [{"sample": grey(0.5)}])
    url = address_of(store, run)
    address = f"{dashboard.url}/api/v1/media/image/{'0' * 32}?{url.partition('?')[2]}"
    assert status(address) == 404
    assert status(f"{dashboard.url}/api/v1/media/image/{'0' * 32}") == 400
    assert status(address.replace(run, "unknown")) == 404
    assert status(address.replace("index=0", "index=7")) == 404


def test_images_follow_the_newest_step_until_the_slider_is_moved(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    run = tb.init(project="digits", name="live", store=store.url)
    run.log({"sample": grey(0.0)}, step=0)
    run.flush()
    board.goto(f"{dashboard.url}/media")
    card = board.locator(".image-card")
    eventually(lambda: is_loaded(card.locator("img")))
    expect(board.locator(".step-text")).to_have_text("0")
    expect(board.locator(".step-slider")).to_be_hidden()
    for step in range(1, 4):
        run.log({"sample": grey(step / 10)}, step=step)
    run.flush()
    expect(card.locator(".card-step")).to_have_text("step 3")
    run.log({"sample": grey(0.4)}, step=4)
    run.flush()
    expect(card.locator(".card-step")).to_have_text("step 4")
    slider = board.get_by_role("slider", name="Step")
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    expect(card.locator(".card-step")).to_have_text("step 2")
    expect(card).to_contain_text("level 0.2")
    run.log({"sample": grey(0.5)}, step=5)
    run.flush()
    expect(slider).to_have_attribute("aria-valuemax", "5")
    expect(card.locator(".card-step")).to_have_text("step 2")
    slider.press("End")
    expect(card.locator(".card-step")).to_have_text("step 5")
    run.finish()


def test_runs_stand_side_by_side_at_the_same_step(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "short", [{"sample": grey(0.1)}])
    log_run(store, "long", [{"sample": grey(0.1)}, {"sample": grey(0.2)}, {"sample": grey(0.3)}])
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".image-card .card-step")).to_have_text(["step 2", "step 0"])
    board.get_by_role("slider", name="Step").press("ArrowLeft")
    expect(board.locator(".image-card .card-step")).to_have_text(["step 1", "step 0"])


def test_texts_come_newest_first_plain_as_they_are_and_markdown_formatted(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    values = [{"note": tb.Text(f"line {step}\n  indented")} for step in range(3)]
    log_run(store, "one", [*values, {"report": tb.Text("**bold** words", "markdown")}])
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".text-plain")).to_have_text([f"line {step}\n  indented" for step in (2, 1, 0)])
    expect(board.locator(".text-markdown strong")).to_have_text("bold")


def test_a_long_series_of_texts_shows_its_newest_and_says_so(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "one", [{"note": tb.Text(f"line {step}")} for step in range(30)])
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".text-plain")).to_have_count(12)
    expect(board.get_by_text("18 others are not shown")).to_be_visible()


def test_nothing_a_program_logged_runs_or_asks_another_host(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    markdown = f"{ATTACK}\n\n[click](javascript:document.title='ran') ok <b>not bold</b>"
    log_run(
        store,
        ATTACK,
        [
            {
                f"text {ATTACK}": tb.Text(ATTACK),
                f"markdown {ATTACK}": tb.Text(markdown, "markdown"),
                f"image {ATTACK}": tb.Image(np.zeros((2, 2)), caption=ATTACK),
            }
        ],
    )
    board.goto(f"{dashboard.url}/media")
    expect(board.locator(".text-plain")).to_have_text(ATTACK)
    expect(board.locator(".text-markdown")).to_contain_text("ok")
    expect(board.locator(".media-caption")).to_have_text(ATTACK)
    assert board.locator("#page script").count() == 0
    assert board.locator("#page b").count() == 0
    pages = board.context.pages
    board.get_by_role("link", name="click").click()
    assert board.context.pages == pages
    assert board.locator("#page img[src='x']").count() == 0
    assert board.title() != "ran"


def test_without_media_the_page_says_what_to_call(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "plain", [{"loss": 1.0}])
    board.goto(f"{dashboard.url}/media")
    expect(board.get_by_text('run.log({"sample": tb.Image(array)})')).to_be_visible()


def test_events_are_listed_newest_first_with_what_they_say(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(
        store,
        "one",
        [
            {"faults": Event("Not finite: fc1", "the gradient of fc1", "error", {"layer": "fc1"})},
            {"faults": Event(ATTACK)},
        ],
    )
    board.goto(f"{dashboard.url}/media")
    entries = board.locator(".text-card article")
    expect(entries).to_have_count(2)
    expect(entries.nth(0)).to_contain_text("<script>")
    expect(entries.nth(1)).to_contain_text("Not finite: fc1")
    expect(entries.nth(1)).to_contain_text("the gradient of fc1")
    entries.nth(1).get_by_text("Data").click()
    expect(entries.nth(1)).to_contain_text('"layer": "fc1"')
    assert board.title() != "ran"
