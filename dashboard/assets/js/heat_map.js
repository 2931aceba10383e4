/* A heat map of layers by steps on a canvas: rows that fold, a cursor for mouse and keys, colours by quantity. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef, useState } = React;
  const ROW = 16;
  const AXIS = 20;
  const TICK_SPACE = 70;
  const LEAST_BAD = 3; /* pixels: what is not finite is never too small to be seen */
  const VIRIDIS = ["#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725"];
  /* A colour a decade from 1e-7 to 1, grey from 1e-4 to 1e-2, where updates usually are. */
  const RATIOS = {
    light: ["#08519c", "#3f8fc9", "#a3c7e2", "#d5dad7", "#d3d9d0", "#dcd8cd", "#e6702e", "#8f2d04"],
    dark: ["#9ecbff", "#4f9be0", "#2c5f8f", "#363c3d", "#3a413c", "#403e38", "#d9641f", "#ffb27d"],
  };
  const DEAD = { light: ["#f3f4f6", "#c9b8dd", "#8a63b3", "#3f1a67"], dark: ["#1b1e24", "#4a3768", "#8d6cc0", "#e3d0ff"] };
  const BAD = { light: ["#f08a7f", "#d92d20", "#7a0f07"], dark: ["#a3352a", "#e5483a", "#ffb4ab"] };
  const NOTHING = { light: "#f3f4f6", dark: "#1b1e24" };

  /** `map` as from /api/v1/health/maps, `steps` its columns; `onToggle(path, open)` and `onPick(layer)` tell what people do. */
  trainboard.HeatMap = function HeatMap({ map, steps, layer, onToggle, onPick, title }) {
    const { theme } = trainboard.useState("theme");
    const canvas = useRef(null);
    const axis = useRef(null);
    const [width, setWidth] = useState(0);
    const [cursor, setCursor] = useState(null);
    const values = useMemo(() => trainboard.floatsOf(map.values), [map.values]);
    const range = useMemo(() => rangeOf(values, map), [values, map.scale]);
    const edges = useMemo(() => edgesOf(steps, width), [steps, width]);
    const height = map.rows.length * ROW;
    useEffect(() => {
      const resized = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
      resized.observe(canvas.current.parentElement);
      return () => resized.disconnect();
    }, []);
    useEffect(() => {
      if (width === 0) return;
      paint(canvas.current, { values, map, edges, width, height, colour: colouring(map, range, theme) });
      drawAxis(axis.current, steps, edges, width);
    }, [values, map, edges, height, theme, range]);
    const at = (event) => {
      const box = canvas.current.getBoundingClientRect();
      const [x, row] = [event.clientX - box.left, Math.floor((event.clientY - box.top) / ROW)];
      const column = clamp(bisect(edges, x) - 1, steps.length);
      return row >= 0 && row < map.rows.length ? { row, column } : null;
    };
    const use = (row) => (row.layer === undefined ? onToggle(row.path, !row.open) : onPick(row.layer));
    const { frame, handlers } = trainboard.useHeatZoom({ at, map, steps, onClick: ({ row }) => use(map.rows[row]) });
    const onKeyDown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if ("+-0".includes(event.key) && steps.length && trainboard.heatZoomKey(event.key, steps, cursor?.column)) return event.preventDefault();
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!moves && !(event.key === "Enter" && cursor)) return;
      event.preventDefault();
      if (!moves) return use(map.rows[cursor.row]);
      const from = cursor ?? { row: 0, column: steps.length - 1 };
      setCursor({ row: clamp(from.row + moves[0], map.rows.length), column: clamp(from.column + moves[1], steps.length) });
    };
    return h(
      "figure",
      { className: "heat-map", "aria-label": title },
      h("figcaption", { title: map.about }, h("h3", null, title), h(Legend, { map, range, theme })),
      h(
        "div",
        { className: "heat-body" },
        h("ul", { className: "heat-rows" }, map.rows.map((row) => h(Label, { key: row.path, row, chosen: row.layer !== undefined && row.layer === layer, use }))),
        h(
          "div",
          { className: "heat-cells", tabIndex: 0, role: "img", "aria-label": inWords(map, values, steps), onKeyDown, onBlur: () => setCursor(null), onMouseMove: (event) => setCursor(at(event)), onMouseLeave: () => setCursor(null), ...handlers },
          h("canvas", { ref: canvas, style: { height: `${height}px` } }),
          frame && frame.columns[1] < steps.length && h("i", { className: "heat-selection", style: boxOf(frame, edges) }),
          !frame && cursor && cursor.row < map.rows.length && cursor.column < steps.length && h(Cell, { cursor, map, values, steps, edges, width }),
        ),
      ),
      h("div", { className: "heat-axis", "aria-hidden": true }, h("span", { className: "quiet" }, "Step"), h("canvas", { ref: axis, style: { height: `${AXIS}px` } })),
      map.left_out > 0 && h("p", { className: "quiet" }, `${trainboard.format.integer(map.left_out)} more rows: close scopes, or filter by name.`),
    );
  };

  function Label({ row, chosen, use }) {
    const isScope = row.layer === undefined;
    const style = { paddingLeft: `${4 + 10 * row.depth}px`, height: `${ROW}px` };
    return h(
      "li",
      null,
      h(
        "button",
        { type: "button", style, title: row.path, "aria-expanded": row.open, "aria-pressed": isScope ? undefined : chosen, onClick: () => use(row) },
        isScope && h("span", { className: "chevron", "aria-hidden": true }, row.open ? "▾" : "▸"),
        h("bdi", null, row.label),
        isScope && !row.open && h("span", { className: "quiet" }, ` ${row.layers}`),
      ),
    );
  }

  /** Where a frame of columns and rows is, as a style. */
  function boxOf({ columns: [left, right], rows: [top, bottom] }, edges) {
    return { left: `${edges[left]}px`, width: `${edges[right + 1] - edges[left]}px`, top: `${top * ROW}px`, height: `${(bottom + 1 - top) * ROW}px` };
  }

  /** What the cell under the cursor says, and its frame. */
  function Cell({ cursor: { row, column }, map, values, steps, edges, width }) {
    const value = values[row * steps.length + column];
    const [first, last] = steps[column];
    const { integer } = trainboard.format;
    const where = first === last ? `step ${integer(first)}` : `steps ${integer(first)} to ${integer(last)}`;
    const left = edges[column];
    const tip = left > width / 2 ? { right: `${width - left + 8}px` } : { left: `${edges[column + 1] + 8}px` };
    return [
      h("i", { key: "frame", className: "heat-frame", style: { left: `${left}px`, width: `${Math.max(edges[column + 1] - left, 2)}px`, top: `${row * ROW}px`, height: `${ROW}px` } }),
      h("div", { key: "tip", className: "heat-tip", role: "status", style: { ...tip, top: `${row * ROW + ROW + 4}px` } }, h("b", null, map.rows[row].path), h("span", null, where), h("span", null, said(value, map))),
    ];
  }

  function said(value, { scale, rows }) {
    if (Number.isNaN(value)) return "nothing logged";
    if (scale === "share") return `${(100 * value).toFixed(1)} % are 0`;
    if (scale === "count") return value === 0 ? "all finite" : `${trainboard.format.integer(value)} not finite`;
    return trainboard.format.number(value) + (rows.length && scale === "log" && value === 0 ? " (nothing at all)" : "");
  }

  /** The least and the greatest of what is drawn; of logarithms where the scale is one. */
  function rangeOf(values, { scale, quantity }) {
    if (scale === "share") return [0, 1];
    if (quantity === "updates") return [-7, 0];
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) {
      if (!(value > 0)) continue;
      const place = Math.log10(value);
      if (place < low) low = place;
      if (place > high) high = place;
    }
    return low <= high ? [low, Math.max(high, low + 1e-6)] : [0, 1];
  }

  function colouring({ scale, quantity }, [low, high], theme) {
    const name = theme === "dark" ? "dark" : "light";
    if (scale === "share") return (value) => mix(DEAD[name], value);
    if (scale === "count") return (value) => (value === 0 ? NOTHING[name] : mix(BAD[name], (Math.log10(value) - low) / (high - low || 1)));
    const ramp = quantity === "updates" ? RATIOS[name] : VIRIDIS;
    return (value) => (value > 0 ? mix(ramp, (Math.log10(value) - low) / (high - low)) : ramp[0]);
  }

  function mix(ramp, share) {
    const place = Math.min(Math.max(share, 0), 1) * (ramp.length - 1);
    const at = Math.min(Math.floor(place), ramp.length - 2);
    const part = (colour, from) => parseInt(colour.slice(from, from + 2), 16);
    const one = (from) => Math.round(part(ramp[at], from) + (part(ramp[at + 1], from) - part(ramp[at], from)) * (place - at));
    return `rgb(${one(1)} ${one(3)} ${one(5)})`;
  }

  /** Where columns begin, in pixels, and after them where the last ends: places along the steps. */
  function edgesOf(steps, width) {
    if (!steps.length) return [0];
    const firsts = steps.map(([first]) => first);
    const end = steps[steps.length - 1][1];
    const gap = firsts.length > 1 ? (firsts[firsts.length - 1] - firsts[0]) / (firsts.length - 1) : 1;
    const extent = Math.max(end, firsts[firsts.length - 1] + gap) - firsts[0] || 1;
    return [...firsts.map((first) => ((first - firsts[0]) / extent) * width), width];
  }

  function penOf(canvas, width, height) {
    const scale = devicePixelRatio;
    canvas.width = width * scale;
    canvas.height = height * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    return pen;
  }

  function paint(canvas, { values, map, edges, width, height, colour }) {
    const pen = penOf(canvas, width, height);
    const columns = edges.length - 1;
    const least = map.scale === "count" ? LEAST_BAD : 1;
    for (let row = 0; row < map.rows.length; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const value = values[row * columns + column];
        if (Number.isNaN(value)) continue;
        const size = Math.max(edges[column + 1] - edges[column], value > 0 ? least : 1);
        pen.fillStyle = colour(value);
        pen.fillRect(Math.min(edges[column], width - size), row * ROW, size + 0.3, ROW - 1);
      }
    }
  }

  function drawAxis(canvas, steps, edges, width) {
    const pen = penOf(canvas, width, AXIS);
    pen.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--quiet");
    pen.font = "11px system-ui, sans-serif";
    const count = Math.max(Math.floor(width / TICK_SPACE), 1);
    let free = 0;
    for (let tick = 0; tick <= count && steps.length; tick += 1) {
      const column = clamp(bisect(edges, (tick / count) * width) - 1, steps.length);
      const text = trainboard.format.tick(steps[column][0]);
      const size = pen.measureText(text).width;
      const left = Math.min(edges[column], width - size);
      if (left < free) continue;
      pen.fillText(text, left, AXIS - 6);
      free = left + size + 12;
    }
  }

  function Legend({ map, range: [low, high], theme }) {
    const colour = colouring(map, [low, high], theme);
    const value = (share) => (map.scale === "share" ? share : 10 ** (low + share * (high - low)));
    const stops = Array.from({ length: 9 }, (_, at) => colour(value(at / 8))).join(", ");
    const { number } = trainboard.format;
    const ends = map.scale === "share" ? ["0 %", "100 %"] : [number(value(0)), number(value(1))];
    if (ends[0] === ends[1]) ends[1] = "";
    return h("span", { className: "heat-legend" }, ends[0], h("i", { style: { background: `linear-gradient(to right, ${stops})` } }), ends[1]);
  }

  function inWords({ title, rows, scale }, values, steps) {
    if (!rows.length || !steps.length) return `${title}: nothing logged`;
    const worst = rows.map((row, at) => [row.path, values[(at + 1) * steps.length - 1]]).filter(([, value]) => !Number.isNaN(value)).sort((a, b) => b[1] - a[1])[0];
    return `${title}, ${rows.length} rows, ${steps.length} columns.${worst ? ` Greatest now: ${worst[0]}, ${said(worst[1], { scale, rows })}.` : ""} Arrow keys move, Enter opens, plus and minus zoom.`;
  }

  /** How many of sorted `edges` are at or before `x`. */
  function bisect(edges, x) {
    let [low, high] = [0, edges.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle] <= x) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  const clamp = (place, count) => Math.min(Math.max(place, 0), count - 1);
})();
