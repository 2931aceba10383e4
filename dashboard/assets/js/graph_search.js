/* Finding operations and layers of a graph: as text or as a regular expression, one after the other by Enter. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;
  const PAUSE = 150;

  trainboard.GraphSearch = function GraphSearch({ source, reveal }) {
    const [text, setText] = useState(trainboard.value("graph_find"));
    const [at, setAt] = useState(-1);
    const [open, setOpen] = useState(false);
    const pattern = trainboard.value("graph_regex") === "1";
    const wanted = trainboard.value("graph_find");
    useEffect(() => setText(wanted), [wanted]);
    useEffect(() => {
      const timer = setTimeout(() => text !== trainboard.value("graph_find") && trainboard.setQuery({ graph_find: text }), PAUSE);
      return () => clearTimeout(timer);
    }, [text]);
    const { answer } = trainboard.useGraphAnswer("find", { ...source, text: wanted, pattern }, []);
    const told = wanted.trim() ? answer : null;
    useEffect(() => setAt(-1), [wanted, pattern, JSON.stringify(source)]);
    const go = (index) => {
      setAt(index);
      reveal(told.found[index].id);
    };
    const keys = (event) => {
      if (event.key === "Escape") setOpen(false);
      if (event.key !== "Enter" || !told?.found.length || text !== wanted) return;
      event.preventDefault();
      const count = told.found.length;
      go((Math.max(at, event.shiftKey ? 0 : -1) + (event.shiftKey ? count - 1 : 1)) % count);
    };
    return h(
      "div",
      { className: "graph-find", onFocus: () => setOpen(true), onBlur: (event) => event.currentTarget.contains(event.relatedTarget) || setOpen(false) },
      h("input", {
        type: "search",
        placeholder: "Find an operation or layer",
        "aria-label": "Find an operation or layer",
        title: "Enter goes to the next one, Shift+Enter to the one before (/)",
        value: text,
        onChange: (event) => (setText(event.target.value), setOpen(true)),
        onKeyDown: keys,
      }),
      h("button", { type: "button", className: "quiet-button", "aria-pressed": pattern, title: "As a regular expression", onClick: () => trainboard.setQuery({ graph_regex: pattern ? "0" : "1" }) }, ".*"),
      h("span", { className: "graph-found quiet", role: "status" }, told && (told.problem ?? `${at >= 0 ? `${at + 1} of ` : ""}${told.total.toLocaleString("en")} found`)),
      open && told?.found.length > 0 && h(
        "ul",
        { className: "graph-matches", "aria-label": "Found" },
        told.found.map((one, index) =>
          h("li", { key: one.id }, h("button", { type: "button", "aria-current": index === at, onClick: () => go(index) }, one.name, " ", h("span", { className: "quiet" }, one.op))),
        ),
        told.total > told.found.length && h("li", { className: "quiet" }, `and ${(told.total - told.found.length).toLocaleString("en")} more`),
      ),
    );
  };

  /** The step of a graph; of several at one step, as traces of TensorFlow's functions are, which one it is. */
  function stepText(versions, index) {
    const alike = versions.filter((step) => step === versions[index]).length;
    const before = versions.slice(0, index).filter((step) => step === versions[index]).length;
    return alike > 1 ? `${versions[index]} (${before + 1} of ${alike})` : versions[index];
  }

  /** Earlier graphs of the run, and what is different between one and the next. */
  trainboard.GraphVersions = function GraphVersions({ about, reveal }) {
    const { versions, changes, events } = about;
    if (versions.length < 2) return null;
    const asked = trainboard.value("graph_version");
    const at = asked === "" ? versions.length - 1 : Math.min(Number(asked), versions.length - 1);
    const comparing = trainboard.value("graph_changes") === "1";
    const choose = (index) => trainboard.setQuery({ graph_version: index === versions.length - 1 ? "" : String(index) });
    const count = { added: 0, removed: 0, changed: 0 };
    for (const { change } of changes) count[change]++;
    return h(
      "div",
      { className: "graph-versions" },
      h("label", null, "Graph of step ", h("select", { value: at, onChange: (event) => choose(Number(event.target.value)) }, versions.map((step, index) => h("option", { key: index, value: index }, stepText(versions, index))))),
      h("label", { title: "With the graph that was logged before" }, h("input", { type: "checkbox", checked: comparing, onChange: () => trainboard.setQuery({ graph_changes: comparing ? "0" : "1" }) }), " Changes"),
      comparing && at === 0 && h("span", { className: "quiet" }, "This is the first graph"),
      comparing && at > 0 && h(
        "details",
        { className: "graph-changes" },
        h("summary", null, Object.entries(count).map(([change, number]) => h("span", { key: change, className: `change-chip change-${change}` }, `${number} ${change}`))),
        h(
          "ul",
          null,
          changes.map((one) => h("li", { key: one.id }, h("button", { type: "button", onClick: () => reveal(one.id) }, h("span", { className: `change-chip change-${one.change}` }, one.change), one.name, " ", h("span", { className: "quiet" }, one.words)))),
          events.map((one, index) => h("li", { key: `event ${index}`, className: "quiet" }, `Step ${one.step}: ${one.title}`)),
        ),
      ),
    );
  };
})();
