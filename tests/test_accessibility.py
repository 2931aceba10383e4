"""No page has what axe calls a serious or critical fault, in light and in dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from trainboard.dashboard.pages import PAGES

pytest_plugins = ["charts_fixtures"]

# What has the focus, and the outlines of it and of what is around it.
FOCUSED = """() => {
  const focused = document.activeElement;
  const inside = focused.parentElement;
  const near = [focused, inside, inside.parentElement, focused.nextElementSibling].filter(Boolean);
  const name = `${focused.closest("article") ? "article " : ""}${focused.localName}#${focused.id}`;
  return [name, near.map((one) => getComputedStyle(one).outlineStyle)];
}"""


def serious(board: Page) -> list[str]:
    """Each fault of the page as one line: the rule, and where."""
    found = Axe().run(board).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:150]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]


@pytest.mark.parametrize("path", [page.PATH for page in PAGES])
def test_a_page_has_no_serious_fault(board: Page, four_run_url: str, path: str) -> None:
    board.goto(f"{four_run_url}{path}?theme=light")
    expect(board.locator(".run")).to_have_count(5)
    expect(board.locator("#page > *").first).to_be_visible()
    if path == "/runs":
        expect(board.locator(".ag-cell").first).to_be_visible()
    assert serious(board) == []
    board.locator("#theme-toggle").click()
    expect(board.locator("html")).to_have_attribute("data-mantine-color-scheme", "dark")
    assert serious(board) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_opens_on_the_charts_page_has_none_either(board: Page, four_run_url: str, theme: str) -> None:
    view = f"?theme={theme}&steps=3&best=min&pins=lr&charts=[{{%22left%22:[%22lr%22,%22tokens%22]}}]"
    board.goto(f"{four_run_url}/{view}")
    expect(board.locator(".step-table").first).to_be_visible()
    board.keyboard.press("v")
    assert serious(board) == []
    board.keyboard.press("v")
    board.keyboard.press("n")
    expect(board.get_by_role("dialog", name="Chart")).to_be_visible()
    assert serious(board) == []
    board.keyboard.press("Escape")
    board.keyboard.press("?")
    assert serious(board) == []


def test_a_card_is_used_by_keyboard_alone(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    board.get_by_role("button", name="More for train/loss").focus()
    assert board.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    board.keyboard.press("Enter")
    board.keyboard.press("Tab")
    expect(board.get_by_role("button", name="Pin to the top")).to_be_focused()
    board.keyboard.press("Escape")
    expect(board.get_by_role("button", name="Pin to the top")).to_be_hidden()
    expect(board.get_by_role("button", name="More for train/loss")).to_be_focused()


def test_the_keyboard_focus_is_seen_on_every_control_of_the_charts_page(
    board: Page, four_run_url: str
) -> None:
    board.goto(four_run_url)
    expect(board.locator(".uplot").first).to_be_visible()
    seen = set()
    for _ in range(60):
        board.keyboard.press("Tab")
        control, outlines = board.evaluate(FOCUSED)
        assert "solid" in outlines, control
        seen.add(control)
        if control.startswith("article"):
            break
    assert {"div#resizer", "input#smoothing-weight"} <= seen
    assert any("filter" in control for control in seen)
    assert any("smoothing_kind" in control for control in seen)


def test_the_charts_page_prints_without_its_controls(board: Page, four_run_url: str) -> None:
    board.goto(four_run_url)
    expect(board.locator(".uplot").first).to_be_visible()
    board.emulate_media(media="print")
    expect(board.locator(".toolbar")).to_be_hidden()
    expect(board.locator("article.card").first).to_be_visible()
