/* A small chart of a few lines that share their places along x: plain, as bands, or stacked as areas. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef } = React;
  const FONT = "11px system-ui, sans-serif";

  /** `x` are steps, wall times or milliseconds, as `axis` (step, wall, ms) says; `lines` are {name, color, values, low}: with `low` a line is a
      band from it to its values. Charts of the same `together` share the cursor. */
  trainboard.SmallChart = function SmallChart({ title, unit = "", x, axis, lines, stacked = false, log = false, together, height = 120, note }) {
    const { theme } = trainboard.useState("theme");
    const root = useRef(null);
    const read = useRef(null);
    const shape = JSON.stringify([axis, stacked, log, theme, lines.map(({ name, color, low }) => [name, color, Boolean(low)])]);
    const now = useRef(null);
    now.current = { x, lines, stacked, unit };
    const chart = useRef(null);
    useEffect(() => {
      const tell = (at) => read.current && told(read.current, now.current, at, axis);
      const made = new uPlot(options({ axis, lines, stacked, log, unit, together, width: root.current.clientWidth || 300, height, tell }), columns(now.current), root.current);
      chart.current = made;
      tell(null);
      const resized = new ResizeObserver(([entry]) => entry.contentRect.width > 0 && made.setSize({ width: Math.floor(entry.contentRect.width), height }));
      resized.observe(root.current);
      return () => void (resized.disconnect(), made.destroy());
    }, [shape, together, height]);
    useEffect(() => {
      chart.current.setData(columns(now.current), chart.current.zoomed !== true);
      if (chart.current.zoomed) chart.current.redraw();
      told(read.current, now.current, chart.current.cursor.idx ?? null, axis);
    }, [x, lines]);
    return h(
      "figure",
      { className: "small-chart", "aria-label": title },
      h("figcaption", null, h("h3", null, title), note && h("span", { className: "quiet" }, note)),
      h("div", { ref: root, className: "small-plot", "aria-hidden": true }),
      h("ul", { ref: read, className: "small-legend" }, h("li", { className: "quiet" }), lines.map(({ name, color }) => h("li", { key: name }, h("i", { style: { background: color } }), h("span", null, name), h("b")))),
    );
  };

  /** uPlot's columns: x, then for each line its values, or sums from the bottom where they are stacked, the
      highest first so that it is painted behind the others. */
  function columns({ x, lines, stacked }) {
    if (!stacked) return [x, ...lines.flatMap(({ values, low }) => (low ? [values, low] : [values]))];
    const sums = [];
    let below = x.map(() => 0);
    for (const { values } of lines) {
      below = below.map((sum, at) => sum + (values[at] ?? 0));
      sums.unshift(below);
    }
    return [x, ...sums];
  }

  function options({ axis, lines, stacked, log, unit, together, width, height, tell }) {
    const style = getComputedStyle(document.documentElement);
    const [quiet, grid] = ["--quiet", "--grid"].map((name) => style.getPropertyValue(name));
    const common = { stroke: quiet, font: FONT, ticks: { show: false }, grid: { stroke: grid, width: 1 }, gap: 4 };
    const tick = (u, splits) => splits.map((value) => (value === null ? "" : trainboard.format.tick(value)));
    return {
      width,
      height,
      padding: [6, 8, 0, 0],
      legend: { show: false },
      scales: { x: { time: axis === "wall" }, y: log ? { distr: 3 } : stacked ? { range: (u, low, high) => [0, high || 1] } : {} },
      axes: [{ ...common, size: axis === "wall" ? 36 : 22, space: 64, ...(axis === "wall" ? {} : { values: tick }) }, { ...common, size: 46, space: 26, values: unit === "s" ? (u, splits) => splits.map((value) => trainboard.format.short(value)) : tick }],
      series: [{}, ...(stacked ? [...lines].reverse().map(({ color }) => ({ fill: color, width: 0, points: { show: false }, paths: axis === "ms" ? uPlot.paths.stepped({ align: 1 }) : undefined })) : lines.flatMap(drawn))],
      bands: stacked ? [] : bandsOf(lines),
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: true }, sync: together ? { key: together, scales: ["x", null], setSeries: false } : undefined },
      hooks: {
        setCursor: [(u) => tell(u.cursor.idx ?? null)],
        setSelect: [(u) => void (u.zoomed = u.select.width > 2 || u.zoomed)],
        init: [(u) => u.over.addEventListener("dblclick", () => void (u.zoomed = false))],
      },
    };
  }

  const drawn = ({ color, low }) => {
    const line = { stroke: color, width: 1.5, points: { show: false }, spanGaps: false };
    return low ? [line, { ...line, width: 0.5 }] : [line];
  };

  function bandsOf(lines) {
    let at = 1;
    return lines.flatMap(({ color, low }) => {
      const band = low ? [{ series: [at, at + 1], fill: `${color}55` }] : [];
      at += low ? 2 : 1;
      return band;
    });
  }

  /** The legend's numbers: at the cursor, or the newest. */
  function told(list, { x, lines, unit }, at, axis) {
    const place = at ?? x.length - 1;
    const [where, ...rows] = list.children;
    const named = { wall: trainboard.format.time, step: (step) => `step ${trainboard.format.integer(step)}`, ms: (time) => `${trainboard.format.number(time)} ms` };
    where.textContent = place < 0 ? "" : named[axis](x[place]);
    rows.forEach((row, line) => {
      const { values, low } = lines[line] ?? {};
      const value = values?.[place];
      const words = value === null || value === undefined ? "–" : unit === "s" ? trainboard.format.short(value) : `${trainboard.format.number(value)}${unit && ` ${unit}`}`;
      const least = low?.[place];
      row.lastChild.textContent = least !== null && least !== undefined && least !== value ? `${trainboard.format.number(least)} … ${words}` : words;
    });
  }
})();
