"""Script in every name and value that a program can log: the pages show it as text, and none of it runs.

The browser is told to leave out the content security policy, which would stop a script that a page let
through: here each page must hold by itself. One test shows that the policy then stops it, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dashboard_fixtures import PATIENCE, Dashboard, served
from playwright.sync_api import Browser, Page, expect

import trainboard as tb
from trainboard.dashboard.pages.media_content import KINDS
from trainboard.storage.kinds.event import Event
from trainboard.storage.kinds.graph import Edge, Graph, Node
from trainboard.storage.kinds.raw import Raw

RUN = "top.owned=1"
ATTACK = (
    f'\'"></title></script><img src=x onerror="{RUN}"><svg onload="{RUN}"></svg><script>{RUN}</script>'
    f'<iframe srcdoc="<script>{RUN}</script>"></iframe><a href="javascript:{RUN}">a</a>'
)
MARKDOWN = (
    f"[a](javascript:{RUN}) [b](data:text/html,<script>{RUN}</script>) [c](vbscript:x)\n\n"
    f"![d](javascript:{RUN}) <javascript:{RUN}> [e][f]\n\n[f]: javascript:{RUN}\n\n{ATTACK}\n"
)
MADE_OF_ATTACKS = (
    "iframe, img[src=x], svg[onload], [onerror], "
    # Markdown leaves void(0) where it does not trust an address.
    ":is(a, image, use)[*|href^=javascript]:not([href='javascript:void(0)'])"
)


def everything() -> dict[str, Any]:
    """A value of every kind, with an attack wherever it holds a text."""
    truth = np.arange(9) % 3
    points = np.random.default_rng(0).normal(size=(9, 4)) + 9 * np.eye(4)[truth]
    return {
        "scalar": 1.0,
        "histogram": tb.Histogram(np.arange(9.0)),
        "image": tb.Image(np.zeros((2, 2)), ATTACK),
        "audio": tb.Audio(np.zeros(80), 8000, ATTACK),
        "video": tb.Video(np.zeros((2, 4, 4, 3)), 8, ATTACK),
        "figure": tb.Figure(
            {
                "data": [{"type": "bar", "x": [ATTACK, "b"], "y": [1, 2], "name": ATTACK, "text": ATTACK}],
                "layout": {"title": {"text": ATTACK}, "annotations": [{"text": ATTACK, "x": 0, "y": 1}]},
            }
        ),
        "table": tb.Table([{ATTACK: ATTACK}]),
        "pr_curve": tb.PRCurve(truth > 0, truth / 3),
        "confusion_matrix": tb.ConfusionMatrix(truth, truth, [ATTACK, "b", "c"]),
        "embedding": tb.Embedding(points, [ATTACK] * 9),
        "mesh": tb.Mesh(np.eye(3), faces=[[0, 1, 2]]),
        "layout": tb.Layout({ATTACK: {ATTACK: ["Multiline", [ATTACK]]}}),
        "trace": tb.Trace(b'{"traceEvents": []}', ATTACK),
        "raw": Raw(ATTACK, ATTACK.encode(), ATTACK),
        "text": tb.Text(ATTACK),
        "markdown": tb.Text(MARKDOWN, "markdown"),
        "event": Event(ATTACK, ATTACK, "error", {ATTACK: ATTACK}),
    }


def graph() -> Graph:
    node = Node("n", ATTACK, ATTACK, "", [[1]], [ATTACK], 1, {ATTACK: ATTACK})
    inner = Node(ATTACK, "m", "op", ATTACK)
    return Graph([node, inner], [Edge("n", ATTACK, ATTACK)], "torch", ATTACK, partial=ATTACK)


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard of one run, of a program that failed, in which every text is an attack."""
    with served(tmp_path_factory.mktemp("attacked")) as dashboard:
        store = dashboard.store
        begin = {"project": ATTACK, "name": ATTACK, "group": ATTACK, "tags": [ATTACK], "notes": ATTACK}
        with (
            pytest.raises(RuntimeError),
            tb.init(**begin, config={ATTACK: {ATTACK: ATTACK}}, store=store.url) as run,
        ):
            run.knob(ATTACK, 1.0)
            run.button(f"button {ATTACK}", lambda: None)
            run.summary[ATTACK] = ATTACK
            run.log({f"{kind}{ATTACK}": value for kind, value in everything().items()})
            run.log({"graph": graph()})
            run.update("descriptions", {f"{kind}{ATTACK}": MARKDOWN for kind in everything()})
            raise RuntimeError(ATTACK)
        yield dashboard


@pytest.fixture
def victim(browser: Browser, browser_context_args: dict[str, Any]) -> Iterator[Page]:
    """A page without the policy; the test fails if anything on it was run or became an element."""
    with browser.new_context(**browser_context_args, bypass_csp=True) as context:
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        yield page
        assert page.evaluate("window.owned") is None
        made = page.locator(MADE_OF_ATTACKS)
        assert made.evaluate_all("all => all.map((one) => one.outerHTML)") == []


@pytest.mark.parametrize("policy_is_left_out", [True, False])
def test_the_attack_would_work_in_html_and_the_policy_would_stop_it(
    browser: Browser, dashboard: Dashboard, policy_is_left_out: bool
) -> None:
    with browser.new_context(bypass_csp=policy_is_left_out) as context:
        page = context.new_page()
        page.goto(dashboard.url)
        expect(page.locator(".run-name")).to_be_visible()
        page.evaluate("attack => document.body.insertAdjacentHTML('beforeend', attack)", ATTACK)
        page.wait_for_function("() => document.querySelector('img[src=x]').complete")
        assert bool(page.evaluate("window.owned")) is policy_is_left_out


def test_nothing_that_was_logged_runs_on_the_charts_page(victim: Page, dashboard: Dashboard) -> None:
    victim.goto(dashboard.url)
    expect(victim.locator(".run-name")).to_have_text([ATTACK])
    for name in (ATTACK, ATTACK.partition("/")[2]):
        # The tag of a knob has the same name in its section, once the program has told its value.
        expect(victim.get_by_role("heading", name=name, exact=True).first).to_be_visible()


def test_nothing_that_was_logged_runs_on_the_histograms_page(victim: Page, dashboard: Dashboard) -> None:
    victim.goto(f"{dashboard.url}/histograms")
    expect(victim.locator("#page")).to_contain_text("histogram'\"><")
    expect(victim.locator("#page .main-svg").first).to_be_visible()


def test_nothing_that_was_logged_runs_on_the_media_page(victim: Page, dashboard: Dashboard) -> None:
    victim.goto(f"{dashboard.url}/media")
    for kind in (*KINDS, "markdown"):
        heading = victim.get_by_role("heading", name=f"{kind}{ATTACK}", exact=True)
        heading.scroll_into_view_if_needed()
    expect(victim.locator(".text-plain").first).to_have_text(ATTACK)
    expect(victim.locator(".event-error strong")).to_have_text(ATTACK)


@pytest.mark.parametrize("path", ["", "histograms", "media", "curves"])
def test_nothing_that_is_said_of_a_tag_runs(path: str, victim: Page, dashboard: Dashboard) -> None:
    victim.goto(f"{dashboard.url}/{path}")
    victim.locator(".description-button").first.click()
    told = victim.locator(".description-text:popover-open")
    expect(told.locator("a").first).to_have_text("a")
    told.locator("a").first.click()


def test_nothing_that_was_logged_runs_on_the_graph_page(victim: Page, dashboard: Dashboard) -> None:
    victim.goto(f"{dashboard.url}/graph")
    expect(victim.locator(".graph-partial")).to_have_text(f"Incomplete: {ATTACK}")
    victim.locator(".graph-box").first.click()
    expect(victim.locator(".graph-details h2")).to_have_text(ATTACK)


def test_nothing_that_was_logged_runs_on_the_projector_and_mesh_pages(
    victim: Page, dashboard: Dashboard
) -> None:
    victim.goto(f"{dashboard.url}/projector?projector_labels=1&projector_point=0&projector_search=img")
    expect(victim.locator(".projector-point h2")).to_contain_text("<img")
    expect(victim.locator(".projector-legend")).to_contain_text("<img")
    victim.goto(f"{dashboard.url}/mesh")
    expect(victim.get_by_role("heading", name=f"mesh{ATTACK}", exact=True)).to_be_visible()


def test_nothing_that_was_logged_runs_on_the_controls_page(victim: Page, dashboard: Dashboard) -> None:
    victim.goto(f"{dashboard.url}/controls")
    expect(victim.get_by_label(ATTACK, exact=True).first).to_be_visible()
    expect(victim.get_by_role("button", name=f"button {ATTACK}")).to_be_visible()


def test_nothing_that_was_logged_runs_on_the_alerts_page(victim: Page, dashboard: Dashboard) -> None:
    victim.goto(f"{dashboard.url}/alerts")
    expect(victim.locator(".event-title strong").filter(has_text=ATTACK).first).to_have_text(ATTACK)
    expect(victim.locator(".event-run").first).to_have_text(ATTACK)


def test_nothing_that_was_logged_runs_on_the_curves_page(victim: Page, dashboard: Dashboard) -> None:
    victim.goto(f"{dashboard.url}/curves")
    expect(victim.get_by_role("heading", name=f"pr_curve{ATTACK}", exact=True)).to_be_visible()
    expect(victim.locator(".matrix-classes tbody th").first).to_have_text(ATTACK[:200])
