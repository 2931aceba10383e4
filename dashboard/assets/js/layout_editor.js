/* The dialog in which people arrange a layout: charts in categories, of expressions or of a value in bounds. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const EMPTY = { category: "", title: "", type: "multiline", tags: [""] };
  const BOUNDS = ["Value", "Lower bound", "Upper bound"];
  const OFFERED = 1000;

  trainboard.LayoutEditor = function LayoutEditor({ tags }) {
    const dialog = useRef(null);
    const [charts, setCharts] = useState([]);
    const [problem, setProblem] = useState(null);
    useEffect(() =>
      trainboard.on("edit-layout", () => {
        const now = trainboard.layout.charts();
        setCharts(now.length ? now : [EMPTY]);
        setProblem(null);
        dialog.current.showModal();
      }), []);
    const set = (at, changes) => setCharts(charts.map((chart, i) => (i === at ? { ...chart, ...changes } : chart)));
    const move = (at, by) => setCharts(moved(charts, at, at + by));
    const show = (event) => {
      event.preventDefault();
      trainboard.layout.show(tidy(charts));
      dialog.current.close();
    };
    const keep = async () => {
      const refusal = await trainboard.layout.keep(tidy(charts));
      setProblem(refusal);
      if (refusal) return;
      trainboard.layout.show(null);
      await trainboard.layout.look();
      dialog.current.close();
    };
    const logged = () => {
      trainboard.layout.show(null);
      dialog.current.close();
    };
    return h(
      "dialog",
      { className: "chart-editor layout-editor", ref: dialog, "aria-label": "Layout" },
      h(
        "form",
        { onSubmit: show },
        h("h2", null, "Layout"),
        h("p", { className: "quiet" }, "Charts in categories, above all others. A chart of lines takes tags, or regular expressions of how tags begin; one with a band takes a tag, and two for the bounds around it."),
        h("datalist", { id: "layout-tags" }, tags.slice(0, OFFERED).map((tag) => h("option", { key: tag, value: tag }))),
        h("ol", null, charts.map((chart, i) => h(Chart, { key: i, chart, at: i, count: charts.length, set: (changes) => set(i, changes), move: (by) => move(i, by), remove: () => setCharts(charts.filter((_, k) => k !== i)) }))),
        h("button", { type: "button", onClick: () => setCharts([...charts, { ...EMPTY, category: charts.at(-1)?.category ?? "" }]) }, "Add a chart"),
        problem && h(trainboard.Problem, { problem, retry: keep }),
        h(
          "footer",
          null,
          h("button", { type: "submit", title: "In the address, for this page and for saved views" }, "Show"),
          h("button", { type: "button", title: "Log it to the shown runs, for everybody, and for logs exported to TensorBoard", onClick: keep }, "Keep in the shown runs"),
          trainboard.layout.isOwn() && h("button", { type: "button", title: "Draw what the runs logged", onClick: logged }, "As logged"),
          h("button", { type: "button", onClick: () => dialog.current.close() }, "Cancel"),
        ),
      ),
    );
  };

  function moved(charts, from, to) {
    const others = charts.filter((_, i) => i !== from);
    return [...others.slice(0, to), charts[from], ...others.slice(to)];
  }

  /** Without what was left empty. */
  function tidy(charts) {
    const filled = charts.map(({ category, title, type, tags }) => ({ category: category.trim(), title: title.trim(), type, tags: tags.map((tag) => tag.trim()) }));
    return filled.map((chart) => (chart.type === "margin" ? chart : { ...chart, tags: chart.tags.filter(Boolean) })).filter(({ tags }) => tags.some(Boolean));
  }

  function Chart({ chart, at, count, set, move, remove }) {
    const isMargin = chart.type === "margin";
    const name = chart.title || `chart ${at + 1}`;
    const field = (label, value, change, rest = {}) => h("input", { type: "text", "aria-label": `${label} of ${name}`, placeholder: label, value, maxLength: 1000, onChange: (event) => change(event.target.value), ...rest });
    const setTag = (i) => (text) => set({ tags: chart.tags.map((tag, k) => (k === i ? text : tag)) });
    const setType = (event) => set({ type: event.target.value, tags: event.target.value === "margin" ? [0, 1, 2].map((i) => chart.tags[i] ?? "") : chart.tags });
    const tool = (mark, label, press, disabled) => h("button", { type: "button", title: label, "aria-label": `${label}: ${name}`, disabled, onClick: press }, mark);
    return h(
      "li",
      null,
      h(
        "div",
        { className: "layout-row" },
        field("Category", chart.category, (category) => set({ category })),
        field("Title", chart.title, (title) => set({ title })),
        h("select", { "aria-label": `Kind of ${name}`, value: chart.type, onChange: setType }, h("option", { value: "multiline" }, "Lines"), h("option", { value: "margin" }, "Line with a band")),
        h("span", { className: "layout-moves" }, tool("↑", "Move up", () => move(-1), at === 0), tool("↓", "Move down", () => move(1), at === count - 1), tool("✕", "Remove", remove)),
      ),
      h(
        "div",
        { className: "layout-sources" },
        chart.tags.map((tag, i) => field(isMargin ? BOUNDS[i] : `Tags, such as train/.*${i ? ` (${i + 1})` : ""}`, tag, setTag(i), { key: i, list: "layout-tags", required: isMargin })),
        !isMargin && tool("+", "Another expression", () => set({ tags: [...chart.tags, ""] })),
      ),
    );
  }
})();
