/* The Curves page: a section for each PR curve and each confusion matrix of the shown runs. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const MOST_RUNS = 100;

  trainboard.CurvePage = function CurvePage() {
    const state = trainboard.useState("shown", "query", "runs");
    const ids = state.shown.map((run) => run.id).slice(0, MOST_RUNS);
    const { answer, isLost } = trainboard.useAnswer(`/api/v1/curves/index?runs=${ids.join(",")}`, ids);
    const [matches, problem] = trainboard.filterOf(trainboard.value("curve_filter"));
    const only = (tags) => Object.fromEntries(Object.entries(tags ?? {}).filter(([tag]) => !matches || matches(tag)));
    const [curves, matrices] = [only(answer?.pr_curve), only(answer?.confusion_matrix)];
    const steps = stepsOf([...Object.values(curves), ...Object.values(matrices)]);
    const step = stepAt(steps);
    return h(
      "div",
      { className: "curve-page" },
      h(Tools, { steps, step, hasCurves: Object.keys(curves).length > 0 }),
      problem && h("p", { className: "filter-problem", role: "alert" }, `This is not a regular expression: ${problem}`),
      answer?.untold > 0 && h("p", { className: "quiet" }, `${answer.untold} more series are not listed.`),
      state.shown.length > MOST_RUNS && h("p", { className: "quiet" }, `Of ${state.shown.length} shown runs the first ${MOST_RUNS} are drawn.`),
      notice(state, answer, isLost, { ...curves, ...matrices }),
      sectionsOf(curves).map(([name, tags]) => h(trainboard.CurveSection, { key: `pr ${name}`, name, tags, ids: runsOf(tags, curves, ids), step })),
      Object.entries(matrices).map(([tag, runs]) => h(trainboard.MatrixSection, { key: `matrix ${tag}`, tag, runs, step })),
    );
  };

  function notice(state, answer, isLost, found) {
    if (answer === null) return h("p", { className: "notice", role: "status" }, isLost ? "The curves cannot be read now; trying again." : "Loading…");
    if (Object.keys(found).length > 0) return null;
    const has = Object.keys(answer.pr_curve).length + Object.keys(answer.confusion_matrix).length > 0;
    if (has) return h("div", { className: "notice" }, h("h2", null, "No curve matches"), h("p", null, "No tag has this in its name."));
    return h(
      "div",
      { className: "notice", role: "status" },
      h("h2", null, "No curves yet"),
      h(trainboard.Elsewhere, { kinds: "pr_curve,confusion_matrix" }),
      h("p", null, state.shown.length ? "None of the shown runs logged " : "No run is shown. These pages show ", h("code", null, "tb.PRCurve(labels, predictions)"), " or ", h("code", null, "tb.ConfusionMatrix(labels, predictions)"), "."),
    );
  }

  /** A section a tag or, by class, one for all tags that differ in what follows their last slash. */
  function sectionsOf(curves) {
    const sections = new Map();
    for (const tag of Object.keys(curves)) {
      const slash = tag.lastIndexOf("/");
      const name = trainboard.value("curve_by") === "class" && slash > 0 ? tag.slice(0, slash) : tag;
      sections.set(name, [...(sections.get(name) ?? []), tag]);
    }
    return [...sections];
  }

  const runsOf = (tags, curves, ids) => ids.filter((id) => tags.some((tag) => curves[tag][id]));
  const stepsOf = (series) => [...new Set(series.flatMap((runs) => Object.values(runs).flat()))].sort((a, b) => a - b);

  /** The chosen step, or null where the newest is followed. */
  function stepAt(steps) {
    const text = trainboard.value("curve_step");
    const step = Number(text);
    return text === "" || !Number.isFinite(step) || steps.length === 0 || step >= steps.at(-1) ? null : step;
  }

  function Tools({ steps, step, hasCurves }) {
    const set = (key) => (event) => trainboard.setQuery({ [key]: event.target.value });
    const select = (key, label, options) => h("label", { className: "toolbar-field" }, label, h("select", { value: trainboard.value(key), onChange: set(key) }, options.map(([value, words]) => h("option", { key: value, value }, words))));
    return h(
      "div",
      { className: "toolbar", role: "toolbar", "aria-label": "Which curves are drawn" },
      h("input", { id: "run-filter", type: "search", placeholder: "Filter tags", "aria-label": "Filter tags", title: "A part of a tag, or a regular expression (/)", value: trainboard.value("curve_filter"), onChange: set("curve_filter") }),
      steps.length > 0 && h(Steps, { steps, step }),
      hasCurves && select("curve_by", "Compare", [["run", "Runs"], ["class", "Classes of a tag"]]),
      hasCurves && select("curve_label", "Place by", [["step", "Step"], ["relative", "Time since the run began"], ["wall", "Time"]]),
    );
  }

  function Steps({ steps, step }) {
    const last = steps.length - 1;
    const at = step === null ? last : Math.max(0, steps.findLastIndex((one) => one <= step));
    const set = (event) => trainboard.setQuery({ curve_step: Number(event.target.value) >= last ? "" : String(steps[event.target.value]) });
    const isNewest = step === null && last > 0;
    const words = isNewest ? `${trainboard.format.integer(steps[last])} · newest` : trainboard.format.integer(step ?? steps[last]);
    return h(
      "label",
      { className: "toolbar-field step-field", title: "Of each run the last curve at or before this step; at the right end the newest is followed" },
      "Step",
      last > 0 && h("input", { type: "range", min: 0, max: last, value: at, "aria-valuetext": words, onChange: set }),
      h("span", { className: "step-text" }, words),
    );
  }
})();
