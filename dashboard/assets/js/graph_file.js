/* A graph from a file: the server reads it without running anything in it, and keeps nothing of it in the store. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useState } = React;
  const MOST_BYTES = 64 * 2 ** 20;
  const KINDS = ".onnx,.pb,.pbtxt,.pt2";

  trainboard.GraphFile = function GraphFile({ opened, setProblem }) {
    const [busy, setBusy] = useState(null);
    const read = async (file) => {
      if (!file) return;
      setProblem(null);
      if (file.size > MOST_BYTES) {
        return void setProblem(`${file.name} has ${Math.round(file.size / 2 ** 20).toLocaleString("en")} MiB, and ${MOST_BYTES / 2 ** 20} can be sent. Run this where it is: trainboard graph ${file.name} --store STORE`);
      }
      setBusy(file.name);
      try {
        const answer = await fetch(`/api/v1/graph/file?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file, headers: { "content-type": "application/octet-stream" } });
        const told = await answer.json();
        answer.ok ? opened({ id: told.id, name: told.name, color: "var(--quiet)" }) : setProblem(told.message);
      } catch {
        setProblem(`${file.name} could not be sent; the server cannot be reached.`);
      }
      setBusy(null);
    };
    return h(
      "label",
      { className: "graph-file", title: "An ONNX model, a GraphDef of TensorFlow, a program of torch.export; nothing of it is run or kept" },
      h("input", { type: "file", accept: KINDS, disabled: busy !== null, "aria-label": "Open a file", onChange: (event) => (void read(event.target.files[0]), (event.target.value = "")) }),
      h("span", { "aria-hidden": true }, busy ? `Reading ${busy}…` : "Open a file…"),
    );
  };
})();
