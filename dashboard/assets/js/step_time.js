/* Where the time of steps goes, as stacked areas with the verdict, and the machine's state beneath, aligned. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useMemo } = React;
  const COLORS = { data: "#d55e00", copy: "#e69f00", forward: "#0072b2", backward: "#56b4e9", optimizer: "#009e73", compute: "#0072b2", logging: "#cc79a7", other: "#9aa3ad" };
  const NAMES = { data: "waiting for data", copy: "copying it", other: "other" };
  const LINES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7a6fb0", "#8c8c3a"];
  const TOGETHER = "health-time";

  trainboard.StepTime = function StepTime({ run, rank }) {
    const { answer, problem } = trainboard.useAnswer(`/api/v1/health/time?run=${encodeURIComponent(run.id)}&rank=${rank}`, [run.id]);
    if (problem) return h("p", { role: "alert", className: "filter-problem" }, problem);
    if (!answer) return h("p", { className: "quiet" }, "Loading the time of steps…");
    const { anatomy, panels } = answer;
    return h(
      "section",
      { className: "step-time", "aria-label": "Time" },
      h("div", { className: "health-head" }, h("h2", null, "Where the time goes"), (anatomy || panels.length > 0) && h(Axis)),
      anatomy ? h(Anatomy, { anatomy, answer }) : h("p", { className: "quiet" }, "No steps were timed: put ", h("code", null, "run.steps(loader)"), " around the loader, or use ", h("code", null, "tb.KerasCallback()"), "."),
      panels.length > 0 && h(React.Fragment, null, h("h2", null, "The machine"), h("div", { className: "machine" }, panels.map((panel) => h(Panel, { key: panel.title, panel })))),
    );
  };

  function Axis() {
    const axis = trainboard.value("health_axis");
    return h("span", { role: "group", "aria-label": "Along" }, [["wall", "Time"], ["step", "Steps"]].map(([value, text]) => h("button", { key: value, type: "button", className: "quiet-button", "aria-pressed": axis === value, onClick: () => trainboard.setQuery({ health_axis: value }) }, text)));
  }

  const axisNow = () => (trainboard.value("health_axis") === "step" ? "step" : "wall");

  function Anatomy({ anatomy, answer }) {
    const axis = axisNow();
    const lines = useMemo(() => Object.entries(anatomy.phases).map(([phase, values]) => ({ name: NAMES[phase] ?? phase, color: COLORS[phase], values })), [anatomy]);
    const { verdict } = anatomy;
    return h(
      React.Fragment,
      null,
      h("p", { className: "verdict-line", "data-kind": verdict.kind }, verdict.words),
      answer.words && h("p", { className: "verdict-line", "data-kind": "slow" }, answer.words),
      h(trainboard.SmallChart, { title: "Seconds a step", unit: "s", x: anatomy[axis], axis, lines, stacked: true, together: `${TOGETHER}-${axis}`, height: 190 }),
      answer.total > 1 && h(Ranks, { answer }),
    );
  }

  function Ranks({ answer: { ranks, slowest, total } }) {
    const phases = Object.keys(COLORS).filter((phase) => ranks.some((row) => row[phase]));
    const { short } = trainboard.format;
    return h(
      "div",
      { className: "scrolled", tabIndex: 0 },
      h("table", { className: "grid ranks" }, h("caption", { className: "visually-hidden" }, "Mean time of a step, by rank"), h("thead", null, h("tr", null, ["Rank", "Step", ...phases].map((head) => h("th", { key: head, scope: "col" }, head)))), h("tbody", null, ranks.map((row) => h("tr", { key: row.rank, "data-slowest": row.rank === slowest || undefined }, h("th", { scope: "row" }, row.rank === slowest ? `${row.rank}, the slowest` : row.rank), h("td", { className: "number" }, row.total === undefined ? "" : short(row.total)), phases.map((phase) => h("td", { key: phase, className: "number" }, row[phase] === undefined ? "" : short(row[phase]))))))),
      total > ranks.length && h("p", { className: "quiet" }, `The first ${ranks.length} of ${total} ranks.`),
    );
  }

  function Panel({ panel: { title, unit, lines: given } }) {
    const axis = axisNow();
    const [x, lines] = useMemo(() => {
      const joined = uPlot.join(given.map((line) => [line[axis], line.value]));
      return [joined[0], given.map(({ name }, at) => ({ name, color: LINES[at % LINES.length], values: joined[at + 1] }))];
    }, [given, axis]);
    return h(trainboard.SmallChart, { title, unit, x, axis, lines, together: `${TOGETHER}-${axis}`, height: 110 });
  }
})();
