/* Linear, logarithmic and symmetric logarithmic scales: pixels, ranges and the words beside an axis. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const DISTRIBUTION = { linear: 1, log: 3, symlog: 4 }; /* as uPlot numbers them */
  const PADDING = 0.06;
  const FARTHEST = Number.MAX_VALUE / 4;
  const DECADES = 1000; /* symlog is linear below the thousandth part of the greatest value */

  const forward = {
    1: (scale) => (value) => value,
    3: (scale) => (value) => Math.log10(value > 0 ? value : scale.min),
    4: (scale) => (value) => Math.asinh(value / scale.asinh),
  };

  /** From values of a scale to places between two ends. */
  trainboard.placer = (scale, from, to) => {
    const onLine = forward[scale.distr](scale);
    const [low, high] = [onLine(scale.min), onLine(scale.max)];
    return (value) => from + ((onLine(value) - low) / (high - low)) * (to - from);
  };

  /** Pixels of a scale; uPlot's own conversion, without its rounding and look-ups for every point. */
  trainboard.projection = (u, name) => {
    const { left, top, width, height } = u.bbox;
    if (name === "x") return trainboard.placer(u.scales[name], left, left + width);
    return trainboard.placer(u.scales[name], top + height, top);
  };

  /** With a range of its own, or uPlot would widen a logarithmic one to whole decades. */
  trainboard.uplotScale = (name, options) => ({
    auto: false, distr: DISTRIBUTION[name], range: (u, min, max) => [min, max], ...options,
  });

  /** Set a scale to a range; what is nearly zero on a symmetric logarithmic one depends on it. */
  trainboard.setRange = (u, name, [min, max]) => {
    const scale = u.scales[name];
    if (scale.distr === DISTRIBUTION.symlog) {
      const greatest = Math.max(Math.abs(min), Math.abs(max)) || 1;
      scale.asinh = 10 ** Math.floor(Math.log10(greatest / DECADES));
    }
    u.setScale(name, { min, max });
  };

  /** What to look at so that these values are seen; `tight` leaves no room at the ends. */
  trainboard.rangeOf = (columns, scale, { inner = false, tight = false } = {}) => {
    const positive = scale === "log";
    const range = inner ? trainboard.innerRange(columns, positive) : extent(columns, positive ? 0 : -Infinity);
    if (!positive) return padded(range, tight ? 0 : PADDING);
    if (range[0] === range[1] || !tight) return [range[0] / 1.2, range[1] * 1.2];
    return range;
  };

  /** The least and the greatest finite value above a bound; where there is none, a range to look at. */
  function extent(columns, above) {
    let low = Infinity;
    let high = -Infinity;
    for (const column of columns) {
      for (let i = 0; i < column.length; i++) {
        const value = column[i];
        if (value < low && value > above) low = value;
        if (value > high && value < Infinity) high = value;
      }
    }
    return low <= high ? [low, high] : above === 0 ? [0.1, 1] : [0, 1];
  }

  function padded([low, high], share) {
    if (low === high) {
      const around = Math.abs(low) * 0.1 || 1;
      return [low - around, high + around];
    }
    const [least, most] = [Math.max(low, -FARTHEST), Math.min(high, FARTHEST)]; /* or their difference would be infinite */
    const pad = (most - least) * share;
    return [least - pad, most + pad];
  }

  /** The words beside an axis; on a logarithmic one only 1, 2 and 5 of each decade, or 1 where they crowd. */
  trainboard.ticks = (splits, scale) => {
    if (scale === "linear") return toldApart(splits);
    const spoken = splits.length > 20 ? [0, 1] : [0, 1, 2, 5];
    return splits.map((value) => {
      if (value === null) return "";
      const digit = Number(Math.abs(value).toExponential(0)[0]);
      return spoken.includes(digit) ? trainboard.format.tick(value) : "";
    });
  };

  /** Where neighbours would read alike, all but the first say how much more they are. */
  function toldApart(splits) {
    const { tick, tickDigits } = trainboard.format;
    const known = splits.filter((value) => value !== null);
    const rounded = known.map((value) => value.toPrecision(tickDigits));
    const areAlike = rounded.some((one, i) => one === rounded[i - 1]);
    const told = (value) => (areAlike && value !== known[0] ? `+${tick(Number((value - known[0]).toPrecision(3)))}` : tick(value));
    return splits.map((value) => (value === null ? "" : told(value)));
  }
})();
