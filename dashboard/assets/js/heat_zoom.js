/* Zooming into heat maps: a drag over cells chooses steps and layers for all maps of the page, as keys do. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useRef, useState } = React;
  const LEAST = 5; /* pixels: less is a click */
  const DOUBLE = 250; /* milliseconds in which a second click, which shows all again, may follow */

  /** The window of steps that the address names, [first, last], or null. */
  trainboard.healthWindow = () => {
    const ends = trainboard.value("health_window").split(",").map(Number);
    return ends.length === 2 && ends.every(Number.isFinite) && ends[0] <= ends[1] && trainboard.value("health_window") !== "" ? ends : null;
  };

  const isZoomed = () => trainboard.healthWindow() !== null || trainboard.values("health_rows").length > 0;

  const reset = () => {
    trainboard.setQuery({ health_window: "" });
    trainboard.setValues("health_rows", []);
  };
  const zoomTo = (first, last) => trainboard.setQuery({ health_window: `${Math.max(0, Math.floor(first))},${Math.ceil(last)}` });

  /** What keys do at a column: + and - look closer and from farther, 0 at everything. */
  trainboard.heatZoomKey = (key, steps, column) => {
    const extent = steps.at(-1)[1] - steps[0][0];
    const middle = steps[column] ?? steps[Math.floor(steps.length / 2)];
    if (key === "0" || (key === "-" && !trainboard.healthWindow())) reset();
    else if (key === "+" && extent > 0) zoomTo(Math.ceil(middle[0] - extent / 4), Math.max(middle[1], Math.floor(middle[0] + extent / 4)));
    else if (key === "-") zoomTo(steps[0][0] - extent / 2 - 1, steps.at(-1)[1] + extent / 2 + 1);
    else return false;
    return true;
  };

  /** A hook: what a drag over cells has framed so far, and the handlers that make it. `at(event)` finds a cell. */
  trainboard.useHeatZoom = ({ at, map, steps, onClick }) => {
    const start = useRef(null);
    const waiting = useRef(null);
    const click = (cell) => {
      clearTimeout(waiting.current);
      if (isZoomed()) waiting.current = setTimeout(() => onClick(cell), DOUBLE);
      else onClick(cell);
    };
    const onDoubleClick = () => {
      clearTimeout(waiting.current);
      if (isZoomed()) reset();
    };
    const [frame, setFrame] = useState(null);
    const cells = () => {
      const [from, to] = [frame.from, frame.to];
      const ordered = (name) => [Math.min(from[name], to[name]), Math.max(from[name], to[name])];
      return { columns: ordered("column"), rows: ordered("row") };
    };
    const onPointerDown = (event) => {
      if (event.button === 0 && at(event)) start.current = { x: event.clientX, y: event.clientY, cell: at(event) };
    };
    const onPointerMove = (event) => {
      if (!start.current || !(event.buttons & 1) || event.pointerType === "touch") return; /* a finger scrolls */
      if (!frame && Math.hypot(event.clientX - start.current.x, event.clientY - start.current.y) < LEAST) return;
      event.currentTarget.setPointerCapture(event.pointerId);
      const cell = at(event);
      if (cell) setFrame({ from: start.current.cell, to: cell });
    };
    const onPointerUp = (event) => {
      const begun = start.current;
      start.current = null;
      if (!frame) return void (begun && at(event) && click(at(event)));
      const { columns, rows } = cells();
      if (columns[1] > columns[0]) zoomTo(steps[columns[0]][0], steps[columns[1]][1]);
      if (rows[1] > rows[0]) trainboard.setValues("health_rows", rows.map((row) => map.rows[row].path));
      setFrame(null);
    };
    const onPointerCancel = () => void ((start.current = null), setFrame(null));
    return { frame: frame && cells(), handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel, onDoubleClick } };
  };

  /** What the maps are zoomed to, and the way back; nothing where they show everything. */
  trainboard.HeatZoom = function HeatZoom() {
    const range = trainboard.healthWindow();
    const rows = trainboard.values("health_rows");
    if (!range && !rows.length) return null;
    const { integer } = trainboard.format;
    const words = [range && `steps ${integer(range[0])} to ${integer(range[1])}`, rows.length && `${rows[0]} to ${rows[1]}`].filter(Boolean);
    return h("span", { className: "heat-zoom", role: "status" }, `Zoomed to ${words.join(", ")}. `, h("button", { type: "button", className: "quiet-button", title: "A double click on a map does the same, and 0", onClick: reset }, "Show all"));
  };
})();
