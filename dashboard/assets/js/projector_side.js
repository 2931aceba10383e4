/* The right side of the Projector page: search, the chosen point with its neighbours, the selection, the legend. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;
  const SEARCH_AFTER = 250;
  const LISTED = 100;
  const number = (value) => (Number.isInteger(value) ? value.toLocaleString("en") : trainboard.format.number(value));

  /** `found`, `near`: answers of the server; `select(rows)` and `pick(row)` change what is chosen. */
  trainboard.ProjectorSide = function ProjectorSide({ place, columns, found, near, legend, color, selection, select, pick, isolated, isolate }) {
    return h(
      "aside",
      { className: "projector-side", "aria-label": "Points" },
      h(Search, { found, select, pick }),
      h(Selection, { place, columns, selection, select, isolated, isolate }),
      h(Point, { near, pick, select }),
      legend && h(Legend, { legend, color, select }),
    );
  };

  function Search({ found, select, pick }) {
    const known = trainboard.projectorValue("search");
    const pattern = trainboard.projectorValue("pattern") === "1";
    const [text, setText] = useState(known);
    useEffect(() => setText(known), [known]);
    useEffect(() => {
      if (text === known) return;
      const timer = setTimeout(() => trainboard.setProjector({ search: text }), SEARCH_AFTER);
      return () => clearTimeout(timer);
    }, [text]);
    return h(
      "section",
      null,
      h("div", { className: "projector-search" },
        h("input", { id: "projector-search", type: "search", placeholder: "Search the metadata", "aria-label": "Search the metadata", value: text, onChange: (event) => setText(event.target.value) }),
        h("button", { className: "quiet-button", "aria-pressed": pattern, title: "Read it as a regular expression", onClick: () => trainboard.setProjector({ pattern: pattern ? "" : "1" }) }, ".*")),
      found.problem && h("p", { className: "problem", role: "alert" }, found.problem),
      known && found.value && !found.problem &&
        h(React.Fragment, null,
          h("p", { className: "quiet projector-count", role: "status" },
            `${found.value.total.toLocaleString("en")} found`,
            found.value.total > 0 && h("button", { className: "quiet-button", onClick: () => select(found.value.rows) }, "Select them")),
          h(Rows, { rows: found.value.rows.slice(0, LISTED), labels: found.value.labels, pick })),
    );
  }

  const Rows = ({ rows, labels, values, pick }) =>
    h("ol", { className: "projector-rows" },
      rows.map((row, at) =>
        h("li", { key: row },
          h("button", { onClick: () => pick(row), title: labels[at] || `Point ${row}` },
            h("span", { className: "projector-name" }, labels[at] || `Point ${row}`), values && h("span", { className: "quiet" }, values[at])))));

  function Point({ near, pick, select }) {
    const metric = trainboard.projectorValue("metric");
    const row = trainboard.projectorValue("point");
    if (row === "") return h("section", null, h("h2", null, "Neighbours"), h("p", { className: "quiet" }, "Click a point to see which are nearest to it in all dimensions."));
    return h(
      "section",
      { className: "projector-point" },
      h("h2", null, h("span", { className: "projector-name", title: near.value?.label }, near.value?.label ?? `Point ${row}`),
        h("button", { className: "quiet-button", title: "No point", "aria-label": "Choose no point", onClick: () => trainboard.setProjector({ point: "" }) }, "✕")),
      h("div", { className: "projector-near" },
        h("select", { "aria-label": "Distance", value: metric, onChange: (event) => trainboard.setProjector({ metric: event.target.value }) },
          h("option", { value: "cosine" }, "Cosine"), h("option", { value: "euclidean" }, "Euclidean")),
        h("select", { "aria-label": "How many", value: trainboard.projectorValue("nearest"), onChange: (event) => trainboard.setProjector({ nearest: event.target.value }) },
          ["5", "10", "25", "50", "100"].map((count) => h("option", { key: count, value: count }, `${count} nearest`))),
        near.value && h("button", { className: "quiet-button", onClick: () => select([Number(row), ...near.value.rows]) }, "Select")),
      near.problem && h("p", { className: "problem", role: "alert" }, near.problem),
      near.value && h(Rows, { rows: near.value.rows, labels: near.value.labels, values: near.value.distances.map(number), pick }),
    );
  }

  function Selection({ place, columns, selection, select, isolated, isolate }) {
    const [problem, setProblem] = useState("");
    if (!selection.size && !isolated) return null;
    const rows = [...selection].sort((a, b) => a - b);
    const save = () => trainboard.projector.saveRows(place, rows).then(() => setProblem("")).catch((error) => setProblem(error.message));
    return h(
      "section",
      { className: "projector-selection" },
      h("p", { role: "status" }, isolated ? `Only ${isolated.toLocaleString("en")} points are drawn.` : `${rows.length.toLocaleString("en")} points selected`),
      h("div", null,
        rows.length > 0 && h("button", { onClick: () => isolate(rows) }, "Isolate"),
        isolated > 0 && h("button", { onClick: () => isolate(null) }, "Show all"),
        rows.length > 0 && h("button", { onClick: save }, "CSV"),
        rows.length > 0 && h("button", { onClick: () => select([]) }, "Clear")),
      rows.length > 0 && h(trainboard.ProjectorEdit, { place, rows, columns }),
      problem && h("p", { className: "problem", role: "alert" }, problem),
    );
  }

  function Legend({ legend, color, select }) {
    if (legend.gradient) {
      return h("section", null, h("h2", null, color),
        h("div", { className: "projector-scale", style: { background: legend.gradient } }),
        h("div", { className: "projector-ends quiet" }, h("span", null, number(legend.low)), h("span", null, number(legend.high))));
    }
    return h("section", null, h("h2", null, color),
      h("ul", { className: "projector-legend" },
        legend.entries.map(({ name, color: shade, count }) =>
          h("li", { key: name }, h("button", { onClick: () => select({ text: name }), title: `Select ${name}` },
            h("span", { className: "swatch", style: { background: shade } }), h("span", { className: "projector-name" }, name || "(empty)"), h("span", { className: "quiet" }, count.toLocaleString("en"))))),
        legend.others > 0 && h("li", { className: "quiet projector-others" }, legend.rest && h("span", { className: "swatch", style: { background: legend.rest } }),
          legend.rest ? `${legend.others.toLocaleString("en")} other values` : `${legend.others.toLocaleString("en")} values, each of one point`)));
  }
})();
