/* One tag, or the classes of one: its PR and ROC curves, its calibration, and a table at one threshold. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const PALETTE = ["#226dc9", "#f5642b", "#ab4085", "#15ab83", "#a57afe", "#656818", "#e469cb", "#cc3239"];
  const MOST_LINES = 60;

  /** `tags` of one section, `ids` of the runs that have any; `step` null for the newest. */
  trainboard.CurveSection = function CurveSection({ name, tags, ids, step }) {
    const root = useRef(null);
    const [isNear, setNear] = useState(false);
    useEffect(() => {
      const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && setNear(true), { root: root.current.closest("main"), rootMargin: "400px 0px" });
      observer.observe(root.current);
      return () => observer.disconnect();
    }, []);
    return h(
      "section",
      { className: "curve-section", ref: root, "aria-label": name },
      h("div", { className: "section-name" }, h("h2", null, name, tags.length > 1 && h("span", { className: "count" }, ` ${tags.length} classes`)), h(trainboard.Description, { tag: tags[0] })),
      isNear && h(Charts, { tags, ids, step }),
    );
  };

  function Charts({ tags, ids, step }) {
    trainboard.useState("shown", "query");
    const urls = tags.map((tag) => `/api/v1/curves/pr?${new URLSearchParams({ runs: ids.join(","), tag, step: step ?? "" })}`);
    const { answer, isLost } = trainboard.useAnswer(JSON.stringify(urls), ids, { read: readAll });
    if (answer === null) return h("p", { className: "quiet", role: "status" }, isLost ? "The curves cannot be read now; trying again." : "Loading…");
    const all = linesOf(answer, tags);
    const lines = all.filter(({ curve }) => !curve.problem).slice(0, MOST_LINES);
    const threshold = chosen();
    const placed = lines.map((line) => ({ ...line, at: indexOf(line.curve.columns.threshold, threshold) }));
    const point = (line, i) => trainboard.setQuery({ threshold: String(Number(line.curve.columns.threshold[i].toPrecision(4))) });
    const of = (x, y) => placed.map((line) => ({ ...line, x: line.curve.columns[x], y: line.curve.columns[y] }));
    return h(
      React.Fragment,
      null,
      all.filter(({ curve }) => curve.problem).map(({ id, name, curve }) => h("p", { key: id, className: "problem", role: "alert" }, `${name}: this curve cannot be drawn. ${curve.problem}`)),
      all.length === 0 && h("p", { className: "quiet" }, "Nothing was logged up to this step."),
      all.length > MOST_LINES && h("p", { className: "quiet" }, `The first ${MOST_LINES} of ${all.length} curves are drawn.`),
      lines.length > 0 && h(
        "div",
        { className: "unit-charts" },
        h(trainboard.UnitChart, { title: "Precision and recall", x: "recall", y: "precision", lines: of("recall", "precision"), onPoint: point }),
        h(trainboard.UnitChart, { title: "ROC", x: "false positive rate", y: "true positive rate", lines: of("fpr", "recall"), diagonal: "up", onPoint: point }),
        h(Reliability, { lines }),
      ),
      lines.length > 0 && h(Threshold, { threshold }),
      lines.length > 0 && h(Table, { lines: placed }),
    );
  }

  const readAll = (urls) => Promise.all(JSON.parse(urls).map(async (url) => (await trainboard.accepted(url)).json()));

  function linesOf(answers, tags) {
    const { shown } = trainboard.state;
    const byClass = trainboard.value("curve_by") === "class";
    return answers.flatMap(({ curves }, k) =>
      curves.flatMap((curve) => {
        const at = shown.findIndex(({ id }) => id === curve.run);
        if (at < 0) return [];
        const short = tags[k].slice(tags[k].lastIndexOf("/") + 1);
        const look = byClass ? { color: PALETTE[k % PALETTE.length], dash: at, name: `${short} · ${shown[at].name}` } : { color: shown[at].color, name: shown[at].name };
        return [{ id: `${curve.run} ${tags[k]}`, curve, ...look }];
      }),
    );
  }

  function chosen() {
    const threshold = Number(trainboard.value("threshold") || 0.5);
    return Number.isFinite(threshold) ? Math.min(Math.max(threshold, 0), 1) : 0.5;
  }

  /** The index of the threshold that is nearest. */
  function indexOf(thresholds, wanted) {
    const at = trainboard.lowerBound(thresholds, wanted);
    if (at === 0) return 0;
    if (at >= thresholds.length) return thresholds.length - 1;
    return wanted - thresholds[at - 1] < thresholds[at] - wanted ? at - 1 : at;
  }

  function Threshold({ threshold }) {
    const set = (event) => trainboard.setQuery({ threshold: event.target.value });
    return h(
      "label",
      { className: "curve-threshold" },
      "Threshold",
      h("input", { type: "range", min: 0, max: 1, step: 0.005, value: threshold, onChange: set }),
      h("output", null, threshold.toFixed(3)),
      h("span", { className: "quiet" }, "Move over a curve to read it."),
    );
  }

  /** How often what was predicted came true, by bins of predictions; below, how many there were. */
  function Reliability({ lines }) {
    const { px, py } = trainboard.unitChart;
    const drawn = lines.map((line) => ({ ...line, x: line.curve.calibration.confidence, y: line.curve.calibration.share }));
    const [first] = lines;
    const { edges, count } = first.curve.calibration;
    const most = Math.max(...count);
    const bars = count.map((number, i) => {
      const height = most ? (0.22 * number) / most : 0;
      const [left, right] = [px(edges[i]), px(edges[i + 1])];
      const words = `${trainboard.format.number(edges[i])} to ${trainboard.format.number(edges[i + 1])}: ${trainboard.format.integer(number)} predictions of ${first.name}`;
      return h("rect", { key: i, className: "unit-bar", x: left + 0.5, width: Math.max(right - left - 1, 1), y: py(height), height: py(0) - py(height), fill: first.color }, h("title", null, words));
    });
    const dots = drawn.flatMap((line) =>
      line.x.map((x, i) => x !== null && line.y[i] !== null && h("circle", { key: `${line.id} ${i}`, cx: px(x), cy: py(line.y[i]), r: 2.5, fill: line.color }, h("title", null, `${line.name}: predicted ${x.toFixed(3)}, came true ${line.y[i].toFixed(3)}, ${trainboard.format.integer(line.curve.calibration.count[i])} times`))),
    );
    const title = lines.length > 1 ? `Calibration; bars: counts of ${first.name}` : "Calibration; bars: counts";
    return h(trainboard.UnitChart, { title, x: "mean prediction", y: "share of positives", lines: drawn, diagonal: "up" }, bars, dots);
  }

  const HEADS = [
    ["Step"], ["AP", "Average precision: the area under precision over recall"], ["AUC", "The area under the ROC curve, and how far it may be off: order within an interval of thresholds is not known"],
    ["ECE", "Expected calibration error over ten bins"], ["Precision"], ["Recall"], ["F1"], ["TP"], ["FP"], ["TN"], ["FN"],
  ];

  function Table({ lines }) {
    const { number } = trainboard.format;
    const said = (value) => (value === null || value === undefined ? "–" : Number.isInteger(value) ? trainboard.format.integer(value) : number(value));
    const row = (line) => {
      const { columns, step, wall, ap, auc, auc_bound, ece } = line.curve;
      const at = (name) => said(columns[name][line.at]);
      const area = auc === null ? "–" : h(React.Fragment, null, number(auc), h("span", { className: "quiet" }, ` ± ${Number(auc_bound.toPrecision(1))}`));
      const cells = [place(line.curve.run, step, wall), said(ap), area, said(ece), ...["precision", "recall", "f1", "tp", "fp", "tn", "fn"].map(at)];
      return h("tr", { key: line.id }, h("th", { scope: "row", title: line.name }, h("i", { style: { background: line.color } }), line.name), cells.map((cell, i) => h("td", { key: i }, cell)));
    };
    return h(
      "div",
      { className: "curve-table", tabIndex: 0, role: "region", "aria-label": "Scores, and counts at the threshold" },
      h("table", null, h("thead", null, h("tr", null, h("th", { scope: "col" }, "Curve"), HEADS.map(([name, title]) => h("th", { key: name, scope: "col", title }, name)))), h("tbody", null, lines.map(row))),
    );
  }

  /** Where a curve stands: its step, its time, or the time since its run began. */
  function place(run, step, wall) {
    const label = trainboard.value("curve_label");
    if (label === "wall") return trainboard.format.time(wall);
    const began = trainboard.state.shown.find(({ id }) => id === run)?.created_at;
    if (label === "relative" && began) return trainboard.format.duration(wall - began);
    return trainboard.format.integer(step);
  }
})();
