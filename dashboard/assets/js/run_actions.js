/* What people do to the runs they chose in the table: show, compare, rename, tag, note, archive, delete, undo. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useState } = React;
  const CHANGES = "/api/v1/run-changes";
  const MOST_COMPARED = 20;
  const MOST_SHOWN = 200;
  const CONFLICT = 409;

  /** `ids` are those of all chosen runs, `rows` what is known of those that were in view. */
  trainboard.RunActions = function RunActions({ ids, rows, clear, done }) {
    const [form, setForm] = useState(null);
    const [problem, setProblem] = useState(null);
    const [undo, setUndo] = useState(null);
    async function change(asked, back = null) {
      const wanted = { runs: ids, ...asked };
      const refusal = await trainboard.change(CHANGES, wanted);
      setProblem(refusal && { ...refusal, asked: wanted, back });
      if (refusal) return;
      setForm(null);
      setUndo(back && { ...back, runs: wanted.runs });
      done();
    }
    const one = ids.length === 1 ? rows.find((run) => run.id === ids[0]) : null;
    const archived = rows.length > 0 && rows.every((run) => run.archived);
    const words = ids.length === 1 ? "1 run" : `${trainboard.format.integer(ids.length)} runs`;
    const remove = (more) => change({ action: "delete", ...more }, { action: "restore", words: `Deleted: ${words}.` });
    const isLive = problem?.status === CONFLICT && problem.asked.action === "delete";
    const button = (label, onClick, more = {}) => h("button", { className: "quiet-button", onClick, ...more }, label);
    return h(
      "div",
      { className: "run-changes" },
      ids.length > 0 &&
        h(
          "div",
          { className: "run-actions", role: "toolbar", "aria-label": "Chosen runs" },
          h("span", { role: "status" }, `${words} chosen`),
          button("Clear", clear),
          ids.length <= MOST_SHOWN && button("Show on charts", () => trainboard.open(`/?${new URLSearchParams({ ...trainboard.state.query, hidden: "", only: ids.join(",") })}`)),
          ids.length > 1 && button(ids.length > MOST_COMPARED ? `Differences of the first ${MOST_COMPARED}` : "Differences", () => trainboard.setValues("diff", ids.slice(0, MOST_COMPARED))),
          one && button("Rename", () => setForm({ action: "rename", field: "name", label: "New name", value: one.name })),
          one && button("Note", () => setForm({ action: "note", field: "notes", label: "Notes", value: one.notes })),
          button("Tag", () => setForm({ action: "tag", field: "add", label: "Tag to add; with a minus before it, to remove", value: "" })),
          archived
            ? button("Unarchive", () => change({ action: "unarchive" }, { action: "archive", words: `Listed again: ${words}.` }))
            : button("Archive", () => change({ action: "archive" }, { action: "unarchive", words: `Archived: ${words}.` })),
          button("Delete", () => remove()),
        ),
      form && ids.length > 0 && h(Form, { form, setForm, change }),
      problem && h(trainboard.Problem, { problem, retry: () => change(problem.asked, problem.back) }),
      isLive && ids.length > 0 && h("div", { className: "run-actions" }, button("Delete them all the same", () => remove({ force: true }))),
      undo &&
        h(
          "div",
          { className: "run-undo", role: "status" },
          undo.words,
          button("Undo", () => change({ action: undo.action, runs: undo.runs })),
          button("×", () => setUndo(null), { "aria-label": "Dismiss" }),
        ),
    );
  };

  function Form({ form, setForm, change }) {
    const submit = (event) => {
      event.preventDefault();
      const { action, field, value } = form;
      if (action !== "tag") return change({ action, [field]: value });
      const tags = value.split(",").map((tag) => tag.trim()).filter(Boolean);
      const remove = tags.filter((tag) => tag.startsWith("-")).map((tag) => tag.slice(1));
      return change({ action, add: tags.filter((tag) => !tag.startsWith("-")), remove });
    };
    return h(
      "form",
      { className: "control run-form", onSubmit: submit, onKeyDown: (event) => event.key === "Escape" && setForm(null) },
      h("label", { htmlFor: "run-change" }, form.label),
      h("input", { id: "run-change", type: "text", autoFocus: true, value: form.value, onChange: (event) => setForm({ ...form, value: event.target.value }) }),
      h("button", null, "Save"),
      h("button", { type: "button", onClick: () => setForm(null) }, "Cancel"),
    );
  }
})();
