/* Smoothing and ranges of curves. `dashboard/smoothing.py` computes the same, and says what each kind is. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const MAX_WEIGHT = 0.999;
  const SIGMAS = 3;
  const KINDS = ["average", "distance", "mean", "median", "gaussian"];
  trainboard.smoothingKinds = KINDS;

  /** How many points on either side a smoothing of this weight looks at. */
  const reachOf = (weight) => Math.floor(Math.min(weight, MAX_WEIGHT) / (1 - Math.min(weight, MAX_WEIGHT)) + 0.5);
  trainboard.reachOf = reachOf;

  trainboard.smooth = (values, weight, kind = KINDS[0], x = null) => {
    const kept = [];
    for (let i = 0; i < values.length; i++) if (Number.isFinite(values[i])) kept.push(i);
    const counted = Float64Array.from(kept, (i) => values[i]);
    if (weight === 0 || counted.every((value) => value === counted[0])) return values;
    const found = smoothed(counted, weight, kind, x && Float64Array.from(kept, (i) => x[i]));
    const result = Float64Array.from(values);
    kept.forEach((i, at) => (result[i] = found[at]));
    return result;
  };

  function smoothed(values, weight, kind, x) {
    if (kind === "distance") return averages(values, weightsAlong(x ?? values.map((_, i) => i), weight));
    const reach = reachOf(weight);
    if (kind === "mean") return movingMean(values, reach);
    if (kind === "median") return movingMedian(values, reach);
    if (kind === "gaussian") return gaussian(values, reach);
    return averages(values, new Float64Array(values.length).fill(weight));
  }

  function averages(values, weights) {
    let last = 0;
    let remaining = 1;
    return values.map((value, i) => {
      last = last * weights[i] + (1 - weights[i]) * value;
      remaining *= weights[i];
      return remaining === 1 ? last : last / (1 - remaining);
    });
  }

  function weightsAlong(x, weight) {
    const mean = x.length > 1 ? (x[x.length - 1] - x[0]) / (x.length - 1) : 0;
    return x.map((place, i) => (i === 0 || !(mean > 0) ? weight : weight ** ((place - x[i - 1]) / mean)));
  }

  function movingMean(values, reach) {
    const sums = new Float64Array(values.length + 1);
    values.forEach((value, i) => (sums[i + 1] = sums[i] + value));
    return values.map((_, i) => {
      const [from, to] = [Math.max(0, i - reach), Math.min(values.length, i + reach + 1)];
      return (sums[to] - sums[from]) / (to - from);
    });
  }

  /** The window is kept sorted while it moves. */
  function movingMedian(values, reach) {
    const sorted = [];
    const enter = (value) => sorted.splice(trainboard.lowerBound(sorted, value), 0, value);
    for (let i = 0; i < Math.min(reach, values.length); i++) enter(values[i]);
    return values.map((_, i) => {
      if (i + reach < values.length) enter(values[i + reach]);
      if (i - reach - 1 >= 0) sorted.splice(trainboard.lowerBound(sorted, values[i - reach - 1]), 1);
      const middle = sorted.length >> 1;
      return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    });
  }

  function gaussian(values, reach) {
    if (reach === 0) return values;
    const wide = Math.min(SIGMAS * reach, values.length - 1);
    const weights = Float64Array.from({ length: wide + 1 }, (_, i) => Math.exp(-((i / reach) ** 2) / 2));
    return values.map((_, i) => {
      let sum = 0;
      let total = 0;
      for (let j = Math.max(0, i - wide); j <= Math.min(values.length - 1, i + wide); j++) {
        const weight = weights[Math.abs(i - j)];
        sum += weight * values[j];
        total += weight;
      }
      return sum / total;
    });
  }

  /** The range without outliers: from the 5th to the 95th percentile, by rank, of the finite values. */
  trainboard.innerRange = (columns, onlyPositive) => {
    const kept = columns.flatMap((column) => Array.from(column).filter((v) => Number.isFinite(v) && (!onlyPositive || v > 0)));
    if (kept.length === 0) return onlyPositive ? [0.1, 1] : [0, 1];
    const sorted = Float64Array.from(kept).sort();
    const last = sorted.length - 1;
    if (last < 2) return [sorted[0], sorted[last]];
    return [sorted[Math.ceil(0.05 * last)], sorted[Math.floor(0.95 * last)]];
  };
})();
