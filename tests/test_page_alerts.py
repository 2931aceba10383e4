"""The Alerts and Curves pages in a browser: what people read, set, acknowledge and compare there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
from dashboard_fixtures import Dashboard, served
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.storage import alerts

ATTACK = '"><img src=x onerror="top.owned=1"><script>top.owned=1</script>'
CLASSES = ("cat", "dog", ATTACK)


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """Two runs with curves and alerts in which some texts are attacks."""
    with served(tmp_path_factory.mktemp("pages")) as dashboard:
        store = dashboard.store
        random = np.random.default_rng(0)
        for name in ("one", "two"):
            with tb.init("p", name, store=store.url) as run:
                run.rule(f"rule {ATTACK}", "above", "loss", value=5.0)
                for step in (0, 50):
                    labels = random.integers(0, 3, 300)
                    known = np.eye(3)[labels] * step / 50 + random.random((300, 3))
                    shares = known / known.sum(1, keepdims=True)
                    curves = {f"pr/{k}": tb.PRCurve(labels == k, shares[:, k]) for k in range(3)}
                    matrix = tb.ConfusionMatrix(labels, shares.argmax(1), CLASSES)
                    run.log({**curves, f"m{ATTACK}": matrix, "loss": 1.0}, step)
                for number in range(3):
                    run.alert(f"Spike {ATTACK}", f"{number} {ATTACK}", "warning")
        yield dashboard


def test_events_are_listed_filtered_grouped_and_acknowledged(board: Page, dashboard: Dashboard) -> None:
    board.goto(f"{dashboard.url}/alerts")
    entries = board.locator("li.event")
    expect(entries).to_have_count(6)
    badge = board.locator(".page-link[href='/alerts']")
    expect(badge).to_have_attribute("data-count", "6")
    board.get_by_role("button", name="Warnings").click()
    expect(entries).to_have_count(2)
    expect(entries.first).to_contain_text("× 3")
    entries.first.get_by_role("button", name="Acknowledge").click()
    expect(badge).to_have_attribute("data-count", "3")
    board.get_by_role("button", name="Acknowledge all").click()
    expect(board.locator("li.event[data-open]")).to_have_count(0)
    expect(board.locator(".strip-mark[data-level='warning']").first).to_be_attached()
    board.get_by_label("Search events").fill("nothing has this")
    expect(board.get_by_role("heading", name="No event matches")).to_be_visible()
    assert board.evaluate("window.owned") is None
    assert board.locator("img[src=x], [onerror]").count() == 0


def test_a_rule_is_made_on_the_page_and_its_alert_pops_up(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/alerts")
    page.locator(".rule-panel > summary").click()
    expect(page.get_by_text("set by the program")).to_be_visible()
    page.get_by_role("button", name="New rule").click()
    form = page.get_by_role("form", name="Rule")
    form.get_by_label("Name").fill("High")
    form.get_by_label("Tag", exact=True).fill("loss(")
    form.get_by_label("Value").fill("5")
    with page.expect_response("**/api/v1/rules"):
        form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").filter(has_text="no regular expression")).to_be_visible()
    form.get_by_label("Tag", exact=True).fill("lo.*")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_text("when lo.* is above 5")).to_be_visible()
    page.locator("li").filter(has_text="set by the program").get_by_role("button", name="Mute").click()
    expect(page.get_by_role("button", name="Muted")).to_be_visible()
    with tb.init("p", "three", store=dashboard.store.url) as run:
        run.log({"loss": 9.0}, step=7)
        expect(page.locator(".toast")).to_contain_text("High")
    expect(page.locator("li.event").filter(has_text="loss is 9 at step 7")).to_be_visible()
    page.locator("li.event").filter(has_text="High").get_by_role("link", name="step 7").click()
    expect(page.locator(".chart-grid article").first).to_be_visible()
    assert page.evaluate("location.search").count("steps=7") == 1


def test_a_webhook_is_set_masked_and_removed(board: Page, dashboard: Dashboard) -> None:
    board.goto(f"{dashboard.url}/alerts")
    board.locator(".rule-panel > summary").click()
    form = board.get_by_role("form", name="Webhook")
    form.get_by_label("Send alerts to").fill("http://127.0.0.1:9/secret")
    form.get_by_role("button", name="Set").click()
    expect(form.get_by_text("Sent to http://127.0.0.1:9/…")).to_be_visible()
    assert "secret" not in board.content()
    form.get_by_role("button", name="Send a test").click()
    expect(form.get_by_role("alert")).to_contain_text("refused the connection")
    form.get_by_role("button", name="Remove").click()
    expect(form.get_by_label("Send alerts to")).to_be_visible()
    assert alerts.read_webhooks(dashboard.store) == {}


def test_curves_are_compared_read_at_a_threshold_and_over_steps(board: Page, dashboard: Dashboard) -> None:
    board.goto(f"{dashboard.url}/curves")
    first = board.get_by_role("region", name="pr/0", exact=True)
    rows = first.locator(".curve-table tbody tr")
    expect(rows).to_have_count(2)
    expect(first.locator(".unit-line")).to_have_count(6)
    before = rows.first.inner_text()
    chart = first.locator(".unit-chart svg").first
    chart.scroll_into_view_if_needed()
    mark = first.locator(".unit-mark").first.bounding_box()
    assert mark is not None
    board.mouse.move(mark["x"] + 20, mark["y"] + 25, steps=4)
    expect(rows.first).not_to_have_text(before)
    assert "threshold=" in board.evaluate("location.search")
    board.locator(".step-field input").fill("0")
    expect(rows.first.locator("td").first).to_have_text("0")
    board.get_by_label("Compare").select_option("class")
    expect(board.get_by_role("region", name="pr", exact=True).locator(".curve-table tbody tr")).to_have_count(
        6
    )


def test_a_matrix_is_read_sorted_searched_and_subtracted(board: Page, dashboard: Dashboard) -> None:
    board.goto(f"{dashboard.url}/curves?curve_filter=^m")
    matrix = board.locator(".matrix")
    expect(matrix).to_contain_text("accuracy")
    classes = matrix.locator(".matrix-classes tbody tr")
    expect(classes).to_have_count(3)
    board.get_by_label("Find a class").fill("DOG")
    expect(classes).to_have_count(1)
    canvas = matrix.locator("canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    board.mouse.move(box["x"] + 120, box["y"] + 100, steps=4)
    expect(matrix.locator(".matrix-cell")).to_have_text(re.compile(r"true cat, predicted cat: \d+, .* % of"))
    board.get_by_label("Less").select_option("one")
    expect(matrix.locator("figcaption")).to_contain_text("two less one")
    board.get_by_label("Sorted").select_option("recall")
    assert board.evaluate("window.owned") is None


@pytest.mark.parametrize("where", ["alerts", "curves"])
def test_on_a_phone_nothing_is_wider_than_the_page(board: Page, dashboard: Dashboard, where: str) -> None:
    board.set_viewport_size({"width": 390, "height": 844})
    board.goto(f"{dashboard.url}/{where}")
    expect(board.locator(".event-list, .unit-charts").first).to_be_visible()
    main = "document.querySelector('#shell-grid > main')"
    assert board.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")
