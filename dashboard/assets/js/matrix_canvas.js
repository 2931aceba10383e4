/* The cells of a confusion matrix on a canvas, with names and numbers where these have room. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const MOST = 620;
  const LEAST = 240;
  const LARGEST = 84;
  const NAMES = 96;
  const HEAD = 76;
  const ROOM_FOR_NAME = 11;
  const ROOM_FOR_NUMBER = 30;
  const LESS = "#c8552b";

  /** `order` are the classes as they are laid out; `values` K x K by true and predicted class. */
  trainboard.MatrixCanvas = function MatrixCanvas({ classes, order, values, isDifference, isShare, found, color, onCell }) {
    const root = useRef(null);
    const canvas = useRef(null);
    const [width, setWidth] = useState(0);
    trainboard.useState("theme");
    useEffect(() => {
      const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
      observer.observe(root.current);
      return () => observer.disconnect();
    }, []);
    const size = order.length;
    const side = Math.max(LEAST, Math.min(MOST, width - NAMES));
    const cell = Math.min(LARGEST, side / size);
    const extent = Math.max(1, Math.round(cell * size));
    useEffect(() => {
      if (width > 0) draw(canvas.current, { classes, order, values, isDifference, isShare, found, color, cell, extent });
    });
    const find = (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      const at = (pixels) => Math.floor(pixels / cell);
      const [column, row] = [at(event.clientX - box.left - NAMES), at(event.clientY - box.top - HEAD)];
      const isIn = Math.min(row, column) >= 0 && Math.max(row, column) < size;
      onCell(isIn ? [order[row], order[column]] : null);
    };
    const label = `Confusion matrix of ${size} classes: rows are true, columns predicted`;
    return h("div", { ref: root, className: "matrix-place" }, h("canvas", { ref: canvas, role: "img", "aria-label": label, style: { width: extent + NAMES, height: extent + HEAD }, onMouseMove: find, onMouseLeave: () => onCell(null) }));
  };

  function draw(canvas, picture) {
    const { extent, cell } = picture;
    const ratio = devicePixelRatio;
    Object.assign(canvas, { width: (extent + NAMES) * ratio, height: (extent + HEAD) * ratio });
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    const ink = { text: style.getPropertyValue("--text"), quiet: style.getPropertyValue("--quiet"), paper: style.getPropertyValue("--surface"), line: style.getPropertyValue("--line") };
    drawCells(ctx, picture, ink);
    ctx.strokeStyle = ink.line;
    ctx.strokeRect(NAMES - 0.5, HEAD - 0.5, extent + 1, extent + 1);
    ctx.font = "11px system-ui, sans-serif";
    if (cell >= ROOM_FOR_NAME) drawNames(ctx, picture, ink);
    if (cell >= ROOM_FOR_NUMBER) drawNumbers(ctx, picture, ink);
    ctx.fillStyle = ink.quiet;
    ctx.textAlign = "left";
    ctx.fillText("predicted →", NAMES, 10);
    ctx.fillText("true ↓", 0, HEAD - 6);
  }

  /** An image of one pixel a cell, drawn as large as the matrix is: a thousand classes cost one drawing. */
  function drawCells(ctx, { order, values, isDifference, color, extent }, ink) {
    const size = order.length;
    const most = greatest(values) || 1;
    const [paper, more, less] = [ink.paper, color, LESS].map(channels);
    const image = new ImageData(size, size);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const value = values[order[row] * size + order[column]];
        const share = Math.min(Math.abs(value) / (isDifference ? most : Math.max(most, 1e-12)), 1);
        const target = value < 0 ? less : more;
        const at = 4 * (row * size + column);
        for (let k = 0; k < 3; k++) image.data[at + k] = paper[k] + (target[k] - paper[k]) * share;
        image.data[at + 3] = 255;
      }
    }
    const small = new OffscreenCanvas(size, size);
    small.getContext("2d").putImageData(image, 0, 0);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(small, NAMES, HEAD, extent, extent);
  }

  function greatest(values) {
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(value));
    return most;
  }

  function channels(color) {
    const hex = color.trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }

  function drawNames(ctx, { classes, order, found, cell }, ink) {
    order.forEach((at, i) => {
      const middle = (i + 0.5) * cell;
      ctx.fillStyle = !found || found.has(at) ? ink.text : ink.line;
      ctx.textAlign = "right";
      ctx.fillText(fitted(ctx, classes[at].name, NAMES - 12), NAMES - 6, HEAD + middle + 4);
      ctx.save();
      ctx.translate(NAMES + middle + 3, HEAD - 6);
      ctx.rotate(-Math.PI / 3);
      ctx.textAlign = "left";
      ctx.fillText(fitted(ctx, classes[at].name, HEAD - 18), 0, 0);
      ctx.restore();
    });
  }

  function fitted(ctx, name, room) {
    let text = name.slice(0, 40);
    if (text === name && ctx.measureText(text).width <= room) return text;
    while (text.length > 1 && ctx.measureText(`${text}…`).width > room) text = text.slice(0, -1);
    return `${text}…`;
  }

  function drawNumbers(ctx, { order, values, isShare, cell }, ink) {
    const size = order.length;
    const most = greatest(values) || 1;
    ctx.textAlign = "center";
    order.forEach((row, i) =>
      order.forEach((column, j) => {
        const value = values[row * size + column];
        if (value === 0) return;
        ctx.fillStyle = Math.abs(value) / most > 0.55 ? ink.paper : ink.text;
        const text = isShare ? `${(100 * value).toFixed(0)}` : trainboard.format.tick(value);
        ctx.fillText(text, NAMES + (j + 0.5) * cell, HEAD + (i + 0.5) * cell + 4);
      }),
    );
  }
})();
