/* The Graph page: which graph is looked at, how it is coloured, and a second one beside it. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useState } = React;
  const FILE = "file:";
  const COLORS = { op: "Operation", parameters: "Parameters", flops: "FLOPs", time: "Time", health: "Health" };

  trainboard.GraphBoard = function GraphBoard() {
    const state = trainboard.useState("query", "shown", "tick", "theme");
    const [files, setFiles] = useState([]);
    const [problem, setProblem] = useState(null);
    const ids = state.shown.map((run) => run.id);
    const { answer, isLost } = trainboard.useAnswer(state.told ? `/api/v1/graph?runs=${ids.map(encodeURIComponent).join(",")}` : null, ids);
    if (answer === null) return h("p", { className: "notice", role: "status" }, isLost ? "The graphs cannot be read now; trying again." : "Loading…");
    const counts = answer.runs;
    const runs = state.shown.filter((run) => counts[run.id]);
    const main = chosen("graph_run", runs, files) ?? runs[0];
    const twin = chosen("graph_twin", runs, files);
    const opened = (file) => {
      setFiles((known) => [file, ...known.filter(({ id }) => id !== file.id)]);
      trainboard.setQuery({ graph_run: file.id, graph_open: "", graph_box: "", graph_version: "" });
    };
    const pane = (side, run) => h(trainboard.GraphPane, { key: run.id, side, run, source: sourceOf(run, counts, side) });
    const layers = twin && trainboard.value("graph_view") === "layers";
    return h(
      "div",
      { className: "graph-page" },
      main && h(Toolbar, { runs: [...runs, ...files], main, twin, opened, setProblem }),
      problem && h("p", { role: "alert", className: "problem" }, problem, " ", h("button", { type: "button", onClick: () => setProblem(null) }, "Dismiss")),
      main && layers && h(trainboard.GraphTwin, { key: `${main.id} ${twin.id}`, main, twin }),
      main && !layers && h("div", { className: "graph-panes" }, pane("main", main), twin && pane("twin", twin)),
      !main && h(Nothing, { opened, setProblem }),
    );
  };

  /** What the API answers to a question about graphs of these runs; see `useAnswer`. */
  trainboard.useGraphAnswer = (name, question, runs) => trainboard.useAnswer(JSON.stringify([`/api/v1/graph/${name}`, question]), runs, { read });
  const read = (asked) => trainboard.ask(...JSON.parse(asked));

  /** The run or file that the address names; a file that this page did not open is known by its id alone. */
  function chosen(key, runs, files) {
    const id = trainboard.value(key);
    if (!id.startsWith(FILE)) return runs.find((run) => run.id === id);
    return files.find((file) => file.id === id) ?? { id, name: nameOf(id), color: "var(--quiet)" };
  }

  const nameOf = (id) => id.slice(FILE.length).replace(/^\w+:/, "");

  function sourceOf(run, counts, side) {
    const count = counts[run.id] ?? 0;
    const asked = side === "main" ? trainboard.value("graph_version") : "";
    const version = asked === "" ? count - 1 : Math.min(Number(asked) || 0, count - 1);
    if (run.id.startsWith(FILE)) return { run: run.id };
    const compared = side === "main" && trainboard.value("graph_changes") === "1" && version > 0;
    return { run: run.id, version, ...(compared && { against: version - 1 }) };
  }

  function Toolbar({ runs, main, twin, opened, setProblem }) {
    const pick = (key, value, label, first, list) =>
      h(
        "label",
        { className: "toolbar-field" },
        h("span", null, label),
        h(
          "select",
          { value: value?.id ?? "", "aria-label": label, onChange: (event) => trainboard.setQuery({ [key]: event.target.value, ...OF_ANOTHER[key] }) },
          first && h("option", { value: "" }, first),
          value && !list.some(({ id }) => id === value.id) && h("option", { value: value.id }, value.name),
          list.map((run) => h("option", { key: run.id, value: run.id }, run.name)),
        ),
      );
    const color = trainboard.value("graph_color");
    return h(
      "div",
      { className: "toolbar" },
      pick("graph_run", main, "Graph of", null, runs),
      pick("graph_twin", twin, "Beside", "None", runs.filter((run) => run.id !== main.id)),
      h(
        "div",
        { className: "toolbar-field", role: "group", "aria-label": "Color" },
        h("span", null, "Color"),
        Object.entries(COLORS).map(([key, label]) => h("button", { key, type: "button", className: "quiet-button", "aria-pressed": color === key, onClick: () => trainboard.setQuery({ graph_color: key }) }, label)),
      ),
      twin && h(
        "div",
        { className: "toolbar-field", role: "group", "aria-label": "View" },
        [["graphs", "Graphs"], ["layers", "Layer by layer"]].map(([key, label]) =>
          h("button", { key, type: "button", className: "quiet-button", "aria-pressed": trainboard.value("graph_view") === key, onClick: () => trainboard.setQuery({ graph_view: key }) }, label),
        ),
      ),
      h(trainboard.GraphFile, { opened, setProblem }),
    );
  }

  const OF_ANOTHER = {
    graph_run: { graph_open: "", graph_box: "", graph_version: "" },
    graph_twin: { graph_twin_open: "", graph_twin_box: "" },
  };

  function Nothing({ opened, setProblem }) {
    return h(
      "div",
      { className: "notice graph-nothing" },
      h("h2", null, "No graph in the runs shown"),
      h(trainboard.Elsewhere, { kinds: "graph" }),
      h("p", null, "PyTorch: log it once, with a batch that the model accepts."),
      h("pre", null, "run.log_graph(model, inputs)"),
      h("p", null, "Keras: the callback logs it by itself."),
      h("pre", null, "model.fit(x, y, callbacks=[tb.KerasCallback()])"),
      h("p", null, "Or look at a file: an ONNX model, a graph of TensorFlow, a program that torch.export saved."),
      h(trainboard.GraphFile, { opened, setProblem }),
    );
  }
})();
