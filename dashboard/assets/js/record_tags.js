/* Which tags of histograms and images the shown runs have, where people want cards of these. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const KINDS = ["histogram", "image"];
  const MOST_RUNS = 200; /* of the newest that are shown */
  const RETRY_MILLISECONDS = 2000;
  let catalog = new Map(); /* kind -> tag -> the ids of its runs */
  let charts = [];
  let asked = 0;

  trainboard.hasKind = (kind) => trainboard.values("kinds").includes(kind);
  const wanted = () => KINDS.filter(trainboard.hasKind);

  async function read() {
    const question = (asked += 1);
    const runs = state.shown.slice(0, MOST_RUNS).map(({ id }) => id);
    try {
      const found = await Promise.all(runs.length ? wanted().map((kind) => tagsOf(kind, runs)) : []);
      if (question !== asked) return;
      keep(new Map(found));
    } catch {
      setTimeout(() => question === asked && read(), RETRY_MILLISECONDS);
    }
  }

  async function tagsOf(kind, runs) {
    const answer = await trainboard.json(`/api/v1/series?${new URLSearchParams({ runs: runs.join(), kind })}`);
    const tags = new Map();
    for (const [run, positions] of Object.entries(answer.runs)) {
      for (const [tag] of positions.map((position) => answer.series[position])) tags.set(tag, (tags.get(tag) ?? new Set()).add(run));
    }
    return [kind, tags];
  }

  function keep(found) {
    catalog = found;
    const listed = [...found].flatMap(([kind, tags]) => [...tags.keys()].map((tag) => ({ id: `${kind}:${tag}`, kind, title: tag })));
    if (JSON.stringify(listed) !== JSON.stringify(charts)) charts = listed;
    trainboard.emit("catalog");
  }

  /** The cards of the kinds that people chose beside scalars: [{id, kind, title}]. */
  trainboard.recordCharts = () => charts;

  /** The shown runs that have the tag of such a card, newest first. */
  trainboard.holdersOf = ({ kind, title }) => state.shown.filter(({ id }) => catalog.get(kind)?.get(title)?.has(id));

  let chosen = "";
  trainboard.on("query", () => {
    const now = wanted().join();
    if (now !== chosen) read();
    chosen = now;
  });
  trainboard.on("shown", () => wanted().length && read());
  trainboard.on("tick", (runs) => wanted().length && (runs === null || state.shown.some(({ id }) => runs.has(id))) && read());
})();
