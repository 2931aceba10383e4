/* Lines as they are drawn: x on the chosen axis, smoothed, as the difference to a baseline, cut at restarts,
   or without what these superseded. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const VALUES = ["value", "low", "high"];
  const FEW = 10; /* so many restarts are believed, or one in so many points */

  /** `lines`: {id, run, source, name, color, step, wall, value, low?, high?, bad?}, for a `look` as look.js has it. */
  trainboard.curvesOf = (lines, look) => {
    const parts = look.restarts === "split" ? lines.flatMap(cutAtRestarts) : look.restarts === "newest" ? lines.map(newestOf) : lines;
    const placed = parts.map((line) => ({ ...line, first: line.first ?? line.wall[0] })).map((line) => placeOf(line, look));
    const compared = look.baseline ? differences(placed, look.baseline) : placed;
    return compared.map((curve) => smoothed(curve, look));
  };

  /** A line with its x; on another tag's axis it has points only where that tag is known. */
  function placeOf(line, { axis, along }) {
    if (along) return alongTag(line);
    const x = axis === "step" ? line.step : axis === "wall" ? line.wall : line.wall.map((wall) => wall - line.first);
    return { ...line, x };
  }

  function alongTag(line) {
    const { along } = line;
    const x = along ? line.step.map((step) => interpolated(along.step, along.value, step)) : line.step.map(() => NaN);
    const known = [...x.keys()].filter((i) => Number.isFinite(x[i]));
    return pick({ ...line, x }, known.sort((a, b) => x[a] - x[b] || a - b));
  }

  /** Only these points of a line, in this order. */
  function pick(line, order) {
    const isColumn = (value) => value instanceof Float64Array && value.length === line.step.length;
    const columns = Object.entries(line).filter(([, value]) => isColumn(value));
    return { ...line, ...Object.fromEntries(columns.map(([name, column]) => [name, Float64Array.from(order, (i) => column[i])])) };
  }

  /** Between two points as far along as `at` is; NaN outside. */
  function interpolated(xs, ys, at) {
    const i = trainboard.lowerBound(xs, at);
    if (xs[i] === at) return ys[i];
    if (i === 0 || i === xs.length) return NaN;
    return ys[i - 1] + ((at - xs[i - 1]) / (xs[i] - xs[i - 1])) * (ys[i] - ys[i - 1]);
  }
  trainboard.interpolated = interpolated;

  /** Every line minus that of the baseline of the same source, where both are known. */
  function differences(curves, baseline) {
    const bases = new Map(curves.filter(({ run }) => run === baseline).map((curve) => [curve.source, curve]));
    if (bases.size === 0) return curves;
    return curves.flatMap((curve) => {
      const base = bases.get(curve.source);
      if (!base) return [];
      const under = curve.x.map((x) => interpolated(base.x, base.value, x));
      const both = [...under.keys()].filter((i) => Number.isFinite(under[i]));
      const made = { ...curve };
      for (const name of VALUES) if (curve[name]) made[name] = curve[name].map((value, i) => value - under[i]);
      return [pick(made, both)];
    });
  }

  function smoothed(curve, { smoothing, kind }) {
    if (smoothing === 0) return { ...curve, y: curve.value, raw: null };
    return { ...curve, raw: curve.value, y: trainboard.smooth(curve.value, smoothing, kind, curve.x) };
  }

  /** A program that went on from a checkpoint repeats steps: in the order of time, its steps go back. One whose
      steps go back all the time logs out of order, and was not restarted. */
  trainboard.restartsOf = ({ step, wall }) => {
    if (wall.every((at, i) => i === 0 || at >= wall[i - 1])) return [];
    const order = [...step.keys()].sort((a, b) => wall[a] - wall[b] || a - b);
    const starts = [];
    for (let i = 1; i < order.length; i++) {
      if (step[order[i]] < step[order[i - 1]]) starts.push({ step: step[order[i]], wall: wall[order[i]] });
    }
    return starts.length > Math.max(FEW, step.length / FEW) ? [] : starts;
  };

  /** Without the points that a restart from an earlier step superseded. */
  function newestOf(line) {
    const starts = trainboard.restartsOf(line);
    const isNewest = (i) => !starts.some(({ step, wall }) => line.wall[i] < wall && line.step[i] >= step);
    return starts.length === 0 ? line : pick(line, [...line.step.keys()].filter(isNewest));
  }

  function cutAtRestarts(line) {
    const starts = trainboard.restartsOf(line);
    if (starts.length === 0) return [line];
    const bounds = [-Infinity, ...starts.map(({ wall }) => wall), Infinity];
    return bounds.slice(1).map((end, part) => {
      const kept = [...line.wall.keys()].filter((i) => line.wall[i] >= bounds[part] && line.wall[i] < end);
      return pick({ ...line, name: `${line.name} · part ${part + 1}`, dash: (line.dash ?? 0) + part, first: line.wall[kept[0]] }, kept);
    });
  }
})();
