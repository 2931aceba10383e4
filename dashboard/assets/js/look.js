/* How all charts of the page look, as the address says it. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const AXES = ["step", "relative", "wall"];
  const SCALES = ["linear", "log", "symlog"];
  const MAX_SMOOTHING = 0.999;

  const oneOf = (key, allowed) => (allowed.includes(trainboard.value(key)) ? trainboard.value(key) : allowed[0]);

  /** The y scale that a chart has of its own, or "". */
  trainboard.ownScale = (chart) => SCALES.find((scale) => trainboard.values("scales").includes(`${scale}:${chart.id}`)) ?? "";

  trainboard.setOwnScale = (chart, scale) => {
    const others = trainboard.values("scales").filter((entry) => entry !== `${trainboard.ownScale(chart)}:${chart.id}`);
    trainboard.setValues("scales", scale ? [...others, `${scale}:${chart.id}`] : others);
  };

  /** How a chart looks, or all that have nothing of their own. Plain values only, so that one look is told from
      another by comparing them. */
  trainboard.look = (chart = null) => {
    const along = trainboard.value("x_tag");
    const axis = along ? "step" : oneOf("axis", AXES);
    return {
      axis,
      along,
      smoothing: Math.min(Math.max(Number(trainboard.value("smoothing")) || 0, 0), MAX_SMOOTHING),
      kind: oneOf("smoothing_kind", trainboard.smoothingKinds),
      xscale: axis === "wall" ? "linear" : oneOf("xscale", SCALES),
      yscale: (chart && trainboard.ownScale(chart)) || oneOf("yscale", SCALES),
      outliers: trainboard.value("outliers") === "1",
      baseline: trainboard.value("baseline"),
      best: oneOf("best", ["", "min", "max"]),
      restarts: oneOf("restarts", ["", "split", "newest"]),
      selected: trainboard.value("steps"),
    };
  };

  trainboard.plainLook = {
    axis: "step", along: "", smoothing: 0, kind: "average", xscale: "linear", yscale: "linear", outliers: false,
    baseline: "", best: "", restarts: "", selected: "",
  };

  /** What stands beside the x axis. */
  trainboard.axisName = ({ axis, along }) => along || { step: "Step", relative: "Time since the run began", wall: "Time" }[axis];

  trainboard.nextAxis = () => {
    if (!document.querySelector(".chart-grid")) return;
    const next = AXES[(AXES.indexOf(oneOf("axis", AXES)) + 1) % AXES.length];
    dash_clientside.set_props({ query: "axis" }, { value: next });
    trainboard.setQuery({ axis: next });
  };

  /** The chosen steps: null, or {from, to}, equal for a single one; "last" is after every step. */
  trainboard.stepsOf = (text) => {
    if (text === "") return null;
    if (text === "last") return { from: Infinity, to: Infinity };
    const [from, to = from] = text.split("..").map(Number);
    return Number.isNaN(from) || Number.isNaN(to) ? null : { from: Math.min(from, to), to: Math.max(from, to) };
  };
})();
