/* What is drawn around the curves: the chosen steps, what happened at others, and the best value. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const LEVELS = { warning: "--warn", error: "--bad" };
  const FLAG = 5;

  /** The chosen steps as lines or a band, and events and restarts as dashed lines with a flag. */
  trainboard.drawMoments = (u, plot) => {
    const { ctx, bbox } = u;
    const { axis, along, selected } = plot.look;
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const px = trainboard.projection(u, "x");
    const steps = axis === "step" && !along && trainboard.stepsOf(selected);
    if (steps && Number.isFinite(steps.from)) drawSteps(ctx, bbox, px(steps.from), px(steps.to), color("--accent"));
    for (const mark of plot.marks) {
      const x = placeOf(mark, plot);
      if (x === null) continue;
      drawMark(ctx, bbox, px(x), LEVELS[mark.level] ? color(LEVELS[mark.level]) : mark.color);
    }
    ctx.restore();
  };

  /** Where a mark lies on the x axis, or null where that is not known. */
  function placeOf(mark, { look, curves }) {
    if (look.axis === "wall") return mark.wall;
    const curve = curves.find(({ run }) => run === mark.run);
    if (!curve) return null;
    if (look.axis === "relative") return mark.wall - curve.first;
    if (!look.along) return mark.step;
    const x = trainboard.interpolated(curve.step, curve.x, mark.step);
    return Number.isFinite(x) ? x : null;
  }
  trainboard.placeOfMark = placeOf;

  function drawSteps(ctx, { top, height }, from, to, color) {
    ctx.fillStyle = ctx.strokeStyle = color;
    ctx.globalAlpha = 0.12;
    ctx.fillRect(from, top, to - from, height);
    ctx.globalAlpha = 0.8;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (const x of [from, to]) {
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
    }
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  function drawMark(ctx, { top, height }, x, color) {
    const size = FLAG * devicePixelRatio;
    ctx.strokeStyle = ctx.fillStyle = color;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x + 1.6 * size, top + size);
    ctx.lineTo(x, top + 2 * size);
    ctx.fill();
  }

  /** The best value of these curves and where: {value, step, curve, i, exact}, or null. */
  trainboard.bestOf = (curves, best) => {
    const sign = best === "min" ? 1 : -1;
    let found = null;
    for (const curve of curves) {
      if (curve.faint) continue;
      const values = (best === "min" ? curve.low : curve.high) ?? curve.value;
      for (let i = 0; i < values.length; i++) {
        if (!Number.isFinite(values[i]) || (found && sign * values[i] >= sign * found.value)) continue;
        found = { value: values[i], step: curve.step[i], curve, i, exact: curve.exact };
      }
    }
    return found;
  };

  /** A ring around the best value. */
  trainboard.drawBest = (u, { curves, look }) => {
    const best = look.best && trainboard.bestOf(curves, look.best);
    if (!best) return;
    const { ctx } = u;
    const x = trainboard.projection(u, "x")(best.curve.x[best.i]);
    const y = trainboard.projection(u, best.curve.scale ?? "y")(best.value);
    ctx.save();
    ctx.beginPath();
    ctx.arc(x, y, FLAG * devicePixelRatio, 0, 2 * Math.PI);
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.strokeStyle = best.curve.color;
    ctx.stroke();
    ctx.restore();
  };
})();
