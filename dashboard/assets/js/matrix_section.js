/* One confusion matrix: of a run, or the difference of two runs or steps; read, sorted and searched. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useMemo, useState } = React;
  const LISTED = 200;
  const NORMS = [["row", "by true class"], ["column", "by predicted class"], ["none", "counts"]];
  const SORTS = [["logged", "as logged"], ["count", "most frequent first"], ["recall", "worst recall first"], ["precision", "worst precision first"], ["name", "by name"]];

  trainboard.MatrixSection = function MatrixSection({ tag, runs, step }) {
    const { shown } = trainboard.useState("shown", "query");
    const mine = shown.filter(({ id }) => runs[id]);
    const run = mine.find(({ id }) => id === trainboard.value("matrix_run")) ?? mine[0];
    const other = mine.find(({ id }) => id === trainboard.value("matrix_other"));
    const otherStep = trainboard.value("matrix_other_step") || step;
    const one = useMatrix(run, tag, step);
    const two = useMatrix(other, tag, otherStep);
    if (!run) return null;
    return h(
      "section",
      { className: "curve-section", "aria-label": tag },
      h("h2", { className: "section-name" }, tag),
      h(Tools, { mine, run, other, steps: other ? runs[other.id] : [] }),
      body(one, other ? two : null, run, other),
    );
  };

  function body(one, two, run, other) {
    const problem = one.problem ?? two?.problem;
    if (problem) return h("p", { className: "problem", role: "alert" }, problem);
    if (!one.answer || (two && !two.answer)) return h("p", { className: "quiet", role: "status" }, one.isLost ? "The matrix cannot be read now; trying again." : "Loading…");
    if (two && JSON.stringify(one.answer.classes) !== JSON.stringify(two.answer.classes)) return h("p", { className: "problem", role: "alert" }, "These two matrices have different classes, so there is no difference.");
    return h(Matrix, { one: one.answer, two: two?.answer ?? null, run, other });
  }

  const useMatrix = (run, tag, step) =>
    trainboard.useAnswer(run ? `/api/v1/curves/matrix?${new URLSearchParams({ run: run.id, tag, step: step ?? "" })}` : null, run ? [run.id] : [], { read });

  /** {step, wall, classes, counts}, as `pack_matrix` in dashboard/curve_routes.py lays it out. */
  async function read(url) {
    const buffer = await (await trainboard.accepted(url)).arrayBuffer();
    const length = new DataView(buffer).getUint32(0, true);
    return { ...JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))), counts: new Float32Array(buffer, 4 + length) };
  }

  function Tools({ mine, run, other, steps }) {
    const set = (key) => (event) => trainboard.setQuery({ [key]: event.target.value });
    const select = (key, label, value, options) => h("label", { className: "toolbar-field" }, label, h("select", { value, onChange: set(key) }, options.map(([key, words]) => h("option", { key, value: key }, words))));
    const names = mine.map(({ id, name }) => [id, name]);
    return h(
      "div",
      { className: "matrix-tools" },
      select("matrix_run", "Run", run.id, names),
      select("matrix_norm", "Shares", trainboard.value("matrix_norm"), NORMS),
      select("matrix_sort", "Sorted", trainboard.value("matrix_sort"), SORTS),
      select("matrix_other", "Less", other?.id ?? "", [["", "nothing"], ...names]),
      other && select("matrix_other_step", "at step", trainboard.value("matrix_other_step"), [["", "the same"], ...steps.slice(-LISTED).map((step) => [String(step), trainboard.format.integer(step)])]),
      h("input", { type: "search", placeholder: "Find a class", "aria-label": "Find a class", value: trainboard.value("matrix_search"), onChange: set("matrix_search") }),
    );
  }

  function Matrix({ one, two, run, other }) {
    const [cell, setCell] = useState(null);
    const norm = trainboard.value("matrix_norm");
    const sort = trainboard.value("matrix_sort");
    const classes = useMemo(() => perClass(one), [one]);
    const order = useMemo(() => orderOf(classes, sort), [classes, sort]);
    const values = useMemo(() => difference(shares(one, norm), two && shares(two, norm)), [one, two, norm]);
    const words = trainboard.value("matrix_search").trim().toLowerCase();
    const found = words ? new Set(classes.filter(({ name }) => name.toLowerCase().includes(words)).map(({ at }) => at)) : null;
    const total = classes.reduce((sum, { support }) => sum + support, 0);
    const right = classes.reduce((sum, { hits }) => sum + hits, 0);
    const accuracy = `accuracy ${((100 * right) / total).toFixed(2)} % of ${trainboard.format.integer(total)} at step ${trainboard.format.integer(one.step)}`;
    return h(
      "div",
      { className: "matrix" },
      h(
        "figure",
        null,
        h("figcaption", null, two ? `${run.name} less ${other.name} at step ${trainboard.format.integer(two.step)}` : `${run.name}: ${accuracy}`),
        h(trainboard.MatrixCanvas, { classes, order, values, isDifference: two !== null, isShare: norm !== "none", found, color: run.color, onCell: setCell }),
        h("p", { className: "matrix-cell", role: "status" }, cell ? told(cell, one, two, classes, values, norm) : "Move over a cell to read it."),
      ),
      h(Classes, { classes, found }),
    );
  }

  function told([row, column], one, two, classes, values, norm) {
    const size = classes.length;
    const count = (matrix) => trainboard.format.integer(matrix.counts[row * size + column]);
    const value = values[row * size + column];
    const share = norm === "none" ? "" : `, ${(100 * value).toFixed(1)} ${two ? "points" : "%"} ${norm === "row" ? "of the true class" : "of what was predicted so"}`;
    return `true ${classes[row].name}, predicted ${classes[column].name}: ${count(one)}${two ? ` and ${count(two)}` : ""}${share}`;
  }

  /** Of each class its counts, precision, recall and F1; NaN where there is nothing to share. */
  function perClass({ classes, counts }) {
    const size = classes.length;
    const [support, predicted] = sums(counts, size);
    return classes.map((name, at) => {
      const hits = counts[at * size + at];
      return { at, name, hits, support: support[at], predicted: predicted[at], precision: hits / predicted[at], recall: hits / support[at], f1: (2 * hits) / (support[at] + predicted[at]) };
    });
  }

  function sums(counts, size) {
    const [rows, columns] = [new Float64Array(size), new Float64Array(size)];
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        rows[i] += counts[i * size + j];
        columns[j] += counts[i * size + j];
      }
    }
    return [rows, columns];
  }

  function shares({ classes, counts }, norm) {
    if (norm === "none") return counts;
    const size = classes.length;
    const [rows, columns] = sums(counts, size);
    return counts.map((count, i) => count / (norm === "row" ? rows[Math.floor(i / size)] : columns[i % size]) || 0);
  }

  const difference = (values, less) => (less ? values.map((value, i) => value - less[i]) : values);

  const known = (value) => (Number.isFinite(value) ? value : Infinity);

  function orderOf(classes, sort) {
    const by = {
      count: (a, b) => b.support - a.support,
      recall: (a, b) => known(a.recall) - known(b.recall),
      precision: (a, b) => known(a.precision) - known(b.precision),
      name: (a, b) => a.name.localeCompare(b.name, "en", { numeric: true }),
    }[sort];
    return (by ? [...classes].sort(by) : classes).map(({ at }) => at);
  }

  function Classes({ classes, found }) {
    const [[key, falling], setSort] = useState(["at", false]);
    const heads = [["at", "Class"], ["support", "Count"], ["precision", "Precision"], ["recall", "Recall"], ["f1", "F1"]];
    const listed = classes.filter(({ at }) => !found || found.has(at)).sort((a, b) => (falling ? -1 : 1) * (known(a[key]) - known(b[key]) || 0));
    const head = ([name, words]) =>
      h("th", { key: name, scope: "col", "aria-sort": key === name ? (falling ? "descending" : "ascending") : undefined }, h("button", { onClick: () => setSort([name, key === name && !falling]) }, words, key === name ? (falling ? " ↓" : " ↑") : ""));
    const share = (value) => (Number.isFinite(value) ? value.toFixed(4) : "–");
    const row = ({ at, name, support, precision, recall, f1 }) => h("tr", { key: at }, h("th", { scope: "row", title: name }, name), h("td", null, trainboard.format.integer(support)), [precision, recall, f1].map((value, i) => h("td", { key: i }, share(value))));
    return h(
      "div",
      { className: "curve-table matrix-classes", tabIndex: 0, role: "region", "aria-label": "Classes" },
      h("table", null, h("thead", null, h("tr", null, heads.map(head))), h("tbody", null, listed.slice(0, LISTED).map(row))),
      listed.length > LISTED && h("p", { className: "quiet" }, `The first ${LISTED} of ${listed.length} classes. Sort, or find a class.`),
      listed.length === 0 && h("p", { className: "quiet" }, "No class has this in its name."),
    );
  }
})();
