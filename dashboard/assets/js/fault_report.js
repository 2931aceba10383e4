/* The flight recorder's reports: what broke, where, since when, what came before it, why, and what to try. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const DECADES = 4; /* so many above the least norm of a row are the full colour */
  const PHASES = { forward: "forward pass", loss: "loss", backward: "backward pass", update: "optimizer's step" };

  trainboard.FaultReports = function FaultReports({ run, faults }) {
    const url = faults > 0 ? `/api/v1/health/faults?run=${encodeURIComponent(run.id)}` : null;
    const { answer, problem } = trainboard.useAnswer(url, [run.id]);
    if (!faults) return null;
    if (problem) return h("p", { role: "alert", className: "filter-problem" }, problem);
    if (!answer) return h("p", { className: "quiet" }, "Loading the flight recorder…");
    const wanted = trainboard.value("health_fault");
    return h(
      "section",
      { className: "faults", "aria-label": "Flight recorder" },
      h("h2", null, "Flight recorder"),
      answer.reports.map((report, at) => h(Report, { key: `${report.rank} ${report.step} ${report.wall_time}`, report, open: wanted ? wanted === String(report.step) : at === 0, wanted: wanted === String(report.step) })),
      answer.total > answer.reports.length && h("p", { className: "quiet" }, `${trainboard.format.integer(answer.total - answer.reports.length)} older reports are not shown.`),
    );
  };

  function Report({ report, open, wanted }) {
    const place = useRef(null);
    useEffect(() => void (wanted && place.current.scrollIntoView({ block: "start" })), []);
    const { integer } = trainboard.format;
    const link = new URLSearchParams(location.search);
    link.set("health_fault", report.step);
    return h(
      "details",
      { className: "fault", open, ref: place },
      h("summary", null, h("b", null, `NaN or infinity at step ${integer(report.step)}`), h("span", null, report.what), h("time", { title: "When it was logged" }, trainboard.format.time(report.wall_time))),
      h(
        "div",
        { className: "fault-body" },
        h(Facts, { report }),
        h("div", { className: "fault-causes" }, h("h3", null, report.causes.length > 1 ? "Likely causes, the likeliest first" : "Likely cause"), h("ol", null, report.causes.map((cause) => h("li", { key: cause.title }, h("b", null, cause.title), h("p", null, cause.why), h("p", { className: "cure" }, cause.cure))))),
        h(Before, { report }),
        h(Signals, { signals: report.signals }),
        report.trace && h("details", null, h("summary", null, "Traceback"), h("pre", null, report.trace)),
        h("p", null, h("a", { href: `${location.pathname}?${link}` }, "Link to this report")),
      ),
    );
  }

  function Facts({ report }) {
    const { integer } = trainboard.format;
    const facts = [
      ["Layer", report.layer || "not known"],
      ["During", PHASES[report.phase] ?? (report.phase || "not known")],
      ["Step", integer(report.step)],
      ["Batch", report.batch === null ? "not known" : integer(report.batch)],
      ["Last good step", report.last_good_step === null ? "none" : integer(report.last_good_step)],
      ...(report.rank ? [["Rank", report.rank]] : []),
      ...(report.detail ? [["Detail", report.detail]] : []),
    ];
    return h("dl", { className: "fault-facts" }, facts.map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, value))));
  }

  /** Norms of the steps before as a table whose cells are coloured by how far each is above the row's least. */
  function Before({ report }) {
    const sources = Object.keys(report.norms).filter((source) => report.norms[source].names.length);
    const [chosen, choose] = useState(null);
    const scrolled = useRef(null);
    const source = chosen ?? sources[0];
    useEffect(() => {
      if (scrolled.current) scrolled.current.scrollLeft = scrolled.current.scrollWidth;
    }, [source]);
    if (!sources.length) return h("p", { className: "quiet" }, "The recorder has no norms of the steps before.");
    const all = report.norms[source];
    const kept = all.names.map((name, at) => [name, all.rows[at]]).filter(([, row]) => row.some((value) => value !== 0));
    const left = all.names.length - kept.length;
    const { integer, number } = trainboard.format;
    return h(
      "div",
      { className: "fault-before" },
      h("h3", null, `The last ${report.steps.length} steps: norm of each parameter’s `, sources.map((one) => h("button", { key: one, type: "button", className: "quiet-button", "aria-pressed": one === source, onClick: () => choose(one) }, one))),
      h(
        "div",
        { className: "scrolled", tabIndex: 0, ref: scrolled },
        h(
          "table",
          { className: "grid norms" },
          h("thead", null, h("tr", null, h("th", { scope: "col" }, "Step"), report.steps.map((step) => h("th", { key: step, scope: "col", className: step === report.step ? "bad" : "" }, integer(step))))),
          h("tbody", null, kept.map(([name, row]) => h("tr", { key: name }, h("th", { scope: "row", title: name }, h("bdi", null, name)), row.map((value, step) => h("td", { key: step, className: value === "bad" ? "bad" : "", style: shade(value, row) }, value === null ? "" : value === "bad" ? "not finite" : number(value)))))),
        ),
      ),
      left > 0 && h("p", { className: "quiet" }, `${trainboard.format.integer(left)} more parameters had norms of 0 in all of these steps.`),
    );
  }

  function shade(value, row) {
    const known = row.filter((one) => typeof one === "number" && one > 0);
    if (typeof value !== "number" || value <= 0 || !known.length) return undefined;
    const share = Math.min(Math.log10(value / Math.min(...known)) / DECADES, 1);
    return { background: `color-mix(in srgb, var(--warn) ${Math.round(70 * share)}%, transparent)` };
  }

  function Signals({ signals }) {
    if (!signals.length) return null;
    const { integer, number } = trainboard.format;
    const jump = ({ jump: factor, jump_step }) => (factor === null ? "none" : `× ${number(factor)} at step ${integer(jump_step)}`);
    const heads = ["Scalar", "Median before", "Last value", "At step", "Last doubled or halved"];
    return h(
      "div",
      { className: "fault-signals" },
      h("h3", null, "What was logged just before"),
      h("div", { className: "scrolled", tabIndex: 0 }, h("table", { className: "grid" }, h("thead", null, h("tr", null, heads.map((head) => h("th", { key: head, scope: "col" }, head)))), h("tbody", null, signals.map((signal) => h("tr", { key: signal.tag }, h("th", { scope: "row" }, signal.tag), h("td", { className: "number" }, number(signal.usual)), h("td", { className: "number" }, signal.last === null ? `not finite since step ${integer(signal.bad_since)}` : number(signal.last)), h("td", { className: "number" }, integer(signal.last_step)), h("td", null, jump(signal))))))),
    );
  }
})();
