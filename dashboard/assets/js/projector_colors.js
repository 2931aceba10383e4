/* The colours of points: of a category each, or along a scale. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  /* Those of dashboard/colors.py, and darker ones of them. */
  const PALETTE = [
    "#226dc9", "#f5642b", "#ab4085", "#15ab83", "#a57afe", "#656818", "#e469cb", "#cc3239", "#3aa6d8", "#c58a00",
    "#5f4bb6", "#2f7d32", "#e58a8a", "#7a4a2b", "#00808a", "#9aa32a", "#8b2f5c", "#6c8ebf", "#d1a06b",
  ];
  const REST = { light: "#8a929c", dark: "#828b96" };
  const SCALE = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"]; /* viridis, by five of its colours */

  const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const scale = SCALE.map(parts);

  /** The colour at a share of the scale, three bytes. */
  function along(share) {
    const at = Math.min(Math.max(share, 0), 1) * (scale.length - 1);
    const low = Math.min(Math.floor(at), scale.length - 2);
    return scale[low].map((part, channel) => Math.round(part + (at - low) * (scale[low + 1][channel] - part)));
  }

  /** Bytes of colour for the points of some rows, and a legend: of categories, or of a scale from low to high. */
  trainboard.colorPoints = (column, rows, plain, theme) => {
    const count = rows.length;
    const colors = new Uint8Array(3 * count);
    const paint = (at, color) => colors.set(color, 3 * at);
    const rest = parts(REST[theme]);
    if (!column) {
      const own = parts(plain || PALETTE[0]);
      for (let at = 0; at < count; at += 1) paint(at, own);
      return { colors, legend: null };
    }
    const cells = Array.from(rows, (row) => column.cells.get(row) ?? (column.isScale ? null : ""));
    if (column.isScale) {
      const known = cells.filter((number) => number !== null);
      const [low, high] = known.reduce(([a, b], number) => [Math.min(a, number), Math.max(b, number)], [Infinity, -Infinity]);
      cells.forEach((number, at) => paint(at, number === null ? rest : along(high > low ? (number - low) / (high - low) : 0.5)));
      return { colors, legend: { low, high, gradient: `linear-gradient(to right, ${SCALE.join(", ")})` } };
    }
    const counts = new Map();
    for (const text of cells) counts.set(text, (counts.get(text) ?? 0) + 1);
    const names = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
    if (counts.get(names[0]) === 1 && names.length > PALETTE.length) {
      for (let at = 0; at < count; at += 1) paint(at, parts(plain || PALETTE[0]));
      return { colors, legend: { entries: [], others: names.length } };
    }
    const named = names.slice(0, PALETTE.length).sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
    const colorOf = new Map(named.map((name, at) => [name, PALETTE[at]]));
    cells.forEach((text, at) => paint(at, colorOf.has(text) ? parts(colorOf.get(text)) : rest));
    const entries = named.map((name) => ({ name, color: colorOf.get(name), count: counts.get(name) }));
    return { colors, legend: { entries, others: names.length - named.length, rest: REST[theme] } };
  };

  /** Pale versions of the colours, towards the paper, of points that are not meant; three bytes each. */
  trainboard.fadeColors = (colors, isMeant, paper) => {
    const faded = new Uint8Array(colors);
    for (let at = 0; at < colors.length; at += 3) {
      if (isMeant(at / 3)) continue;
      for (let part = 0; part < 3; part += 1) faded[at + part] = Math.round(0.18 * colors[at + part] + 0.82 * paper[part]);
    }
    return faded;
  };

  /** The colour behind the points, three bytes. */
  trainboard.paperOf = (element) => getComputedStyle(element).backgroundColor.match(/\d+/g).slice(0, 3).map(Number);
})();
