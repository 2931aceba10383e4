/* What a person changes of how a figure looks: its lines smoothed, and any value of its layout and its traces.
   It is for this browser alone, and holds on while the program draws. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const POINTS = new Set(["x", "y", "z", "points", "thinned"]);

  trainboard.paneLook = { smoothing: 0, values: {} };

  /** A figure of Plotly as a person wants to see it; `colors` are those that its lines are drawn in. */
  trainboard.looked = ({ data, layout }, { smoothing, values }, colors) => {
    let figure = { data, layout };
    for (const [path, value] of Object.entries(values)) figure = changed(figure, JSON.parse(path), value);
    if (!smoothing) return figure;
    const raw = figure.data.map((trace, at) => isLine(trace) && behind(trace, colors[at])).filter(Boolean);
    const smooth = (trace) => (isLine(trace) ? { ...trace, y: smoothed(trace, smoothing) } : trace);
    return { ...figure, data: [...figure.data.map(smooth), ...raw] };
  };

  const isLine = ({ type = "scatter", mode = "", y }) => type === "scatter" && mode.includes("lines") && Array.isArray(y);
  const behind = (trace, color) => ({ ...trace, line: { ...trace.line, color }, opacity: 0.25, showlegend: false, hoverinfo: "skip" });

  function smoothed({ y }, weight) {
    const found = trainboard.smooth(y.map((value) => value ?? NaN), weight);
    return Array.from(found, (value) => (Number.isFinite(value) ? value : null));
  }

  /** A copy with another value at the end of a path; where the path is gone, the same. */
  function changed(whole, [key, ...rest], value) {
    if (!rest.length) return { ...whole, [key]: value };
    if (whole[key] === null || typeof whole[key] !== "object") return whole;
    const inner = changed(whole[key], rest, value);
    return Array.isArray(whole) ? whole.with(key, inner) : { ...whole, [key]: inner };
  }

  /** The words, numbers and switches in an object, each with its path. */
  function leaves(part, path) {
    return Object.entries(part).flatMap(([key, value]) => {
      if (POINTS.has(key) || Array.isArray(value) || value === null) return [];
      return typeof value === "object" ? leaves(value, [...path, key]) : [[[...path, key], value]];
    });
  }

  /** The fields beside a figure. */
  trainboard.PaneLook = function PaneLook({ content: { data, layout }, look, change }) {
    const sections = [
      ["Layout", leaves(layout, ["layout"])],
      ...data.map((trace, at) => [trace.name || `Trace ${at + 1}`, leaves(trace, ["data", at])]),
    ];
    const set = (path, value) => change({ ...look, values: { ...look.values, [JSON.stringify(path)]: value } });
    return h(
      "form",
      { className: "pane-look", "aria-label": "Look of the figure", onSubmit: (event) => event.preventDefault() },
      h(
        "label",
        null,
        h("span", null, "Smoothing"),
        h("input", {
          type: "range",
          min: 0,
          max: 0.99,
          step: 0.01,
          value: look.smoothing,
          onChange: (event) => change({ ...look, smoothing: Number(event.target.value) }),
        }),
      ),
      sections.map(([name, found], key) =>
        h(
          "details",
          { key, open: key === 0 },
          h("summary", null, name),
          found.map(([path, value]) => {
            const id = JSON.stringify(path);
            return h(Value, { key: id, name: path.slice(name === "Layout" ? 1 : 2).join("."), value: look.values[id] ?? value, set: (next) => set(path, next) });
          }),
        ),
      ),
    );
  };

  function Value({ name, value, set }) {
    const kinds = {
      boolean: { type: "checkbox", checked: value, onChange: (event) => set(event.target.checked) },
      number: { type: "number", step: "any", value, onChange: (event) => event.target.value !== "" && set(Number(event.target.value)) },
      string: { type: "text", value, onChange: (event) => set(event.target.value) },
    };
    return h("label", null, h("span", { title: name }, name), h("input", kinds[typeof value]));
  }
})();
