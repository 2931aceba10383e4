/* The dialog in which people make a chart of several tags and formulas. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const CHECK_MILLISECONDS = 250;
  const OFFERED = 1000;
  const EMPTY = { id: null, title: "", rows: [{ text: "", right: false }] };

  /** Open the dialog for a chart, or for a new one. */
  trainboard.editChart = (chart) => trainboard.emit("edit-chart", chart ?? null);

  trainboard.ChartEditor = function ChartEditor({ tags }) {
    const dialog = useRef(null);
    const [draft, setDraft] = useState(EMPTY);
    const problems = useProblems(draft.rows, tags);
    useEffect(() =>
      trainboard.on("edit-chart", (chart) => {
        setDraft(chart ? drafted(chart) : EMPTY);
        dialog.current.showModal();
      }), []);
    const setRow = (at, changes) =>
      setDraft({ ...draft, rows: draft.rows.map((row, i) => (i === at ? { ...row, ...changes } : row)) });
    const filled = draft.rows.filter(({ text }) => text.trim());
    const isReady = filled.length > 0 && problems.every((problem) => problem === null);
    const save = (event) => {
      event.preventDefault();
      if (!isReady) return;
      const side = (right) => filled.filter((row) => row.right === right).map(({ text }) => text.trim());
      trainboard.setOwnChart(draft.id, { title: draft.title.trim(), left: side(false), right: side(true) });
      dialog.current.close();
    };
    return h(
      "dialog",
      { className: "chart-editor", ref: dialog, "aria-label": "Chart" },
      h(
        "form",
        { onSubmit: save },
        h("h2", null, draft.id ? "Change the chart" : "New chart"),
        h("p", { className: "quiet" }, "Each line is a tag, or arithmetic over tags with spaces around operators: train/loss - val/loss. Tags with spaces or brackets stand between backticks."),
        h("datalist", { id: "editor-tags" }, tags.slice(0, OFFERED).map((tag) => h("option", { key: tag, value: tag }))),
        draft.rows.map((row, i) => h(Row, { key: i, row, at: i, problem: problems[i], set: (changes) => setRow(i, changes) })),
        h("button", { type: "button", onClick: () => setDraft({ ...draft, rows: [...draft.rows, { text: "", right: false }] }) }, "Add a line"),
        h("label", { className: "editor-title" }, "Title", h("input", { type: "text", value: draft.title, maxLength: 200, placeholder: "made of the lines", onChange: (event) => setDraft({ ...draft, title: event.target.value }) })),
        h(
          "footer",
          null,
          h("button", { type: "submit", disabled: !isReady }, "Show the chart"),
          h("button", { type: "button", onClick: () => dialog.current.close() }, "Cancel"),
        ),
      ),
    );
  };

  function Row({ row, at, problem, set }) {
    const name = `Line ${at + 1}`;
    return h(
      "div",
      { className: "editor-row" },
      h("input", {
        type: "text", list: "editor-tags", value: row.text, "aria-label": name, "aria-invalid": problem !== null, "aria-describedby": `editor-problem-${at}`,
        autoFocus: at === 0, onChange: (event) => set({ text: event.target.value }),
      }),
      h(
        "select",
        { value: row.right ? "right" : "left", "aria-label": `Axis of line ${at + 1}`, onChange: (event) => set({ right: event.target.value === "right" }) },
        h("option", { value: "left" }, "Left axis"),
        h("option", { value: "right" }, "Right axis"),
      ),
      h("p", { className: "editor-problem", id: `editor-problem-${at}`, role: "alert" }, problem ?? ""),
    );
  }

  function drafted({ id, title, left, right }) {
    const rows = [...left.map((text) => ({ text, right: false })), ...right.map((text) => ({ text, right: true }))];
    const isNamed = title !== [...left, ...right].join(", ");
    const isOwn = trainboard.isOwn({ id });
    return { id: isOwn ? id : null, title: isOwn && isNamed ? title : "", rows: isOwn ? rows : [...rows, { text: "", right: false }] };
  }

  /** Of each row what is wrong with it, or null; Python checks formulas. */
  function useProblems(rows, tags) {
    const [checked, setChecked] = useState(new Map());
    const asked = rows.map(({ text }) => text.trim()).filter((text) => text && !tags.includes(text) && !checked.has(text));
    useEffect(() => {
      if (asked.length === 0) return undefined;
      const timer = setTimeout(async () => {
        const found = await Promise.all(asked.map((text) => check(text)));
        setChecked((before) => new Map([...before, ...asked.map((text, i) => [text, found[i]])]));
      }, CHECK_MILLISECONDS);
      return () => clearTimeout(timer);
    }, [JSON.stringify(asked)]);
    return rows.map(({ text }) => {
      const source = text.trim();
      if (!source || tags.includes(source)) return null;
      const told = checked.get(source);
      if (told === undefined) return "";
      if (told.problem) return told.problem;
      const unknown = told.tags.filter((tag) => !tags.includes(tag));
      return unknown.length ? `No shown run has the tag ${unknown.map((tag) => `“${tag}”`).join(", ")}.` : null;
    });
  }

  async function check(text) {
    try {
      return await trainboard.json(`/api/v1/charts/formula?${new URLSearchParams({ text })}`);
    } catch {
      return { problem: "The server cannot be asked now." };
    }
  }
})();
