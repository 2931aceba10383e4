/* All statistics of one layer over the steps: each a band from its least to its greatest value. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef } = React;
  const COLORS = { weights: "#0072b2", gradients: "#d55e00", raw_gradients: "#e69f00", updates: "#009e73", activations: "#7a6fb0" };
  const TITLES = { norm: "Norm", ratio: "Update to weight", zero_fraction: "Share of zeros", mean: "Mean", std: "Standard deviation", min: "Minimum", max: "Maximum", "not finite": "Not finite" };
  const LOGARITHMIC = ["norm", "ratio", "std"];

  trainboard.LayerCurves = function LayerCurves({ run, rank, layer }) {
    const place = useRef(null);
    const asked = new URLSearchParams({ run: run.id, rank, layer });
    if (trainboard.healthWindow()) asked.set("window", trainboard.healthWindow().join(","));
    const { answer, problem } = trainboard.useAnswer(`/api/v1/health/layer?${asked}`, [run.id]);
    const isThere = Boolean(answer);
    useEffect(() => void (isThere && place.current?.scrollIntoView({ block: "nearest" })), [layer, isThere]);
    const charts = useMemo(() => (answer ? chartsOf(answer.curves) : []), [answer]);
    const x = useMemo(() => answer?.steps.map(([, last]) => last) ?? [], [answer]);
    const histograms = new URLSearchParams({ ...trainboard.state.query, histogram_filter: layer });
    return h(
      "section",
      { className: "layer-curves", ref: place, "aria-label": `Layer ${layer}` },
      h("div", { className: "health-head" }, h("h2", null, h("bdi", null, layer)), h("a", { href: `/histograms?${histograms}` }, "Its histograms"), h("button", { type: "button", className: "quiet-button", onClick: () => trainboard.setQuery({ health_layer: "" }) }, "Close")),
      problem && h("p", { role: "alert", className: "filter-problem" }, problem),
      answer && !charts.length && h("p", { className: "quiet" }, "This run logged nothing of this layer."),
      h("div", { className: "machine" }, charts.map(({ measure, lines, log }) => h(trainboard.SmallChart, { key: measure, title: TITLES[measure] ?? measure, x, axis: "step", lines, log, together: "health-layer" }))),
    );
  };

  /** A chart for each statistic that says anything, with a line for each source. */
  function chartsOf(curves) {
    return Object.keys(TITLES).flatMap((measure) => {
      const found = curves.filter((curve) => curve.measure === measure);
      const numbers = found.flatMap(({ high }) => high).filter((value) => value !== null);
      if (!numbers.length || (measure === "not finite" && numbers.every((value) => value === 0))) return [];
      const log = LOGARITHMIC.includes(measure) && numbers.some((value) => value > 0);
      const fit = (values) => (log ? values.map((value) => (value > 0 ? value : null)) : values); /* a logarithm has no 0 */
      const isBand = ({ low, high }) => low.some((value, at) => value !== high[at]);
      return [{ measure, log, lines: found.map((curve) => ({ name: curve.source.replace("_", " "), color: COLORS[curve.source] ?? "#8c8c3a", values: fit(curve.high), low: isBand(curve) ? fit(curve.low) : undefined })) }];
    });
  }
})();
