/* The fields of the View panel that know the runs: the baseline, and the steps and columns of the tables. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect } = React;

  const FIELDS = { "baseline-field": Baseline, "steps-field": Steps, "config-field": trainboard.ConfigField };

  /** Draws into the places that the toolbar keeps for it. */
  trainboard.ViewFields = function ViewFields() {
    trainboard.useState("shown", "query");
    const places = Object.entries(FIELDS).map(([id, field]) => [document.getElementById(id), field]);
    useEffect(() => trainboard.on("groups", say), []);
    return h(React.Fragment, null, places.map(([place, field]) => place && ReactDOM.createPortal(h(field), place, place.id)));
  };

  /** What is wrong with the texts that group and colour, beside their fields. */
  function say({ text, problem }) {
    for (const key of ["groups", "color"]) {
      const place = document.getElementById(`${key}-problem`);
      if (place && trainboard.value(key) === text) place.textContent = problem;
    }
  }

  function Baseline() {
    const runs = trainboard.state.shown;
    return h(
      "select",
      { "aria-label": "Difference to", value: trainboard.value("baseline"), onChange: (event) => trainboard.setQuery({ baseline: event.target.value }) },
      h("option", { value: "" }, "No run: values as logged"),
      runs.map(({ id, name }) => h("option", { key: id, value: id }, name)),
    );
  }

  /** Off, the last step, one step, or a range: in numbers, or by clicks on a chart. */
  function Steps() {
    const text = trainboard.value("steps");
    const steps = trainboard.stepsOf(text);
    const [from, to] = text === "last" ? ["", ""] : text.split("..");
    const set = (first, last) => trainboard.setQuery({ steps: first === "" ? "last" : last ? `${first}..${last}` : first });
    const field = (label, value, change) =>
      h("input", { type: "number", "aria-label": label, placeholder: label, value: value ?? "", disabled: steps === null, onChange: (event) => change(event.target.value) });
    return h(
      "div",
      { className: "steps-field", title: "Click in a chart to choose a step, with Shift the end of a range" },
      h("input", { type: "checkbox", "aria-label": "Step tables", checked: steps !== null, onChange: () => trainboard.setQuery({ steps: steps ? "" : "last" }) }),
      field("First step", steps && from, (value) => set(value, to)),
      field("Last step", steps && to, (value) => set(from ?? "", value)),
    );
  }
})();
