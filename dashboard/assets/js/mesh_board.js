/* The Mesh page: a section for each tag, a card for each run; one slider and one camera for all, if wanted. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef, useState } = React;
  const MOST_TAGS = 40;
  const MOST_RUNS = 12;
  const PLAY = 500;
  const TELL_CAMERA = 250;
  const VIEWS = [["share", "Shared", "All cards are seen from the same place"], ["keep", "Each its own", "Each card keeps its own view at every step"], ["fit", "Fit", "Each card shows all of its mesh at every step"]];
  const LOOKS = [["", "Solid"], ["wire", "Wire"], ["points", "Points"]];
  const value = (name) => trainboard.value(`mesh_${name}`);
  const set = (name, text) => trainboard.setQuery({ [`mesh_${name}`]: text });

  trainboard.MeshBoard = function MeshBoard() {
    const state = trainboard.useState("query", "theme", "shown", "runs");
    const meshes = useMeshes(state.shown);
    const cameras = useMemo(createCameras, []);
    if (meshes === null) return h("p", { className: "notice" }, "Loading…");
    const runs = new Map(state.shown.slice(0, MOST_RUNS).map((run) => [run.id, run]));
    const known = meshes.filter((one) => runs.has(one.run));
    if (!known.length) return h(Nothing);
    const steps = [...new Set(known.flatMap((one) => one.steps))].sort((a, b) => a - b);
    const wanted = value("filter").toLowerCase();
    const tags = [...new Set(known.map((one) => one.tag))].filter((tag) => tag.toLowerCase().includes(wanted)).sort();
    const place = { runs, known, step: value("step") === "" ? null : Number(value("step")), cameras };
    return h(
      "div",
      { className: "mesh-page" },
      h(Toolbar, { steps, cameras }),
      tags.length === 0 && h("p", { className: "notice" }, "Nothing has this in its name."),
      tags.slice(0, MOST_TAGS).map((tag) => h(Section, { key: tag, tag, ...place })),
      tags.length > MOST_TAGS && h("p", { className: "notice" }, `${tags.length - MOST_TAGS} more: filter by name.`),
      state.shown.length > MOST_RUNS && h("p", { className: "notice" }, `Only ${MOST_RUNS} of ${state.shown.length} runs are drawn here.`),
    );
  };

  function Nothing() {
    return h("section", { className: "page-empty" },
      h("h2", null, "No meshes in the runs shown"),
      h("p", null, "Log points in space, and the triangles between them."),
      h("pre", null, 'run.log({"shape": tb.Mesh(vertices, faces=faces)})'));
  }

  /** A hook: the meshes of the shown runs; null until they are known. */
  function useMeshes(shown) {
    const ids = shown.slice(0, MOST_RUNS).map((run) => run.id);
    const { answer } = trainboard.useAnswer(`/api/v1/meshes?${new URLSearchParams({ runs: ids })}`, ids);
    return answer && answer.meshes;
  }

  /** Where cards are seen from, by name; that of all is kept in the address. */
  function createCameras() {
    const states = new Map();
    const seen = new Map();
    const held = new Map();
    const listeners = new Map();
    let timer = null;
    const first = trainboard.orbitFrom(value("camera"));
    if (first) states.set("all", first);
    const tell = (key) => listeners.get(key)?.forEach((listener) => listener());
    return {
      get: (key) => states.get(key),
      /** Have a mesh's frame be part of the one under a name. */
      include(name, key, own) {
        const known = seen.get(name);
        const frame = known ? trainboard.frameAround(known, own) : own;
        seen.set(name, frame);
        if (known && frame !== known) tell(key);
      },
      /** The frame under a name, around all that was drawn so far; from the first turn on it stays. */
      frame(name, key) {
        if (!states.has(key)) return seen.get(name);
        return held.get(name) ?? (held.set(name, seen.get(name)), seen.get(name));
      },
      set(key, state) {
        states.set(key, state);
        tell(key);
        if (key !== "all") return;
        clearTimeout(timer);
        timer = setTimeout(() => set("camera", trainboard.orbitText(state)), TELL_CAMERA);
      },
      reset() {
        states.clear();
        held.clear();
        set("camera", "");
        listeners.forEach((_, key) => tell(key));
      },
      listen(key, listener) {
        if (!listeners.has(key)) listeners.set(key, new Set());
        listeners.get(key).add(listener);
        return () => listeners.get(key).delete(listener);
      },
    };
  }

  function Toolbar({ steps, cameras }) {
    return h(
      "div",
      { className: "toolbar mesh-bar", role: "toolbar", "aria-label": "Meshes" },
      h("input", { type: "search", placeholder: "Filter by name", "aria-label": "Filter by name", value: value("filter"), onChange: (event) => set("filter", event.target.value) }),
      h(Choice, { label: "Viewpoint", name: "view", options: VIEWS }),
      h(Choice, { label: "Look", name: "look", options: LOOKS }),
      h("button", { onClick: cameras.reset, title: "See all of every mesh again (0, or a double click)" }, "Reset"),
      steps.length > 1 && h(Slider, { steps }),
    );
  }

  const Choice = ({ label, name, options }) =>
    h("div", { className: "mesh-choice", role: "radiogroup", "aria-label": label },
      h("span", { className: "quiet" }, label),
      options.map(([key, text, title]) => h("button", { key, role: "radio", title, "aria-checked": value(name) === key, onClick: () => set(name, key) }, text)));

  function Slider({ steps }) {
    const [playing, setPlaying] = useState(false);
    const last = steps.length - 1;
    const asked = Number(value("step"));
    const now = value("step") === "" ? last : Math.max(0, steps.findLastIndex((step) => step <= asked));
    const go = (at) => set("step", at >= last ? "" : String(steps[at]));
    const at = useRef(now);
    at.current = now;
    useEffect(() => {
      if (!playing) return;
      const timer = setInterval(() => (at.current < last ? go(at.current + 1) : setPlaying(false)), PLAY);
      return () => clearInterval(timer);
    }, [playing, last]);
    const play = () => {
      if (!playing && now === last) go(0);
      setPlaying(!playing);
    };
    return h("div", { className: "mesh-steps" },
      h("button", { onClick: play, "aria-label": playing ? "Stop" : "Play the steps" }, playing ? "◼" : "▶"),
      h("input", { type: "range", min: 0, max: last, value: now, "aria-label": "Step", "aria-valuetext": `step ${steps[now]}`, onChange: (event) => go(Number(event.target.value)) }),
      h("output", null, `step ${steps[now].toLocaleString("en")}`));
  }

  function Section({ tag, runs, known, step, cameras }) {
    const order = [...runs.keys()];
    const ofTag = known.filter((one) => one.tag === tag).sort((a, b) => order.indexOf(a.run) - order.indexOf(b.run) || a.rank - b.rank);
    return h(
      "section",
      { className: "mesh-section" },
      h("h2", null, tag),
      h("div", { className: "mesh-cards" },
        ofTag.map((one) => {
          const at = step === null ? one.steps.length - 1 : one.steps.findLastIndex((known) => known <= step);
          const record = at < 0 ? { index: null, step: null } : { index: one.indices[at], step: one.steps[at] };
          return h(trainboard.MeshCard, { key: `${one.run} ${one.rank}`, one, run: runs.get(one.run), ...record, view: value("view"), look: value("look"), cameras });
        })),
    );
  }
})();
