/* Draws curves on a canvas: lines, the smoothed over the raw, envelopes, and where values are not finite. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const FAINT = 0.25;
  const ENVELOPE = 0.16;
  const MARK = 4;
  const MANY_LINES = 24;
  const HIGHLIGHT = 2.5;
  const HALO = 6;
  const DASHES = (trainboard.dashes = [[], [6, 3], [2, 3], [9, 3, 2, 3]]); /* of several lines of one colour; then again */

  /** `curve`: {x, y, raw?, low?, high?, bad?, color, faint?}, arrays of one length sorted by x; of `u`, a uPlot. */
  trainboard.drawCurves = (u, curves) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    const width = (curves.length > MANY_LINES ? 1 : 1.5) * ratio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineJoin = "round";
    for (const curve of curves) {
      const [from, to] = visible(u, curve.x);
      if (from > to) continue;
      ctx.strokeStyle = ctx.fillStyle = curve.color;
      if (curve.faint) {
        drawLine(u, ctx, curve, from, to, ratio, FAINT);
        continue;
      }
      if (curve.low) drawEnvelope(u, ctx, curve, from, to);
      if (curve.raw) drawLine(u, ctx, { ...curve, y: curve.raw }, from, to, ratio, FAINT);
      ctx.setLineDash(DASHES[(curve.dash ?? 0) % DASHES.length].map((length) => length * ratio));
      drawLine(u, ctx, curve, from, to, width, 1);
      ctx.setLineDash([]);
      drawMarks(u, ctx, curve, from, to, MARK * ratio);
    }
    ctx.restore();
  };

  /** Draw one curve again on a canvas over the plot's area, above all others; null clears it. */
  trainboard.drawHighlight = (u, canvas, curve, halo) => {
    const { left, top, width, height } = u.bbox;
    Object.assign(canvas, { width, height });
    if (!curve) return;
    const ctx = canvas.getContext("2d");
    ctx.translate(-left, -top);
    ctx.lineJoin = "round";
    const [from, to] = visible(u, curve.x);
    for (const [color, thickness, alpha] of [[halo, HALO, 0.85], [curve.color, HIGHLIGHT, 1]]) {
      ctx.strokeStyle = color;
      drawLine(u, ctx, curve, from, to, thickness * devicePixelRatio, alpha);
    }
  };

  /** The indices in view, and one more on either side so that lines leave the frame. */
  function visible(u, x) {
    const { min, max } = u.scales.x;
    return [Math.max(0, lowerBound(x, min) - 1), Math.min(x.length - 1, lowerBound(x, max) + 1)];
  }

  /** The first index whose x is not below `value`. */
  function lowerBound(x, value) {
    let low = 0;
    let high = x.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (x[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  trainboard.lowerBound = lowerBound;

  const projection = (u, scale) => trainboard.projection(u, scale);

  function drawLine(u, ctx, { x, y, scale }, from, to, width, alpha) {
    const px = projection(u, "x");
    const py = projection(u, scale ?? "y");
    let open = 0; /* points of the stretch so far: one alone is drawn as a dot */
    ctx.beginPath();
    for (let i = from; i <= to; i++) {
      if (!Number.isFinite(y[i])) {
        if (open === 1) dot(ctx, px(x[i - 1]), py(y[i - 1]), width);
        open = 0;
      } else if (open++ === 0) ctx.moveTo(px(x[i]), py(y[i]));
      else ctx.lineTo(px(x[i]), py(y[i]));
    }
    if (open === 1) dot(ctx, px(x[to]), py(y[to]), width);
    ctx.globalAlpha = alpha;
    ctx.lineWidth = width;
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  function dot(ctx, x, y, width) {
    ctx.moveTo(x + width, y);
    ctx.arc(x, y, width, 0, 2 * Math.PI);
  }

  function drawEnvelope(u, ctx, { x, low, high, scale }, from, to) {
    const px = projection(u, "x");
    const py = projection(u, scale ?? "y");
    ctx.globalAlpha = ENVELOPE;
    ctx.beginPath();
    for (let i = from; i <= to; i++) if (Number.isFinite(high[i])) ctx.lineTo(px(x[i]), py(high[i]));
    for (let i = to; i >= from; i--) if (Number.isFinite(low[i])) ctx.lineTo(px(x[i]), py(low[i]));
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  /** ▲ at the top for +∞, ▼ at the bottom for −∞, × at the bottom for NaN and for buckets that hold any. */
  function drawMarks(u, ctx, curve, from, to, size) {
    const px = projection(u, "x");
    const { top, height } = u.bbox;
    const values = curve.raw ?? curve.y;
    ctx.lineWidth = size / 2.5;
    for (let i = from; i <= to; i++) {
      if (curve.bad ? curve.bad[i] === 0 : Number.isFinite(values[i])) continue;
      const x = px(curve.x[i]);
      if (values[i] === Infinity) triangle(ctx, x, top + 1, size);
      else if (values[i] === -Infinity) triangle(ctx, x, top + height - 1, -size);
      else cross(ctx, x, top + height - size, size * 0.8);
    }
  }

  function triangle(ctx, x, y, size) {
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(x - size, y + 1.6 * size);
    ctx.lineTo(x + size, y + 1.6 * size);
    ctx.fill();
  }

  function cross(ctx, x, y, size) {
    ctx.beginPath();
    ctx.moveTo(x - size, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.moveTo(x - size, y + size);
    ctx.lineTo(x + size, y - size);
    ctx.stroke();
  }
})();
