/* One graph of the Graph page: its head, search, canvas and details. What is open, selected and searched for
   is in the address. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useCallback, useEffect, useRef, useState } = React;
  const NOTHING_OPEN = "/"; /* an empty list in the address would mean the first view */
  const SIDES = { main: { open: "graph_open", box: "graph_box" }, twin: { open: "graph_twin_open", box: "graph_twin_box" } };
  const ZOOM = 1.3;
  const RETRY_MILLISECONDS = 2_000;

  trainboard.GraphPane = function GraphPane({ side, source, run }) {
    trainboard.useState("query");
    const keys = SIDES[side];
    const selected = trainboard.value(keys.box) || null;
    const look = {
      color: trainboard.value("graph_color"),
      trace: trainboard.value("graph_trace") === "1" ? (selected ?? "") : "",
      text: trainboard.value("graph_find"),
      pattern: trainboard.value("graph_regex") === "1",
    };
    const { about, picture, problem, act } = useGraph(source, keys.open, look);
    const commands = useRef({});
    const select = useCallback((id) => trainboard.setQuery({ [keys.box]: id ?? "" }), [side]);
    const toggle = useCallback((box) => act({ toggle: box.id, anchor: box.id }), [act]);
    const reveal = useCallback((id) => (trainboard.setQuery({ [keys.box]: id }), act({ reveal: id })), [act]);
    useEffect(() => {
      const stop = trainboard.on(`graph-reveal-${side}`, reveal);
      return () => void stop();
    }, [reveal]);
    if (problem) return h("section", { className: "graph-pane" }, h("p", { className: "notice", role: "alert" }, problem));
    if (!about || !picture) return h("section", { className: "graph-pane" }, h("p", { className: "notice" }, "Loading…"));
    return h(
      "section",
      { className: `graph-pane graph-pane-${side}`, "aria-label": run.name },
      h(Head, { run, about, picture, look, side, source, reveal }),
      h(
        "div",
        { className: "graph-stage" },
        h(trainboard.GraphCanvas, { picture, label: `Graph of ${run.name}`, look, selected, select, toggle, commands }),
        h(Buttons, { commands, act, run, picture }),
        selected && h(trainboard.GraphDetails, { key: selected, source, run, box: selected, reveal, close: () => select(null) }),
      ),
    );
  };

  /** A hook: what is said of a graph and its picture, asked for anew when anything of the question changes. */
  function useGraph(source, openKey, look) {
    const [picture, setPicture] = useState(null);
    const [problem, setProblem] = useState(null);
    const asked = useRef("");
    const { answer: about, problem: refused } = trainboard.useGraphAnswer("about", source, [source.run]);
    const graph = `${source.run} ${source.version} ${source.against}`;
    const given = trainboard.value(openKey) ? trainboard.values(openKey) : null;
    const question = (opened) => ({ ...source, opened, ...look });
    const ask = async (opened, extra = {}) => {
      const mine = (asked.current = JSON.stringify(question(opened)));
      try {
        const told = await trainboard.ask("/api/v1/graph/view", { ...question(opened), ...extra });
        if (asked.current !== mine) return;
        setPicture({ ...told, key: graph, anchor: extra.anchor ?? null, reveal: extra.reveal ?? null });
        setProblem(null);
        if (extra.toggle || extra.reveal || extra.fold) {
          const open = told.opened.length ? told.opened : [NOTHING_OPEN];
          asked.current = JSON.stringify(question(open));
          trainboard.setValues(openKey, open);
        }
      } catch (error) {
        if (error.status) setProblem(error.message);
        else setTimeout(() => asked.current === mine && ask(opened, extra), RETRY_MILLISECONDS);
      }
    };
    useEffect(() => {
      if (JSON.stringify(question(given)) !== asked.current) void ask(given);
    }, [JSON.stringify(question(given))]);
    const latest = useRef();
    latest.current = { ask, opened: picture?.opened ?? given };
    const act = useCallback((extra) => latest.current.ask(extra.fold ? [NOTHING_OPEN] : latest.current.opened, extra), []);
    useEffect(() => trainboard.on("tick", (runs) => look.color === "health" && (runs === null || runs.has(source.run)) && latest.current.ask(latest.current.opened)), [look.color, source.run]);
    return { about, picture, problem: problem ?? refused, act };
  }

  function Head({ run, about, picture, look, side, source, reveal }) {
    return h(
      "div",
      { className: "graph-pane-bar" },
      h(
        "div",
        { className: "graph-head" },
        h("span", { className: "swatch", style: { background: run.color } }),
        h("strong", null, run.name),
        h("span", { className: "quiet graph-about" }, about.versions.length > 1 && about.name ? `${about.name} · ${about.summary}` : about.summary),
        h(Legend, { about, picture, color: look.color, tracing: look.trace }),
        picture.notes.map((note) => h("span", { key: note, className: "quiet" }, note)),
        about.partial && h("div", { className: "graph-partial", role: "note" }, `Incomplete: ${about.partial}`),
      ),
      h(trainboard.GraphSearch, { source, reveal }),
      side === "main" && h(trainboard.GraphVersions, { about, reveal }),
    );
  }

  function Legend({ about, picture, color, tracing }) {
    const chip = (hue, label, className = "") => h("span", { key: label, className: `graph-family ${className}` }, h("i", { style: { background: hue } }), label);
    if (tracing) return h(React.Fragment, null, chip("var(--way-in)", "What its inputs come from"), chip("var(--way-out)", "What its outputs go to"));
    if (color === "op") return about.legend.map(([label, hue]) => chip(hue, label));
    if (!picture.scale) return h("span", { className: "quiet" }, { health: "No statistics of layers: run.watch(model) logs them", time: "No times: PyTorch's graphs on the CPU have them" }[color] ?? "Nothing was counted");
    const [least, most] = picture.scale;
    return h(
      React.Fragment,
      null,
      h("span", { className: "graph-family" }, least, h("i", { className: `graph-scale graph-scale-${color}` }), most),
      color === "health" && chip("var(--bad)", "NaN or infinite"),
    );
  }

  function Buttons({ commands, act, run, picture }) {
    const button = (text, title, onClick) => h("button", { type: "button", title, "aria-label": title, onClick }, text);
    const tracing = trainboard.value("graph_trace") === "1";
    return h(
      "div",
      { className: "graph-buttons" },
      button("+", "Zoom in (+)", () => commands.current.zoom(ZOOM)),
      button("−", "Zoom out (-)", () => commands.current.zoom(1 / ZOOM)),
      button("Fit", "Show the whole graph (0)", () => commands.current.fit()),
      button("Fold", "Close all layers", () => act({ fold: true })),
      h("button", { type: "button", title: "What the chosen box depends on, and what depends on it", "aria-pressed": tracing, onClick: () => trainboard.setQuery({ graph_trace: tracing ? "0" : "1" }) }, "Paths"),
      button("PNG", "Save the graph as PNG", () => trainboard.saveGraph("png", commands.current.world(), picture, run.name)),
      button("SVG", "Save the graph as SVG", () => trainboard.saveGraph("svg", commands.current.world(), picture, run.name)),
    );
  }
})();
