/* Under a chart: its runs at the chosen step, or over the chosen range of steps. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useMemo, useState } = React;

  trainboard.StepTable = function StepTable({ lines, look }) {
    const steps = trainboard.stepsOf(look.selected);
    const [[sorted, falling], setSort] = useState([0, false]);
    const table = useMemo(() => steps && tableOf(trainboard.curvesOf(lines.filter(({ faint }) => !faint), look), steps, look), [lines, ...Object.values(look)]);
    const columns = table && { ...trainboard.configColumns(), ...table.columns };
    if (!table) return null;
    const heads = Object.keys(columns);
    const by = columns[heads[sorted - 1]];
    const place = (row) => (sorted === 0 ? row.curve.name : finite(by(row)));
    const rows = [...table.rows].sort((a, b) => (falling ? -1 : 1) * compare(place(a), place(b)));
    const head = (name, i) =>
      h(
        "th",
        { key: name, scope: "col", "aria-sort": sorted === i ? (falling ? "descending" : "ascending") : undefined },
        h("button", { onClick: () => setSort([i, sorted === i && !falling]) }, name, sorted === i ? (falling ? " ↓" : " ↑") : ""),
      );
    return h(
      "div",
      { className: "step-table", tabIndex: 0, role: "region", "aria-label": "Values at the chosen steps" },
      h(
        "table",
        null,
        h("thead", null, h("tr", null, ["Run", ...heads].map(head))),
        h("tbody", null, rows.map((row) => h(Row, { key: row.curve.id + row.curve.name, row, columns }))),
      ),
    );
  };

  const isConfig = (name) => trainboard.values("table_config").includes(name);

  function Row({ row, columns }) {
    const { number, integer } = trainboard.format;
    const said = ([name, of]) => {
      const value = of(row);
      if (isConfig(name)) return String(value);
      if (name.includes("%")) return Number.isFinite(value) ? `${number(value)} %` : "–";
      return name.toLowerCase().includes("step") ? integer(value) : name === "After" ? trainboard.format.duration(value) : number(value);
    };
    return h(
      "tr",
      null,
      h("th", { scope: "row", title: row.curve.name }, h("i", { style: { background: row.curve.color } }), row.curve.name),
      Object.entries(columns).map((column) => h("td", { key: column[0] }, said(column))),
    );
  }

  const finite = (value) => (typeof value === "string" || Number.isFinite(value) ? value : Infinity);
  const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? (a === b ? 0 : a - b) : String(a).localeCompare(b, "en", { numeric: true }));

  /** The rows, and what each column tells of one. */
  function tableOf(curves, { from, to }, { smoothing }) {
    if (from === to) {
      const smoothed = smoothing > 0 ? { Smoothed: ({ curve, i }) => curve.y[i] } : {};
      const columns = {
        ...smoothed,
        Value: ({ curve, i }) => curve.value[i],
        Step: ({ curve, i }) => curve.step[i],
        ...(trainboard.bands.isOn() ? {} : { After: ({ curve, i }) => curve.wall[i] - curve.first }),
        Lowest: ({ min }) => min.value,
        "at step": ({ min }) => min.step,
        Highest: ({ max }) => max.value,
        "at step ": ({ max }) => max.step,
      };
      const rows = curves.flatMap((curve) => {
        const i = nearest(curve.step, from);
        return i < 0 ? [] : [{ curve, i, min: best(curve, "min"), max: best(curve, "max") }];
      });
      return { columns, rows };
    }
    const columns = {
      Min: ({ min }) => min.value,
      Max: ({ max }) => max.value,
      Start: ({ start }) => start,
      End: ({ end }) => end,
      "Δ": ({ start, end }) => end - start,
      "Δ %": ({ start, end }) => (100 * (end - start)) / Math.abs(start),
      Mean: ({ mean }) => mean,
      "Start step": ({ curve, i }) => curve.step[i],
      "End step": ({ curve, j }) => curve.step[j],
      "Step of min": ({ min }) => min.step,
      "Step of max": ({ max }) => max.step,
    };
    return { columns, rows: curves.flatMap((curve) => over(curve, from, to)) };
  }

  const NOTHING = { value: NaN, step: NaN };
  const best = (curve, which) => trainboard.bestOf([curve], which) ?? NOTHING;

  /** What a curve does between two steps, or nothing where it has no point there. */
  function over(curve, from, to) {
    const kept = [...curve.step.keys()].filter((i) => curve.step[i] >= from && curve.step[i] <= to);
    if (kept.length === 0) return [];
    const [i, j] = [kept[0], kept[kept.length - 1]];
    const cut = (column) => column && Float64Array.from(kept, (at) => column[at]);
    const part = { ...curve, value: cut(curve.value), low: cut(curve.low), high: cut(curve.high), step: cut(curve.step) };
    const counted = part.value.filter(Number.isFinite);
    const mean = counted.reduce((sum, value) => sum + value, 0) / counted.length;
    return [{ curve, i, j, start: curve.y[i], end: curve.y[j], mean, min: best(part, "min"), max: best(part, "max") }];
  }

  /** The index of the step nearest to this one. */
  function nearest(steps, at) {
    let found = -1;
    for (let i = 0; i < steps.length; i++) {
      if (at === Infinity ? found < 0 || steps[i] >= steps[found] : found < 0 || Math.abs(steps[i] - at) < Math.abs(steps[found] - at)) found = i;
    }
    return found;
  }
})();
