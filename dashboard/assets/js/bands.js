/* Groups of runs in place of runs: one line a group, its band around it. Python brings them together. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const WIDTH = 500;
  const REST_MILLISECONDS = 1000;
  const COLUMNS = ["x", "value", "low", "high", "count"];
  const STATISTICS = ["mean", "median"];
  const BANDS = ["std", "sem", "bootstrap", "minmax"];
  const EVERY_RUN = "runs"; /* in place of a band: the runs themselves, faint */
  const wanted = new Map(); /* source -> listeners of the cards in view */
  const kept = new Map(); /* source -> its lines */
  let groups = null; /* [{name, runs}] */
  let timer = null;
  let asking = false;
  let isStale = false;
  let asked = ""; /* what the kept lines are of */
  let wrong = null; /* the expression by which nothing can be grouped, while there are no groups to keep */

  const oneOf = (key, allowed) => (allowed.includes(trainboard.value(key)) ? trainboard.value(key) : allowed[0]);
  const isOn = () => !["", wrong].includes(trainboard.value("groups"));
  const showsRuns = () => trainboard.value("band") === EVERY_RUN;

  function question() {
    const { axis } = trainboard.look();
    return JSON.stringify([trainboard.value("groups"), state.shown.map(({ id }) => id), axis, oneOf("statistic", STATISTICS), oneOf("band", BANDS)]);
  }

  function schedule(delay = 0) {
    if (!isOn() || timer !== null) return;
    timer = setTimeout(refresh, delay);
  }

  async function refresh() {
    timer = null;
    if (asking || document.hidden || state.shown.length === 0 || wanted.size === 0) return;
    asking = true;
    const now = question();
    isStale = false;
    try {
      if (now !== asked) {
        groups = await trainboard.groupRuns(trainboard.value("groups"));
        kept.clear();
        wrong = null;
        asked = now;
        trainboard.emit("bands");
      }
      const sources = [...wanted.keys()];
      const found = await Promise.all(sources.map(read));
      if (now === question()) sources.forEach((source, i) => kept.set(source, found[i]));
      sources.forEach((source) => wanted.get(source)?.forEach((listener) => listener()));
    } catch (error) {
      isStale = true; /* a wrong expression is told beside its field, a lost server by the shell */
      if (error.isWrong && groups === null) fallBack(error.message);
    }
    asking = false;
    if (isStale || now !== question() || [...wanted.keys()].some((source) => !kept.has(source))) schedule(REST_MILLISECONDS);
  }

  function forget() {
    kept.clear();
    groups = null;
    asked = "";
  }

  /** Without groups to keep, the charts show the runs. */
  function fallBack(problem) {
    wrong = trainboard.value("groups");
    trainboard.emit("groups", { text: wrong, problem });
  }

  async function read(tag, part = { width: WIDTH }) {
    const [, , axis, statistic, band] = JSON.parse(asked);
    const answer = await fetch("/api/v1/bands", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ groups: groups.map(({ name, runs }) => ({ name, runs })), tag, axis, statistic, band, ...part }),
    });
    if (!answer.ok) throw new Error(`bands answered ${answer.status}`);
    const lines = trainboard.unpack(await answer.arrayBuffer(), () => COLUMNS);
    return lines.flatMap((line, i) => (line.n === 0 ? [] : [lineOf(tag, line, groups[i], statistic)]));
  }

  function lineOf(tag, line, { name, runs }, statistic) {
    const { x, value, low, high, count } = line.columns;
    const note = line.alignment.startsWith("every") ? null : "interpolated between unequal steps";
    const band = showsRuns() ? {} : { low, high };
    return {
      id: JSON.stringify([tag, name]), run: runs[0], source: tag, name: `${name} · ${statistic} of ${line.runs}`, color: colorOf(runs),
      step: x, wall: x, first: 0, value, ...band, count, of: line.runs, total: line.exact ? x.length : line.total, exact: line.exact, note,
    };
  }

  /** The runs of the groups as faint lines in the colours of these. */
  function runsOf(source) {
    if (!showsRuns() || groups === null) return [];
    const colors = new Map(groups.flatMap(({ runs }) => runs.map((run) => [run, state.shown.find(({ id }) => id === runs[0])?.color])));
    return trainboard.scalars.lines(source).map((line) => ({ ...line, color: colors.get(line.run) ?? line.color, faint: true }));
  }

  trainboard.on("shown", () => schedule());
  trainboard.on("query", () => (isOn() ? schedule() : forget()));
  trainboard.on("change", (runs) => {
    if (runs === null || state.shown.some(({ id }) => runs.includes(id))) {
      isStale = true;
      schedule(REST_MILLISECONDS);
    }
  });

  const colorOf = (runs) => state.shown.find(({ id }) => id === runs[0])?.color ?? "#888888";

  trainboard.bands = {
    isOn,

    /** The groups that are drawn: {name, run, color, count}, told apart by the first of their runs. */
    groups: () => (isOn() && groups ? groups.map(({ name, runs }) => ({ name, run: runs[0], color: colorOf(runs), count: runs.length })) : []),

    follow(source, listener) {
      if (!wanted.has(source)) wanted.set(source, new Set());
      wanted.get(source).add(listener);
      schedule();
      const stop = showsRuns() ? trainboard.scalars.follow(source, listener) : () => {};
      return () => {
        stop();
        wanted.get(source)?.delete(listener);
        if (wanted.get(source)?.size === 0) wanted.delete(source);
      };
    },

    /** Those of the runs, where these are shown, and over them those of the groups. */
    lines: (source) => [...runsOf(source), ...(kept.get(source) ?? [])],

    /** One window in full detail, as columns by the lines' ids. On either side as much again is asked for:
        at its ends a group would lack the runs whose next point lies beyond. */
    async detail(source, axis, [low, high], width) {
      const span = high - low;
      const part = { window: [low - span, high + span], width: 3 * width };
      const lines = await read(source, part);
      const own = lines.map((line) => [line.id, { n: line.step.length, total: line.total, exact: line.exact, columns: line }]);
      const runs = showsRuns() ? await trainboard.scalars.detail(source, axis, [low, high], width) : [];
      return new Map([...runs, ...own]);
    },
  };
})();
