/* Points that a person picks out: around them a box or a lasso, and as text for the address. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const LONGEST = 1_500;

  /** Numbers of points, sorted, as text such as "0-9,12"; null if that is too long for an address. */
  trainboard.rowsAsText = (rows) => {
    const spans = [];
    for (const row of rows) {
      const last = spans.at(-1);
      if (last && last[1] + 1 === row) last[1] = row;
      else spans.push([row, row]);
    }
    const text = spans.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
    return text.length > LONGEST ? null : text;
  };

  trainboard.rowsFromText = (text) => {
    const rows = new Set();
    for (const [, from, to] of text.slice(0, LONGEST).matchAll(/(\d+)(?:-(\d+))?/g)) {
      const last = Math.min(Number(to ?? from), Number(from) + 1_000_000);
      for (let row = Number(from); row <= last; row += 1) rows.add(row);
    }
    return rows;
  };

  /** Whether a place is inside a polygon of [x, y]: a line from it crosses the edge an odd number of times. */
  function isInside(polygon, x, y) {
    let inside = false;
    for (let at = 0, before = polygon.length - 1; at < polygon.length; before = at++) {
      const [[x1, y1], [x2, y2]] = [polygon[at], polygon[before]];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
    }
    return inside;
  }

  /** Let a person draw on a canvas: a box or a lasso; `draw` after each move, `done(polygon)` at the end. */
  trainboard.listenToOutline = (canvas, { shape, draw, done }) => {
    let outline = null;
    const at = (event) => [event.offsetX, event.offsetY];
    const polygon = () => {
      if (shape() === "lasso") return outline;
      const [[x1, y1], [x2, y2]] = [outline[0], outline.at(-1)];
      return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]];
    };
    const down = (event) => {
      if (!shape() || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      outline = [at(event)];
    };
    const move = (event) => {
      if (!outline) return;
      outline.push(at(event));
      draw(polygon());
    };
    const up = () => {
      if (!outline) return;
      const drawn = outline.length > 2 ? polygon() : null;
      outline = null;
      draw(null);
      if (drawn) done(drawn);
    };
    const listeners = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: up };
    for (const [name, listener] of Object.entries(listeners)) canvas.addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) canvas.removeEventListener(name, listener);
    };
  };

  /** The numbers of the pixels, x and y each, that lie in a polygon. */
  trainboard.insideOutline = (polygon, pixels) => {
    const found = [];
    for (let at = 0; at < pixels.length; at += 2) if (isInside(polygon, pixels[at], pixels[at + 1])) found.push(at / 2);
    return found;
  };
})();
