/* Where the shown runs have nothing for a page: which other runs of the project do, and a button that shows them. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);

  /** `kinds`: the kinds of records that the page is about, joined by commas. */
  trainboard.Elsewhere = function Elsewhere({ id, kinds }) {
    const state = trainboard.useState("shown", "runs");
    const project = trainboard.value("project") || state.project;
    const url = project === null ? null : `/api/v1/holders?${new URLSearchParams({ project, kinds })}`;
    const { answer } = trainboard.useAnswer(url, state.shown.map((run) => run.id));
    const shown = new Set(state.shown.map((run) => run.id));
    const others = (answer?.runs ?? []).filter((run) => !shown.has(run));
    if (others.length === 0) return null;
    const many = others.length > 1;
    return h(
      "p",
      { id, className: "elsewhere" },
      `${others.length} other ${many ? "runs" : "run"} of this project ${many ? "have" : "has"} some. `,
      h("button", { type: "button", className: "quiet-button", onClick: () => show(others) }, many ? "Show them" : "Show it"),
    );
  };

  async function show(ids) {
    trainboard.keepRuns((await trainboard.json(`/api/v1/runs?ids=${ids.map(encodeURIComponent).join(",")}`)).runs);
    trainboard.show(ids);
  }
})();
