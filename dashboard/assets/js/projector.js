/* The Projector page: what the address says, what the server knows, and the canvas between the two sides. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef, useState } = React;
  const TOOLS = [["turn", "Turn", "Turn, move and zoom"], ["box", "Box", "Select the points in a box"], ["lasso", "Lasso", "Select the points within a line"]];
  const PLAY = 700;
  const value = (name) => trainboard.projectorValue(name);
  const set = (changes) => trainboard.setProjector(changes);

  trainboard.Projector = function Projector() {
    const logged = trainboard.projector.useClouds();
    if (logged === null) return h("p", { className: "notice" }, "Loading…");
    const clouds = [...logged, ...trainboard.projectorFiles()];
    const chosen = choose(clouds);
    return chosen ? h(Board, { key: `${chosen.run} ${chosen.tag} ${chosen.rank}`, clouds, chosen }) : h(Nothing);
  };

  function Nothing() {
    return h("section", { className: "page-empty" },
      h("h2", null, "No embeddings in the runs shown"),
      h("p", null, "Log vectors, and what is known of each."),
      h("pre", null, 'run.log({"words": tb.Embedding(vectors, labels)})'),
      h("p", null, "Or look at vectors in a file, of which nothing is kept."),
      h(trainboard.OpenVectors));
  }

  /** The embedding that the address names, or the newest run's first. */
  function choose(clouds) {
    const shown = [...trainboard.state.shown.map((run) => run.id), ...clouds.map(({ run }) => run).filter(trainboard.isProjectorFile)];
    const known = clouds.filter((cloud) => shown.includes(cloud.run)).sort((a, b) => shown.indexOf(a.run) - shown.indexOf(b.run));
    const ofRun = known.filter((cloud) => cloud.run === value("run"));
    const from = ofRun.length ? ofRun : known;
    return from.find((cloud) => cloud.tag === value("tag")) ?? from.find((cloud) => cloud.run === from[0].run) ?? null;
  }

  /** At which of the steps the slider is, and at which the projection is fitted: the newest when the page was opened. */
  function useSteps(chosen, isMap) {
    const last = chosen.steps.length - 1;
    const opened = useRef(last);
    const at = (text, otherwise) => {
      const found = text === "" ? -1 : chosen.steps.indexOf(Number(text));
      return found < 0 ? otherwise : found;
    };
    if (!isMap) opened.current = Math.max(opened.current, 0);
    const newest = isMap ? Math.min(opened.current, last) : last;
    return { now: at(value("step"), newest), basis: at(value("basis"), Math.min(opened.current, last)), last };
  }

  function Board({ clouds, chosen }) {
    const method = value("method");
    const isMap = method === "tsne" || method === "umap";
    const steps = useSteps(chosen, isMap);
    const place = { run: chosen.run, tag: chosen.tag, rank: chosen.rank, index: chosen.indices[steps.now], metadata: value("metadata") };
    const about = trainboard.projector.useAnswer("cloud", place);
    const info = about.value;
    const asked = useAsked(place, chosen.indices[steps.basis], info, method);
    const made = trainboard.projector.usePositions(asked);
    const columns = info?.columns ?? [];
    const color = value("color") || columns[0];
    const label = columns.includes(value("label")) ? value("label") : info?.label;
    const colored = trainboard.projector.useColumn(columns.includes(color) ? { ...place, name: color, scale: value("scale") } : null);
    const labelled = trainboard.projector.useColumn(label ? { ...place, name: label, scale: "names" } : null);
    const found = trainboard.projector.useAnswer("search", value("search") ? { ...place, text: value("search"), pattern: value("pattern") === "1" ? "1" : "0", label: label ?? "" } : null);
    const near = trainboard.projector.useAnswer("neighbours", value("point") !== "" ? { ...place, row: value("point"), metric: value("metric"), count: value("nearest"), label: label ?? "" } : null);
    const sheet = useSheet(place, info);
    const [selection, setSelection] = useState(() => new Set());
    const [onlyHere, setOnlyHere] = useState(null);
    const only = useMemo(() => onlyHere ?? (value("only") ? trainboard.rowsFromText(value("only")) : null), [onlyHere, value("only")]);
    const view = useDrawn({ made, info, colored, labelled, found, near, sheet, selection, only, run: chosen.run });

    const select = (wanted) => {
      const rows = Array.isArray(wanted) ? wanted : [...made.value.rows].filter((row) => colored.value.cells.get(row) === wanted.text);
      setSelection(new Set(rows));
    };
    const isolate = (rows) => {
      const text = rows && trainboard.rowsAsText(rows);
      setOnlyHere(rows && text === null ? new Set(rows) : null);
      set({ only: text ?? "" });
      setSelection(new Set());
    };
    const [tool, setTool] = useState("turn");
    const problem = about.problem || made.problem || colored.problem;
    return h(
      "div",
      { className: "projector-page" },
      h(trainboard.ProjectorControls, { clouds, chosen, place, info, shares: made.isNew ? made.value?.shares : null, isNumeric: Boolean(colored.value?.numeric) }),
      h("div", { className: "projector-main" },
        h("div", { className: "projector-bar toolbar", role: "toolbar", "aria-label": "Canvas" },
          TOOLS.map(([key, text, title]) => h("button", { key, "aria-pressed": tool === key, title, onClick: () => setTool(key) }, text)),
          h("button", { title: "See all of it again (0, or a double click)", onClick: () => set({ camera: "" }) }, "Fit"),
          h("span", { className: "quiet projector-facts" }, info ? facts(info, made.value, method) : "")),
        h("div", { className: "projector-canvas" },
          h(trainboard.ProjectorCanvas, {
            drawn: view?.drawn ?? null, flat: value("dimensions") === "2" || method === "custom", tool, camera: value("camera"),
            label: `${chosen.tag}: points in ${value("dimensions")} dimensions; arrow keys turn, plus and minus zoom`,
            onCamera: (camera) => set({ camera }),
            onPick: (at) => set({ point: at < 0 ? "" : String(made.value.rows[at]) }),
            onSelect: (ats) => select(ats.map((at) => made.value.rows[at])),
          }),
          h(State, { problem, made, method, waits: !info && !problem })),
        chosen.steps.length > 1 && h(Steps, { chosen, steps, isMap, isNew: made.isNew })),
      h(trainboard.ProjectorSide, { place, columns, found, near, legend: view?.legend, color, selection, select, pick: (row) => set({ point: String(row) }), isolated: only?.size ?? 0, isolate }),
    );
  }

  /** What positions are asked for; null until that is known, or where it cannot be had. */
  function useAsked(place, basis, info, method) {
    if (!info || (info.missing[method] && method !== "pca")) return null;
    const metadata = method === "custom" ? place.metadata : ""; /* only axes of one's own depend on it */
    const asked = { ...place, metadata, basis, method, most: trainboard.projectorMost(info), spherize: value("spherize") || "0" };
    const settings = {
      pca: { components: value("dimensions") === "2" ? value("components").split(",").slice(0, 2).join(",") : value("components") },
      tsne: { dimensions: value("dimensions"), perplexity: value("perplexity") },
      umap: { dimensions: value("dimensions"), neighbours: value("neighbours"), distance: value("distance"), metric: value("metric") },
      custom: customOf(),
    };
    return settings[method] === null ? null : { ...asked, ...settings[method] };
  }

  function customOf() {
    const [left, right, down, up] = trainboard.values("projector_axes").map((text) => text.trim());
    return left && right && down && up ? { left, right, down, up } : null;
  }

  function useSheet(place, info) {
    const [sheet, setSheet] = useState(null);
    const wanted = info?.sprite && value("pictures") === "1";
    useEffect(() => {
      if (!wanted) return setSheet(null);
      const image = new Image();
      const [width, height] = info.sprite;
      image.onload = () => {
        if (Math.max(image.width, image.height) > trainboard.maxTexture()) return;
        setSheet({ image, columns: Math.floor(image.width / width), rows: Math.floor(image.height / height) });
      };
      image.src = trainboard.projector.url("sprite", place);
    }, [wanted, wanted && trainboard.projector.url("sprite", place)]);
    return sheet;
  }

  /** What the canvas draws, by the numbers of the points on it; rows of the embedding are looked up in them. */
  function useDrawn({ made, info, colored, labelled, found, near, sheet, selection, only, run }) {
    const theme = trainboard.state.theme;
    return useMemo(() => {
      if (!made.value || !info) return null;
      const { positions, rows } = made.value;
      const own = trainboard.state.shown.find(({ id }) => id === run)?.color;
      const { colors, legend } = trainboard.colorPoints(colored.value, rows, own, theme);
      const placeOf = new Map(Array.from(rows, (row, at) => [row, at]));
      const places = (wanted) => new Set(wanted.map((row) => placeOf.get(row)).filter((at) => at !== undefined));
      const point = value("point") === "" ? -1 : (placeOf.get(Number(value("point"))) ?? -1);
      const nearest = places(near.value?.rows ?? []);
      const searched = value("search") && found.value?.total ? places(found.value.rows) : null;
      const meant = selection.size ? places([...selection]) : point >= 0 && nearest.size ? new Set([point, ...nearest]) : searched;
      const drawn = {
        positions, rows, colors, meant, near: nearest, point, sheet, labels: value("labels") === "1",
        hidden: only && rows.reduce((hidden, row, at) => (only.has(row) ? hidden : hidden.add(at)), new Set()),
        label: (at) => (labelled.value ? String(labelled.value.cells.get(rows[at]) ?? "") : String(rows[at])),
      };
      return { drawn, legend };
    }, [made.value, info, colored.value, labelled.value, found.value, near.value, sheet, selection, only, theme, value("point"), value("search"), value("labels")]);
  }

  function facts(info, made, method) {
    const many = (count) => count.toLocaleString("en");
    const words = [info.count === 1 ? "1 point" : `${many(info.count)} points`, info.dimensions === 1 ? "1 dimension" : `${many(info.dimensions)} dimensions`];
    if (info.finite < info.count) words.push(`${many(info.count - info.finite)} with NaN or infinities left out`);
    if (made && made.rows.length < info.finite) words.push(`${many(made.rows.length)} of ${many(info.finite)} drawn, by chance`);
    if (method === "pca" && made?.shares?.some(Boolean)) words.push(`${(100 * made.shares.reduce((sum, share) => sum + share, 0)).toFixed(1)} % of the variance`);
    return words.join(" · ");
  }

  function State({ problem, made, method, waits }) {
    const lacking = method === "custom" && customOf() === null;
    if (waits) return h("p", { className: "projector-state" }, "Loading…");
    if (problem) return h("p", { className: "projector-state problem", role: "alert" }, problem);
    if (made.isCancelled) return h("p", { className: "projector-state", role: "status" }, "Cancelled.", h("button", { onClick: made.retry }, "Start again"));
    if (lacking) return h("p", { className: "projector-state" }, "Say at the left between which points the axes lie.");
    if (made.share === undefined) return null;
    const words = made.share === null ? "Waiting for other projections" : made.share === 0 ? "Preparing" : `${Math.round(100 * made.share)} %`;
    return h("div", { className: "projector-state", role: "status" },
      h("progress", { value: made.share || undefined, "aria-label": "Progress" }), h("span", null, words), h("button", { onClick: made.cancel }, "Cancel"));
  }

  function Steps({ chosen, steps, isMap, isNew }) {
    const [playing, setPlaying] = useState(false);
    const go = (at) => set({ step: at === steps.last ? "" : String(chosen.steps[at]), basis: String(chosen.steps[steps.basis]) });
    useEffect(() => {
      if (!playing || !isNew) return;
      const timer = setTimeout(() => (steps.now < steps.last ? go(steps.now + 1) : setPlaying(false)), PLAY);
      return () => clearTimeout(timer);
    }, [playing, isNew, steps.now]);
    const play = () => {
      if (!playing && steps.now === steps.last) go(0);
      setPlaying(!playing);
    };
    const step = chosen.steps[steps.now];
    return h("div", { className: "projector-steps" },
      h("button", { onClick: play, "aria-label": playing ? "Stop" : "Play the steps" }, playing ? "◼" : "▶"),
      h("input", { type: "range", min: 0, max: steps.last, value: steps.now, "aria-label": "Step", "aria-valuetext": `step ${step}`, onChange: (event) => go(Number(event.target.value)) }),
      h("output", null, `step ${step.toLocaleString("en")}`),
      h("span", { className: "quiet" }, `${isMap ? "begins with" : "fitted to"} step ${chosen.steps[steps.basis].toLocaleString("en")}`),
      steps.basis !== steps.now && h("button", { title: "Fit the projection to this step, for all steps", onClick: () => set({ basis: String(step), camera: "" }) }, "Fit to this step"));
  }
})();
