"""What the page draws is true at any moment, however long a busy browser takes between two of its tasks."""

from __future__ import annotations

from dashboard_fixtures import Dashboard
from playwright.sync_api import Page, expect

HAPPENS = """() => {
  let word = "before";
  const Told = () => (trainboard.useState("told"), React.createElement("p", { id: "told" }, word));
  const Happens = () => (React.useLayoutEffect(() => { word = "after"; trainboard.emit("told"); }, []), null);
  const root = document.body.appendChild(document.createElement("div"));
  ReactDOM.createRoot(root).render([Told, Happens].map((of, key) => React.createElement(of, { key })));
}"""
LOOKS = """async () => {
  const root = ReactDOM.createRoot(document.body.appendChild(document.createElement("div")));
  const plotRef = {};
  const found = [];
  const Looks = ({ count }) => {
    React.useLayoutEffect(() => void found.push([count, plotRef.current?.curves[0]?.step.length]), [count]);
    return null;
  };
  for (const count of [2, 3]) {
    const [step, wall, value] = [0, 1, 2].map(() => Float64Array.from({ length: count }, (_, i) => i));
    const told = { id: "a", run: "a", source: "loss", name: "a", total: count, exact: true };
    const lines = [{ ...told, step, wall, value }];
    const chart = React.createElement(trainboard.ScalarChart, { key: "chart", lines, plotRef });
    root.render([chart, React.createElement(Looks, { key: "looks", count })]);
    while (found.length < count - 1) await new Promise(requestAnimationFrame);
  }
  return found;
}"""


def ready(board: Page, dashboard: Dashboard) -> None:
    board.goto(dashboard.url)
    board.wait_for_function("() => window.trainboard?.ScalarChart && trainboard.state.ready")


def test_what_happens_as_soon_as_something_is_drawn_is_not_missed(board: Page, dashboard: Dashboard) -> None:
    ready(board, dashboard)
    board.evaluate(HAPPENS)
    expect(board.locator("#told")).to_have_text("after")


def test_a_chart_is_of_the_same_points_as_the_words_beside_it(board: Page, dashboard: Dashboard) -> None:
    ready(board, dashboard)
    assert board.evaluate(LOOKS) == [[2, 2], [3, 3]]
