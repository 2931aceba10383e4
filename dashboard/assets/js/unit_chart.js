/* A square chart whose axes both go from 0 to 1: lines, and a place on each that stands for one threshold. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const SIZE = 300;
  const MARGIN = { left: 34, right: 8, top: 8, bottom: 32 };
  const TICKS = [0, 0.25, 0.5, 0.75, 1];
  const REACH = 24;

  const px = (x) => MARGIN.left + x * (SIZE - MARGIN.left - MARGIN.right);
  const py = (y) => SIZE - MARGIN.bottom - y * (SIZE - MARGIN.top - MARGIN.bottom);
  trainboard.unitChart = { SIZE, px, py };

  /** `lines`: [{id, name, color, dash, x, y, at?}], x and y arrays with null where there is nothing; `at` the
      index that is marked. `onPoint(line, i)` is told of the point beside the mouse. `children` are drawn below. */
  trainboard.UnitChart = function UnitChart({ title, x, y, lines, diagonal, onPoint, children }) {
    const find = (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      const scale = SIZE / box.width;
      const place = nearest(lines, (event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
      if (place) onPoint?.(...place);
    };
    const words = `${title}: ${lines.map(({ name }) => name).join(", ")}`;
    return h(
      "figure",
      { className: "unit-chart" },
      h("figcaption", null, title),
      h(
        "svg",
        { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": words, onMouseMove: onPoint && find },
        h(Frame, { x, y }),
        diagonal && h("path", { className: "unit-diagonal", d: diagonal === "down" ? `M${px(0)} ${py(1)}L${px(1)} ${py(0)}` : `M${px(0)} ${py(0)}L${px(1)} ${py(1)}` }),
        children,
        lines.map((line) => h("path", { key: line.id, className: "unit-line", d: pathOf(line), stroke: line.color, strokeDasharray: trainboard.dashes[(line.dash ?? 0) % trainboard.dashes.length].join(" ") || undefined }, h("title", null, line.name))),
        lines.map((line) => Number.isFinite(line.x[line.at]) && Number.isFinite(line.y[line.at]) && line.x[line.at] !== null && h("circle", { key: line.id, className: "unit-mark", cx: px(line.x[line.at]), cy: py(line.y[line.at]), r: 4, fill: line.color })),
      ),
    );
  };

  function Frame({ x, y }) {
    const [left, right, top, bottom] = [px(0), px(1), py(1), py(0)];
    return h(
      "g",
      null,
      TICKS.map((tick) =>
        h(
          "g",
          { key: tick },
          h("path", { className: "unit-grid", d: `M${px(tick)} ${top}V${bottom}M${left} ${py(tick)}H${right}` }),
          h("text", { x: px(tick), y: bottom + 12, textAnchor: "middle" }, tick),
          h("text", { x: left - 4, y: py(tick) + 3, textAnchor: "end" }, tick),
        ),
      ),
      h("text", { className: "unit-axis", x: (left + right) / 2, y: SIZE - 5, textAnchor: "middle" }, x),
      h("text", { className: "unit-axis", transform: `translate(9 ${(top + bottom) / 2}) rotate(-90)`, textAnchor: "middle" }, y),
    );
  }

  const isThere = (line, i) => line.x[i] !== null && line.y[i] !== null;

  function pathOf(line) {
    let path = "";
    let isOpen = false;
    for (let i = 0; i < line.x.length; i++) {
      if (isThere(line, i)) path += `${isOpen ? "L" : "M"}${px(line.x[i]).toFixed(1)} ${py(line.y[i]).toFixed(1)}`;
      isOpen = isThere(line, i);
    }
    return path;
  }

  function nearest(lines, left, top) {
    let found = null;
    let least = REACH ** 2;
    for (const line of lines) {
      for (let i = 0; i < line.x.length; i++) {
        if (!isThere(line, i)) continue;
        const distance = (px(line.x[i]) - left) ** 2 + (py(line.y[i]) - top) ** 2;
        if (distance < least) [least, found] = [distance, [line, i]];
      }
    }
    return found;
  }
})();
