/* A chart as SVG for a paper or a report: what is on the screen, with axis titles and a legend, on white. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const TEXT = "#1c2024";
  const QUIET = "#5f6873";
  const GRID = "#e4e7ea";
  const SIZE = { width: 640, height: 400 };
  const MARGIN = { top: 34, right: 18, bottom: 48, left: 66 };
  const RIGHT_AXIS = 62;
  const LEGEND_ROW = 17;
  const LEGEND_COLUMN = 310;
  const LEGEND_CHARACTERS = 46;
  const MARK = 4;

  const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  /* XML has no control characters, in whatever way they are written. */
  const escaped = (text) => String(text).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd").replace(/[&<>"]/g, (c) => escapes[c]);
  trainboard.escaped = escaped;

  const element = (name, attributes, ...children) => {
    const told = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== null);
    return `<${name}${told.map(([key, value]) => ` ${key}="${escaped(value)}"`).join("")}>${children.join("")}</${name}>`;
  };
  const text = (x, y, words, attributes = {}) => element("text", { x, y, fill: QUIET, "font-size": 11, ...attributes }, escaped(words));
  const short = (words) => (words.length > LEGEND_CHARACTERS ? `${words.slice(0, LEGEND_CHARACTERS - 1)}…` : words);
  const near = (value) => Math.round(value * 10) / 10;

  /** The SVG of a plot; `chart` gives its title and what its axes show. */
  trainboard.chartSvg = (plot, chart) => {
    const hasRight = plot.sides.length > 1;
    const inner = {
      left: MARGIN.left, top: MARGIN.top,
      right: SIZE.width - MARGIN.right - (hasRight ? RIGHT_AXIS : 0), bottom: SIZE.height - MARGIN.bottom,
    };
    const places = placesOf(plot, inner);
    const curves = plot.curves.filter(({ faint }) => !faint);
    const rows = Math.ceil(curves.length / 2);
    const height = SIZE.height + rows * LEGEND_ROW + 8;
    const id = `clip-${Math.random().toString(36).slice(2)}`; /* several charts may stand in one page */
    const frame = { x: inner.left, y: inner.top, width: inner.right - inner.left, height: inner.bottom - inner.top };
    return element(
      "svg",
      { xmlns: "http://www.w3.org/2000/svg", width: SIZE.width, height, viewBox: `0 0 ${SIZE.width} ${height}`, "font-family": "Helvetica, Arial, sans-serif", role: "img", "aria-label": chart.title },
      element("rect", { width: SIZE.width, height, fill: "#ffffff" }),
      element("clipPath", { id }, element("rect", frame)),
      text(inner.left, 20, short(chart.title), { fill: TEXT, "font-size": 14, "font-weight": 600 }),
      axes(plot, chart, places, inner),
      element("g", { "clip-path": `url(#${id})` }, ...plot.curves.map((curve) => drawn(curve, places, inner))),
      legend(curves),
    );
  };

  function placesOf({ u, sides }, { left, right, top, bottom }) {
    const places = { x: trainboard.placer(u.scales.x, left, right) };
    for (const side of sides) places[side] = trainboard.placer(u.scales[side], bottom, top);
    return places;
  }

  function axes({ u, look, sides }, chart, places, { left, right, top, bottom }) {
    const parts = [];
    const line = (x1, y1, x2, y2, stroke = GRID) => parts.push(element("line", { x1, y1, x2, y2, stroke }));
    u.axes.forEach((axis, i) => {
      const scale = ["x", ...sides][i];
      (axis._splits ?? []).forEach((split, at) => {
        const words = axis._values?.[at];
        const place = near(places[scale](split ?? NaN));
        if (!Number.isFinite(place) || !words) return;
        if (scale === "x") {
          line(place, top, place, bottom);
          String(words).split("\n").forEach((row, n) => parts.push(text(place, bottom + 15 + 12 * n, row, { "text-anchor": "middle" })));
        } else {
          if (scale === "y") line(left, place, right, place);
          parts.push(text(scale === "y" ? left - 6 : right + 6, place + 4, words, { "text-anchor": scale === "y" ? "end" : "start" }));
        }
      });
    });
    line(left, bottom, right, bottom, QUIET);
    line(left, top, left, bottom, QUIET);
    const middle = (top + bottom) / 2;
    const upright = (x) => ({ "text-anchor": "middle", transform: `rotate(-90 ${x} ${middle})`, fill: TEXT });
    parts.push(text((left + right) / 2, SIZE.height - 8, trainboard.axisName(look), { "text-anchor": "middle", fill: TEXT }));
    parts.push(text(16, middle, short(yName(chart.left, look)), upright(16)));
    if (sides.length > 1) parts.push(text(SIZE.width - 10, middle, short(yName(chart.right, look)), upright(SIZE.width - 10)));
    return parts.join("");
  }

  const yName = (sources, { baseline }) => sources.join(", ") + (baseline ? ", difference" : "");

  function drawn(curve, places, { top, bottom }) {
    const { color, low, high, raw, y, x } = curve;
    const py = places[curve.scale ?? "y"];
    const pattern = trainboard.dashes[(curve.dash ?? 0) % trainboard.dashes.length].join(" ") || undefined;
    const stroke = (values, attributes) => element("path", { d: path(x, values, places.x, py), fill: "none", stroke: color, ...attributes });
    if (curve.faint) return stroke(y, { "stroke-opacity": 0.25 });
    return [
      low && element("path", { d: envelope(x, low, high, places.x, py), fill: color, "fill-opacity": 0.16 }),
      raw && stroke(raw, { "stroke-opacity": 0.25 }),
      stroke(y, { "stroke-width": 1.5, "stroke-linejoin": "round", "stroke-linecap": "round", "stroke-dasharray": pattern }),
      ...marks(curve, places.x, top, bottom),
    ].filter(Boolean).join("");
  }

  /** Broken where a value is not finite; a point alone is a dot. */
  function path(x, y, px, py) {
    let open = false;
    let d = "";
    for (let i = 0; i < x.length; i++) {
      if (!Number.isFinite(y[i])) open = false;
      else {
        const isAlone = !open && !Number.isFinite(y[i + 1]);
        d += `${open ? "L" : "M"}${near(px(x[i]))} ${near(py(y[i]))}${isAlone ? "h0" : ""}`;
        open = true;
      }
    }
    return d || "M0 0";
  }

  function envelope(x, low, high, px, py) {
    const at = [...x.keys()].filter((i) => Number.isFinite(low[i]) && Number.isFinite(high[i]));
    const point = (values) => (i) => `${near(px(x[i]))} ${near(py(values[i]))}`;
    return at.length ? `M${[...at.map(point(high)), ...at.reverse().map(point(low))].join("L")}Z` : "M0 0";
  }

  /** Where values were not finite: triangles at the edge for infinities, crosses for NaN. */
  function marks({ x, raw, value, bad, color }, px, top, bottom) {
    const values = raw ?? value;
    return [...x.keys()].filter((i) => (bad ? bad[i] > 0 : !Number.isFinite(values[i]))).map((i) => {
      const at = near(px(x[i]));
      const triangle = (y, to) => element("path", { d: `M${at} ${y}l${-MARK} ${to}h${2 * MARK}Z`, fill: color });
      if (values[i] === Infinity) return triangle(top, 6);
      if (values[i] === -Infinity) return triangle(bottom, -6);
      return element("path", { d: `M${at - 3} ${bottom - 8}l6 6m0 -6l-6 6`, stroke: color, "stroke-width": 1.5 });
    });
  }

  function legend(curves) {
    return curves.map((curve, i) => {
      const x = MARGIN.left + (i % 2) * LEGEND_COLUMN - 30;
      const y = SIZE.height + Math.floor(i / 2) * LEGEND_ROW + 8;
      const pattern = trainboard.dashes[(curve.dash ?? 0) % trainboard.dashes.length].join(" ") || undefined;
      const sample = element("line", { x1: x, x2: x + 24, y1: y - 4, y2: y - 4, stroke: curve.color, "stroke-width": 2, "stroke-dasharray": pattern });
      return sample + text(x + 30, y, short(curve.name), { fill: TEXT });
    }).join("");
  }
})();
