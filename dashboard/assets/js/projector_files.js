/* Files of the Projector page: vectors and metadata that people open, cells that they change, and metadata to take
   away. The server holds them in memory only; nothing of them is written to the store. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useState } = React;
  const MOST_BYTES = 64 * 2 ** 20;
  const NOWHERE = { step: "", basis: "", point: "", only: "", camera: "", search: "", label: "", color: "", metadata: "" };
  const set = (changes) => trainboard.setProjector(changes);
  const opened = new Map(); /* tags of files by what they are asked for by, as long as the page is open */

  trainboard.isProjectorFile = (run) => run.startsWith("file:");

  /** The files that were opened, and the one that the address names, as embeddings of one step. */
  trainboard.projectorFiles = () => {
    const run = trainboard.projectorValue("run");
    if (trainboard.isProjectorFile(run)) opened.set(run, trainboard.projectorValue("tag"));
    return [...opened].map(([id, tag]) => ({ run: id, tag, rank: 0, steps: [0], indices: [0] }));
  };

  /** A button that lets people choose a file, and what came of it; `read(file)` raises an Error for people. */
  function FileButton({ text, title, accept, read, setProblem }) {
    const [busy, setBusy] = useState(false);
    const take = async (input) => {
      const [file] = input.files;
      if (!file) return;
      setBusy(true);
      setProblem("");
      try {
        if (file.size > MOST_BYTES) throw new Error(`${file.name} is larger than ${MOST_BYTES / 2 ** 20} MiB: log it with tb.Embedding.`);
        await read(file);
      } catch (error) {
        setProblem(error.message);
      }
      input.value = "";
      setBusy(false);
    };
    return h("label", { className: "projector-file", title },
      h("input", { type: "file", accept, disabled: busy, "aria-label": text, onChange: (event) => take(event.target) }),
      h("span", { "aria-hidden": true }, busy ? "Reading…" : text));
  }

  const openVectors = async (file) => {
    const { run, tag } = await trainboard.projector.send("vectors", { name: file.name }, file);
    set({ ...NOWHERE, run, tag });
  };

  /** The button alone, where there is no embedding yet. */
  trainboard.OpenVectors = function OpenVectors() {
    const [problem, setProblem] = useState("");
    return h(React.Fragment, null,
      h(FileButton, { text: "Open vectors…", title: "Rows of numbers between tabs, or an array of NumPy (.npy); nothing of it is kept", accept: ".tsv,.txt,.npy", read: openVectors, setProblem }),
      problem && h("p", { className: "problem", role: "alert" }, problem));
  };

  /** `place` is the embedding on show; without `info` it cannot be read. */
  trainboard.ProjectorFiles = function ProjectorFiles({ place, info }) {
    const [problem, setProblem] = useState("");
    const openMetadata = async (file) => {
      const { metadata } = await trainboard.projector.send("metadata", { ...place, metadata: "", name: file.name }, file);
      set({ metadata, label: "", color: "", search: "" });
    };
    return h("section", { className: "projector-files" },
      h("h2", null, "Files"),
      h(trainboard.OpenVectors),
      info && h(FileButton, { text: "Open metadata…", title: "What is known of each point: rows of texts between tabs, with the names of columns first if there are several", accept: ".tsv,.txt", read: openMetadata, setProblem }),
      info?.columns.length > 0 && h("a", { className: "button", href: trainboard.projector.url("metadata", place), download: "metadata.tsv", title: "All metadata between tabs, as TensorBoard's projector loads it" }, "Save metadata"),
      place.metadata && h("button", { title: "Back to the metadata that was logged", onClick: () => set({ metadata: "", label: "", color: "", search: "" }) }, "Discard changes"),
      place.metadata && h("p", { className: "quiet" }, "Changed metadata is held until the server stops: save it."),
      problem && h("p", { className: "problem", role: "alert" }, problem));
  };

  /** Write a text into a column of the selected points. */
  trainboard.ProjectorEdit = function ProjectorEdit({ place, rows, columns }) {
    const [column, setColumn] = useState("");
    const [text, setText] = useState("");
    const [problem, setProblem] = useState("");
    const colored = trainboard.projectorValue("color");
    const chosen = [column, colored].find((name) => columns.includes(name)) ?? columns[0] ?? "label";
    const write = async (event) => {
      event.preventDefault();
      try {
        const { metadata } = await trainboard.projector.send("label", place, { rows, column: chosen, text });
        setProblem("");
        set({ metadata });
      } catch (error) {
        setProblem(error.message);
      }
    };
    return h("form", { className: "projector-edit", onSubmit: write, title: "Write this into the metadata of the selected points; what was logged stays as it is" },
      h("select", { "aria-label": "Column to change", value: chosen, onChange: (event) => setColumn(event.target.value) }, (columns.length ? columns : ["label"]).map((name) => h("option", { key: name, value: name }, name))),
      h("input", { type: "text", "aria-label": "What it becomes", placeholder: "new text", value: text, onChange: (event) => setText(event.target.value) }),
      h("button", { type: "submit" }, "Set"),
      problem && h("p", { className: "problem", role: "alert" }, problem));
  };
})();
