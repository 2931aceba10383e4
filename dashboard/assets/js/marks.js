/* What happened in the shown runs, as marks on charts: events that programs logged, and restarts. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const known = new Map(); /* run -> its marks, or null while they are asked for */
  const RUNS_PER_REQUEST = 200;
  const NONE = [];
  const RESTARTS = "restarts"; /* the tag under which programs say that they resumed a run */
  let count = 0;

  const isWanted = () => trainboard.value("marks") === "1" && document.querySelector(".chart-grid") !== null;

  async function learn(runs) {
    for (let at = 0; at < runs.length; at += RUNS_PER_REQUEST) {
      const ids = runs.slice(at, at + RUNS_PER_REQUEST);
      ids.forEach((run) => known.has(run) || known.set(run, null));
      try {
        const answer = await trainboard.json(`/api/v1/charts/marks?${new URLSearchParams({ runs: ids.join(",") })}`);
        for (const run of ids) known.set(run, answer.runs[run] ?? []);
      } catch {
        ids.forEach((run) => known.get(run) ?? known.delete(run)); /* the next tick asks again */
      }
    }
    count += 1;
    trainboard.emit("marks");
  }

  const ask = (runs) => isWanted() && runs.length > 0 && learn(runs);
  const unknown = () => state.shown.map((run) => run.id).filter((run) => !known.has(run));
  for (const event of ["shown", "query", "catalog"]) trainboard.on(event, () => ask(unknown()));
  trainboard.on("tick", (runs) => {
    const changed = new Set(runs ?? known.keys());
    ask(state.shown.map((run) => run.id).filter((run) => changed.has(run) || !known.has(run)));
  });

  trainboard.marks = {
    /** How often more became known. */
    count: () => count,

    /** The marks of the runs of these lines: {run, name, color, step, wall, title, level}. */
    along(lines) {
      if (trainboard.value("marks") !== "1" || trainboard.bands.isOn()) return NONE;
      const runs = new Map(lines.map((line) => [line.run, line]));
      return [...runs.values()].flatMap((line) => {
        const { run, color } = line;
        const name = state.shown.find(({ id }) => id === run)?.name ?? line.name;
        const restarts = trainboard.restartsOf(line).map((restart) => ({ ...restart, title: "went on from here", level: "info" }));
        const told = (known.get(run) ?? []).filter((mark) => mark.tag !== RESTARTS || !isSeen(mark, restarts));
        return [...told, ...restarts].map((mark) => ({ ...mark, run, name, color }));
      });
    },
  };

  /** A program that resumes a run says so before it knows from which checkpoint; the points after that show it. */
  const isSeen = ({ step, wall }, restarts) => restarts.some((restart) => restart.wall >= wall && restart.step <= step);
})();
