"""What surrounds every page: navigation, the list of runs, theme, address, keys and live state."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from dashboard_fixtures import Dashboard, eventually, falling, log_run
from playwright.sync_api import Page, expect

import trainboard as tb
from trainboard.dashboard.colors import PALETTE, run_color
from trainboard.dashboard.welcome import example
from trainboard.storage import Store


def test_an_empty_store_shows_four_lines_and_fills_by_itself(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    board.goto(dashboard.url)
    code = board.locator("#welcome-code")
    expect(code).to_be_visible()
    assert len(code.inner_text().strip().splitlines()) == 4
    program = code.inner_text().replace("loss}", "0.5}")
    exec(program, {})
    expect(code).to_be_hidden()
    expect(board.locator('article[data-tag="train/loss"]')).to_contain_text("1 point,")


def test_the_four_lines_name_the_store_only_where_it_is_not_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert "store=" not in example(f"sqlite:///{tmp_path}/trainboard.db")
    assert f'store="{tmp_path}/other.db"' in example(f"sqlite:///{tmp_path}/other.db")
    assert 'store="postgresql://db/x"' in example("postgresql://db/x")


def test_pages_are_reached_by_click_by_key_and_by_address(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "one", falling(3))
    board.goto(f"{dashboard.url}/?theme=dark")
    for title, path in (("Histograms", "/histograms"), ("Media", "/media"), ("Graph", "/graph")):
        board.get_by_role("link", name=title, exact=True).click()
        expect(board).to_have_url(f"{dashboard.url}{path}?theme=dark")
        expect(board.locator("a[aria-current=page]")).to_have_text(title)
    board.go_back()
    expect(board).to_have_url(f"{dashboard.url}/media?theme=dark")
    expect(board.locator("a[aria-current=page]")).to_have_text("Media")
    keys = {"r": "Runs", "o": "Compare", "y": "HParams", "h": "Histograms", "m": "Media", "g": "Graph"}
    for key, title in (keys | {"p": "Panes", "k": "Controls", "c": "Charts"}).items():
        board.keyboard.press("g")
        board.keyboard.press(key)
        expect(board.locator("a[aria-current=page]")).to_have_text(title)
    expect(board.locator("article.card")).to_have_count(3)
    board.emulate_media(media="print")
    expect(board.locator(".card-title").first).to_be_visible()
    assert board.locator("main").evaluate("main => main.getBoundingClientRect().left") == 0
    surface = "getComputedStyle(document.documentElement).getPropertyValue('--surface')"
    assert board.evaluate(surface) == "#ffffff"
    board.emulate_media(media="screen")
    board.goto(f"{dashboard.url}/nowhere")
    expect(board.get_by_text("No such page")).to_be_visible()


def test_the_page_one_is_on_is_in_sight_in_the_navigation(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    log_run(store, "one", falling(3))

    def in_sight(title: str) -> bool:
        link = board.get_by_role("link", name=title, exact=True).bounding_box()
        row = board.locator("#pages").bounding_box()
        assert link and row
        return row["x"] <= link["x"] and link["x"] + link["width"] <= row["x"] + row["width"]

    board.set_viewport_size({"width": 1300, "height": 800})
    board.goto(f"{dashboard.url}/panes")
    expect(board.locator("#live")).to_have_text("Up to date")
    eventually(lambda: in_sight("Panes") and in_sight("Charts") and in_sight("Alerts"))
    board.set_viewport_size({"width": 900, "height": 800})
    eventually(lambda: in_sight("Panes") and not in_sight("Charts"))


def test_a_run_is_hidden_shown_and_shown_alone(board: Page, store: Store, dashboard: Dashboard) -> None:
    for name in ("first", "second", "third"):
        log_run(store, name, [{"loss": 1.0}])
    board.goto(dashboard.url)
    chart = board.locator('article[data-tag="loss"]')
    expect(chart).to_contain_text("first: 1 point")
    board.get_by_label("Show first").uncheck()
    expect(chart).not_to_contain_text("first")
    expect(board.get_by_text("2 of 3 shown")).to_be_visible()
    board.reload()
    expect(chart).to_contain_text("second: 1 point")
    expect(chart).not_to_contain_text("first")
    board.locator(".run-name", has_text="third").dblclick()
    expect(chart).not_to_contain_text("second")
    expect(board.get_by_text("1 of 3 shown")).to_be_visible()
    board.locator(".run-name", has_text="third").dblclick()
    expect(chart).to_contain_text("first: 1 point")


def test_a_run_keeps_its_colour_when_others_come(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "first", [{"loss": 1.0}])
    board.goto(dashboard.url)
    box = board.get_by_label("Show first")
    before = box.evaluate("box => getComputedStyle(box).backgroundColor")
    log_run(store, "second", [{"loss": 1.0}])
    expect(board.get_by_label("Show second")).to_be_visible()
    assert box.evaluate("box => getComputedStyle(box).backgroundColor") == before
    board.wait_for_function("() => trainboard.plots()[0]?.curves.length === 2")
    chart = board.evaluate("trainboard.plots()[0].curves.map(curve => curve.color)")
    assert chart == [run_color(0), run_color(1)]


def test_colours_are_distinct_far_beyond_the_palette() -> None:
    colors = [run_color(index) for index in range(64)]
    assert colors[: len(PALETTE)] == list(PALETTE)
    assert len(set(colors)) == 64
    assert all(re.fullmatch(r"#[0-9a-f]{6}", color) for color in colors)


def test_the_status_of_a_run_is_live_and_said_in_words(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    with pytest.raises(RuntimeError), tb.init(project="digits", name="unlucky", store=store.url):
        raise RuntimeError("out of luck")
    run = tb.init(project="digits", name="lucky", store=store.url)
    run.flush()
    board.goto(dashboard.url)
    status = board.locator(f'[data-run="{run.id}"] .run-status')
    expect(status).to_contain_text("running")
    expect(board.locator("#live")).to_have_text("1 running")
    expect(board.get_by_label("Show unlucky, crashed")).to_be_visible()
    run.finish()
    expect(status).to_contain_text("finished")
    expect(board.locator("#live")).to_have_text("Up to date")


def test_runs_are_searched_shown_alone_and_grouped(board: Page, store: Store, dashboard: Dashboard) -> None:
    for seed in (0, 1):
        for group in ("torch", "keras"):
            log_run(store, f"{group} {seed}", [{"loss": 1.0}], group=group)
    board.goto(dashboard.url)
    expect(board.locator(".run-name")).to_have_count(4)
    board.keyboard.press("r")
    board.keyboard.type("torch")
    expect(board.locator(".run-name")).to_have_text(["torch 1", "torch 0"])
    board.keyboard.press("Enter")
    expect(board.get_by_text("2 of 4 shown")).to_be_visible()
    board.get_by_label("Search runs").fill("/^keras.*[01]$/")
    board.keyboard.press("Enter")
    expect(board.locator(".run-name")).to_have_text(["keras 1", "keras 0"])
    expect(board.locator(".run[data-shown] .run-name")).to_have_text(["keras 1", "keras 0"])
    board.get_by_label("Search runs").fill("zebra")
    board.keyboard.press("Enter")
    expect(board.get_by_text("No run matches “zebra”.")).to_be_visible()
    board.get_by_label("Search runs").fill("")
    board.get_by_role("button", name="Group").click()
    expect(board.locator(".group-name")).to_have_text(["keras", "torch"])
    board.locator(".run-group > label", has_text="keras").click()
    expect(board.get_by_text("0 of 4 shown")).to_be_visible()


def test_a_pattern_that_makes_no_sense_is_told_and_leaves_what_was_found(
    page: Page, store: Store, dashboard: Dashboard
) -> None:
    for name in ("torch 0", "keras 0"):
        log_run(store, name, [{"loss": 1.0}])
    page.goto(dashboard.url)
    page.get_by_label("Search runs").fill("/^ker/")
    expect(page.locator(".run-name")).to_have_text(["keras 0"])
    page.get_by_label("Search runs").fill("/^ker[/")
    expect(page.locator(".runs .problem")).to_contain_text("The filter is wrong")
    expect(page.locator(".run-name")).to_have_text(["keras 0"])
    page.get_by_label("Search runs").fill("torch")
    expect(page.locator(".runs .problem")).to_have_count(0)
    expect(page.locator(".run-name")).to_have_text(["torch 0"])


def test_one_project_is_shown_at_a_time(board: Page, store: Store, dashboard: Dashboard) -> None:
    log_run(store, "old", [{"loss": 1.0}], project="alpha")
    log_run(store, "new", [{"loss": 1.0}], project="beta")
    board.goto(dashboard.url)
    expect(board.locator(".run-name")).to_have_text(["new"])
    board.get_by_label("Project").select_option("alpha")
    expect(board.locator(".run-name")).to_have_text(["old"])
    expect(board.locator('article[data-tag="loss"]')).to_contain_text("old: 1 point")
    board.reload()
    expect(board.locator(".run-name")).to_have_text(["old"])


def test_runs_are_worked_by_keyboard(board: Page, store: Store, dashboard: Dashboard) -> None:
    for name in ("first", "second", "third"):
        log_run(store, name, [{"loss": 1.0}])
    board.goto(dashboard.url)
    board.get_by_label("Show third").focus()
    board.keyboard.press("ArrowDown")
    board.keyboard.press("Space")
    expect(board.get_by_label("Show second")).not_to_be_checked()
    board.keyboard.press("ArrowDown")
    board.keyboard.press("Enter")
    expect(board.get_by_text("1 of 3 shown")).to_be_visible()
    expect(board.get_by_label("Show first")).to_be_checked()


def test_the_theme_follows_the_system_until_one_is_chosen(
    board: Page, store: Store, dashboard: Dashboard
) -> None:
    board.emulate_media(color_scheme="dark")
    board.goto(dashboard.url)
    root = board.locator("html")
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    board.emulate_media(color_scheme="light")
    expect(root).to_have_attribute("data-mantine-color-scheme", "light")
    expect(board.locator("#welcome")).to_be_visible()
    board.keyboard.press("t")
    expect(board).to_have_url(re.compile(r"theme=light$"))
    board.keyboard.press("t")
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")
    board.reload()
    expect(root).to_have_attribute("data-mantine-color-scheme", "dark")


def test_the_question_mark_lists_the_keys(board: Page, store: Store, dashboard: Dashboard) -> None:
    board.goto(dashboard.url)
    expect(board.locator("#welcome")).to_be_visible()
    board.keyboard.press("?")
    expect(board.get_by_role("dialog")).to_be_visible()
    board.keyboard.press("Escape")
    expect(board.get_by_role("dialog")).to_be_hidden()
    board.keyboard.press("b")
    expect(board.locator("#sidebar")).to_be_hidden()


def test_the_sidebar_is_resized_by_keyboard(board: Page, store: Store, dashboard: Dashboard) -> None:
    board.goto(dashboard.url)
    before = board.locator("#sidebar").evaluate("bar => bar.offsetWidth")
    board.locator("#resizer").focus()
    board.keyboard.press("ArrowRight")
    eventually(lambda: board.locator("#sidebar").evaluate("bar => bar.offsetWidth") > before)


def test_a_lost_server_is_told_and_caught_up_with(
    board: Page, store: Store, start_dashboard: Callable[..., Dashboard]
) -> None:
    dashboard = start_dashboard(store)
    run = tb.init(project="digits", name="live", store=store.url)
    run.log({"loss": 1.0})
    board.goto(dashboard.url)
    chart = board.locator('article[data-tag="loss"]')
    expect(chart).to_contain_text("1 point,")
    dashboard.stop()
    expect(board.locator("#lost")).to_be_visible()
    run.log({"loss": 0.5})
    run.flush()
    dashboard.start()
    expect(board.locator("#lost")).to_be_hidden(timeout=10_000)
    expect(chart).to_contain_text("2 points")
    run.finish()


def test_it_is_told_how_much_of_the_logs_is_read(
    board: Page, store: Store, start_dashboard: Callable[..., Dashboard]
) -> None:
    shares = [0.345]
    board.goto(start_dashboard(store, logs_read=lambda: shares[-1] if shares else None).url)
    expect(board.locator("#behind")).to_have_text("34 % of logs read")
    shares.clear()
    log_run(store, "net", [{"loss": 0.5}])
    expect(board.locator("#behind")).to_have_text("")


def test_a_store_behind_a_token_opens_by_its_printed_address(
    board: Page, store: Store, start_dashboard: Callable[..., Dashboard]
) -> None:
    log_run(store, "one", falling(3))
    dashboard = start_dashboard(store, host="0.0.0.0", token="let-me-in")
    board.goto(f"{dashboard.url}/?theme=dark&token=let-me-in")
    expect(board.locator("article.card")).to_have_count(3)
    expect(board).to_have_url(f"{dashboard.url}/?theme=dark")
    eventually(lambda: "token" not in board.evaluate("document.cookie"))
