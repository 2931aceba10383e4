/* The left side of the Projector page: which embedding, and how it is projected and drawn. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;
  const METHODS = [["pca", "PCA"], ["tsne", "t-SNE"], ["umap", "UMAP"], ["custom", "Axes"]];
  const SAMPLES = [1_000, 2_500, 5_000, 10_000, 20_000, 50_000];
  const SCALES = [["auto", "Automatic"], ["numbers", "Along a scale"], ["names", "One a value"]];
  const DEFAULT_SAMPLE = { tsne: 5_000, umap: 10_000 };
  const value = (name) => trainboard.value(`projector_${name}`);
  const set = (changes) =>
    trainboard.setQuery(Object.fromEntries(Object.entries(changes).map(([name, text]) => [`projector_${name}`, text])));
  trainboard.projectorValue = value;
  trainboard.setProjector = set;

  /** How many points a method is asked to look at: what the address says, or what is quick. */
  trainboard.projectorMost = (info) => {
    const most = info.most[value("method")] ?? info.most.pca;
    return Math.min(Number(value("most")) || DEFAULT_SAMPLE[value("method")] || most, most);
  };

  const Field = ({ label, title, children }) => h("label", { className: "projector-field", title }, h("span", null, label), children);
  const Select = ({ label, title, chosen, options, onChange }) =>
    h(Field, { label, title }, h("select", { "aria-label": label, value: chosen, onChange: (event) => onChange(event.target.value) }, options.map(([key, text]) => h("option", { key, value: key }, text))));
  const Check = ({ label, title, name, inverse = false }) =>
    h("label", { className: "projector-check", title },
      h("input", { type: "checkbox", checked: value(name) === "1", onChange: (event) => set({ [name]: event.target.checked ? "1" : inverse ? "0" : "" }) }),
      label);

  /** A number that is taken over when the field is left. */
  function Amount({ label, title, name, min, max, step = 1 }) {
    return h(Typed, { label, title, name, type: "number", min, max, step });
  }

  function Typed({ label, title, name, ...more }) {
    const [text, setText] = useState(value(name));
    const known = value(name);
    useEffect(() => setText(known), [known]);
    const keep = () => text !== known && set({ [name]: text });
    return h(Field, { label, title }, h("input", { type: "text", "aria-label": label, ...more, value: text, onChange: (event) => setText(event.target.value), onBlur: keep, onKeyDown: (event) => event.key === "Enter" && keep() }));
  }

  /** `clouds` of the shown runs, the `chosen` one, `info` about it, and how much each axis `shares` of the variance. */
  trainboard.ProjectorControls = function ProjectorControls({ clouds, chosen, place, info, shares, isNumeric }) {
    const files = clouds.filter(({ run }) => trainboard.isProjectorFile(run)).map(({ run, tag }) => [run, `File ${tag}`]);
    const runs = [...trainboard.state.shown.filter((run) => clouds.some((cloud) => cloud.run === run.id)).map((run) => [run.id, run.name]), ...files];
    const tags = [...new Set(clouds.filter((cloud) => cloud.run === chosen.run).map((cloud) => cloud.tag))];
    const other = { step: "", basis: "", point: "", only: "", camera: "", metadata: "" };
    return h(
      "aside",
      { className: "projector-controls", "aria-label": "Projection" },
      h(Select, { label: "Run", chosen: chosen.run, options: runs, onChange: (run) => set({ ...other, run, ...(trainboard.isProjectorFile(run) && { tag: clouds.find((cloud) => cloud.run === run).tag }) }) }),
      h(Select, { label: "Embedding", chosen: chosen.tag, options: tags.map((tag) => [tag, tag]), onChange: (tag) => set({ ...other, tag, label: "", color: "", search: "" }) }),
      h(Methods),
      info && h(Settings, { info, shares }),
      info && h(Look, { info, isNumeric }),
      h(trainboard.ProjectorFiles, { place, info }),
    );
  };

  function Methods() {
    return h(
      "div",
      { className: "projector-methods", role: "radiogroup", "aria-label": "Method" },
      METHODS.map(([key, text]) =>
        h("button", { key, role: "radio", "aria-checked": value("method") === key, onClick: () => set({ method: key, camera: "" }) }, text)),
    );
  }

  function Settings({ info, shares }) {
    const method = value("method");
    const most = trainboard.projectorMost(info);
    const samples = SAMPLES.filter((size) => size < info.finite && size <= info.most[method]);
    if (info.finite <= info.most[method]) samples.push(info.finite);
    const isMap = method === "tsne" || method === "umap";
    return h(
      React.Fragment,
      null,
      method !== "custom" &&
        h(Select, { label: "Dimensions", chosen: value("dimensions"), options: [["2", "2-D"], ["3", "3-D"]], onChange: (dimensions) => set({ dimensions, camera: "" }) }),
      method === "pca" && h(Components, { shares }),
      method === "tsne" && h(Amount, { label: "Perplexity", title: "About how many neighbours each point is kept near to", name: "perplexity", min: 2, max: 200 }),
      method === "umap" && h(Amount, { label: "Neighbours", title: "How many neighbours of each point count: few show detail, many the whole", name: "neighbours", min: 2, max: 200 }),
      method === "umap" && h(Amount, { label: "Distance", title: "How close to each other points may lie", name: "distance", min: 0, max: 0.99, step: 0.05 }),
      method === "custom" && h(Axes),
      isMap && samples.length > 1 &&
        h(Select, {
          label: "Points", title: "More points take longer",
          chosen: String(Math.min(most, info.finite)), options: samples.map((size) => [String(size), size.toLocaleString("en")]), onChange: (size) => set({ most: size }),
        }),
      h(Check, { label: "On a sphere", title: "Move the centroid to the middle and bring every vector to length one, so that only directions count", name: "spherize" }),
    );
  }

  function Components({ shares }) {
    const chosen = value("components").split(",");
    const axes = value("dimensions") === "2" ? ["X", "Y"] : ["X", "Y", "Z"];
    const change = (at, number) => set({ components: chosen.map((one, place) => (place === at ? number : one)).join(",") });
    return axes.map((axis, at) =>
      h(Select, {
        key: axis, label: `${axis}${shares?.[at] === undefined ? "" : ` · ${(100 * shares[at]).toFixed(1)} %`}`,
        title: "Which principal component, and how much of the variance it has",
        chosen: chosen[at] ?? String(at + 1), options: Array.from({ length: 10 }, (_, number) => [String(number + 1), `PC ${number + 1}`]), onChange: (number) => change(at, number),
      }));
  }

  /** The texts that find the ends of the two axes, left, right, down and up; in the address joined by commas. */
  function Axes() {
    const names = ["Left", "Right", "Down", "Up"];
    const known = trainboard.values("projector_axes");
    const [texts, setTexts] = useState(known);
    useEffect(() => setTexts(known), [known.join("\n")]);
    const keep = () => trainboard.setValues("projector_axes", names.map((_, at) => texts[at] ?? "").some(Boolean) ? names.map((_, at) => texts[at] || " ") : []);
    return h(
      "fieldset",
      { className: "projector-axes" },
      h("legend", { className: "quiet" }, "Between the centroids of points whose metadata has these words, or /a pattern/"),
      names.map((name, at) =>
        h(Field, { key: name, label: name }, h("input", {
          type: "text", "aria-label": name, value: (texts[at] ?? "").trim(), onBlur: keep,
          onChange: (event) => setTexts(names.map((_, place) => (place === at ? event.target.value : (texts[place] ?? "")))),
          onKeyDown: (event) => event.key === "Enter" && keep(),
        }))),
    );
  }

  function Look({ info, isNumeric }) {
    const columns = info.columns.map((name) => [name, name]);
    return h(
      React.Fragment,
      null,
      h("h2", null, "Points"),
      columns.length > 0 && h(Select, { label: "Color by", chosen: value("color") || info.columns[0], options: [...columns, ["-", "One color"]], onChange: (color) => set({ color, scale: "auto" }) }),
      isNumeric && h(Select, { label: "Colors", title: "Whether numbers are points on a scale or names of classes", chosen: value("scale"), options: SCALES, onChange: (scale) => set({ scale }) }),
      columns.length > 0 && h(Select, { label: "Label", chosen: info.columns.includes(value("label")) ? value("label") : info.label, options: columns, onChange: (label) => set({ label }) }),
      h(Check, { label: "All labels", title: "Write as many labels as there is room for", name: "labels" }),
      info.sprite && h(Check, { label: "Pictures", title: "Draw each point as its small picture", name: "pictures", inverse: true }),
    );
  }
})();
