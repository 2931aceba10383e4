/* Saved views: the address of a page under a name, in the store, for everyone who opens it. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const URL_OF_VIEWS = "/api/v1/views";

  trainboard.ViewMenu = function ViewMenu() {
    const state = trainboard.useState("runs");
    const dialog = useRef(null);
    const [isOpen, setOpen] = useState(false);
    const [views, setViews] = useState([]);
    const [name, setName] = useState("");
    const [renaming, setRenaming] = useState(null);
    const [problem, setProblem] = useState(null);
    const { project } = state;
    const isKnown = state.runs !== null; /* before that nobody knows whose views they are */
    const load = async () => {
      const answer = await trainboard.json(`${URL_OF_VIEWS}?project=${encodeURIComponent(project ?? "")}`).catch(() => null);
      if (answer && project === state.project) setViews(answer.views);
    };
    useEffect(() => {
      if (isOpen && isKnown) load();
    }, [isOpen, isKnown, project]);
    const show = () => {
      setProblem(null);
      setOpen(true);
      if (!dialog.current.open) dialog.current.showModal();
    };
    trainboard.showViews = show;
    async function change(asked) {
      const refusal = await trainboard.change(URL_OF_VIEWS, { project, ...asked });
      setProblem(refusal && { ...refusal, asked });
      if (refusal) return;
      setName("");
      setRenaming(null);
      await load();
    }
    const open = (event, view) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      dialog.current.close();
      trainboard.open(view.address);
    };
    const save = (event) => {
      event.preventDefault();
      change({ action: "save", name, address: address(project) });
    };
    return h(
      React.Fragment,
      null,
      h("button", { id: "views-button", title: "Saved views (s)", onClick: show }, "Views"),
      h(
        "dialog",
        { ref: dialog, id: "views-dialog", "aria-label": "Saved views", onClose: () => setOpen(false) },
        h("h2", null, "Saved views"),
        views.length === 0 && h("p", { className: "quiet" }, "A view keeps this page as it is now: filters, columns, runs, axes."),
        h(
          "ul",
          null,
          views.map((view) =>
            h(
              "li",
              { key: view.name },
              renaming?.name === view.name
                ? h(Rename, { renaming, setRenaming, change })
                : h("a", { href: view.address, title: view.address, onClick: (event) => open(event, view) }, view.name),
              h("button", { className: "quiet-button", onClick: () => setRenaming({ name: view.name, to: view.name }) }, "Rename"),
              h("button", { className: "quiet-button", "aria-label": `Delete ${view.name}`, onClick: () => change({ action: "delete", name: view.name }) }, "Delete"),
            ),
          ),
        ),
        h(
          "form",
          { className: "control", onSubmit: save },
          h("input", { "aria-label": "Name of the view", placeholder: "Name of this view", value: name, required: true, maxLength: 200, onChange: (event) => setName(event.target.value) }),
          h("button", { disabled: !isKnown }, "Save"),
        ),
        problem && h(trainboard.Problem, { problem, retry: () => change(problem.asked) }),
        h("button", { onClick: () => dialog.current.close() }, "Close"),
      ),
    );
  };

  function Rename({ renaming, setRenaming, change }) {
    const submit = (event) => {
      event.preventDefault();
      change({ action: "rename", ...renaming });
    };
    return h(
      "form",
      { onSubmit: submit },
      h("input", { "aria-label": "New name", autoFocus: true, value: renaming.to, required: true, onChange: (event) => setRenaming({ ...renaming, to: event.target.value }) }),
    );
  }

  /** This page as it is, its project named: without, another would be shown once that has newer runs. */
  function address(project) {
    return `${location.pathname}?${new URLSearchParams({ ...trainboard.state.query, project: project ?? "" })}`;
  }
})();
