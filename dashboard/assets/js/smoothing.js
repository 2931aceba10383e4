/* Smoothing and ranges of curves. `dashboard/smoothing.py` computes the same. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});

  /** The exponential moving average with its bias taken out; NaN and infinities pass through uncounted. */
  trainboard.smooth = (values, weight) => {
    const first = values.find(Number.isFinite);
    const isConstant = values.every((value) => !Number.isFinite(value) || value === first);
    if (weight === 0 || isConstant) return values;
    const smoothed = new Float64Array(values.length);
    let last = 0;
    let remaining = 1;
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) {
        smoothed[i] = values[i];
        continue;
      }
      last = last * weight + (1 - weight) * values[i];
      remaining *= weight;
      smoothed[i] = weight === 1 ? last : last / (1 - remaining);
    }
    return smoothed;
  };

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
