/* The points of the scalars in view: one batched request for all of them, only for what changed since. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const WIDTH = 500;
  const HELD = 4 * WIDTH;
  const MIN_MILLISECONDS = 150;
  const RETRY_MILLISECONDS = 1000;
  const SERIES_PER_REQUEST = 4000;
  const RUNS_PER_REQUEST = 200;
  const EXACT = ["step", "wall", "value"];
  const THINNED = [...EXACT, "low", "high", "bad"];
  const RANKED = [...THINNED, "ranks", "low_rank", "high_rank"];
  const VIEWS = ["mean", "min", "max", "sum", "each"];

  const collator = new Intl.Collator("en", { numeric: true });
  const catalog = new Map(); /* run -> tag -> its ranks */
  const cache = new Map(); /* series -> its columns, and whether the server has more */
  const wanted = new Map(); /* tag -> listeners of the cards in view */
  const formulas = new Set();
  let axis = "step";
  let timer = null;
  let busy = false;
  let readyAt = 0;
  let untold = 0; /* how many tags there are beyond those the server told */
  let search = ""; /* what all tags of the catalog contain: the filter, where there are too many */
  let sortedTags = null;

  const key = (run, rank, tag) => JSON.stringify([run, rank, tag]);

  /* --- Which series there are ---------------------------------------------------------------- */

  async function readCatalog(runs) {
    const asked = search;
    for (let i = 0; i < runs.length; i += RUNS_PER_REQUEST) {
      const ids = runs.slice(i, i + RUNS_PER_REQUEST).join(",");
      const answer = await trainboard.json(`/api/v1/series?${new URLSearchParams({ runs: ids, kind: "scalar", search })}`);
      if (asked !== search) return; /* others are asked for meanwhile */
      for (const [run, positions] of Object.entries(answer.runs)) {
        const tags = new Map();
        for (const [tag, , rank] of positions.map((position) => answer.series[position])) {
          if (tags.has(tag)) tags.get(tag).push(rank);
          else tags.set(tag, [rank]);
        }
        catalog.set(run, tags);
      }
      untold = Math.max(untold, answer.total - answer.series.length);
    }
    sortedTags = null;
    trainboard.emit("catalog");
    schedule();
  }

  /** Where there are more tags than the server tells at once, it looks for those the filter names. */
  trainboard.on("query", () => {
    const wanted = trainboard.literalOf(trainboard.value("filter"));
    if (wanted === search || (search === "" && untold === 0)) return;
    search = wanted;
    untold = 0;
    catalog.clear();
    learn(state.shown.map((run) => run.id));
  });

  /** Which lines stand for a tag of a run: its one rank, each of several, or how they are brought together. */
  function ranksShown(run, tag) {
    if (isFormula(tag)) return catalog.has(run) ? [0] : [];
    const ranks = catalog.get(run)?.get(tag) ?? [];
    const view = trainboard.value("ranks");
    if (ranks.length < 2 || view === "each") return ranks;
    return [VIEWS.includes(view) ? view : VIEWS[0]];
  }

  const isShown = (run) => state.shown.some((shown) => shown.id === run);
  const learn = (runs) => runs.length && readCatalog(runs).catch(() => setTimeout(() => learn(runs), RETRY_MILLISECONDS));

  trainboard.on("shown", () => (sortedTags = null));
  trainboard.on("shown", () => learn(state.shown.map((run) => run.id).filter((run) => !catalog.has(run))));
  trainboard.on("tick", (runs) => {
    const changed = runs === null ? [...catalog.keys()] : [...runs];
    for (const run of changed) if (!isShown(run)) catalog.delete(run);
    learn(changed.filter(isShown));
  });

  /* --- Which points are missing -------------------------------------------------------------- */

  trainboard.on("change", (runs) => {
    const changed = runs && new Set(runs);
    for (const entry of cache.values()) if (!changed || changed.has(entry.run)) entry.stale = true;
    schedule();
  });

  function missing() {
    const requests = [];
    for (const run of state.shown) {
      for (const tag of wanted.keys()) {
        for (const rank of ranksShown(run.id, tag)) {
          const entry = cache.get(key(run.id, rank, tag));
          if (entry && !entry.stale) continue;
          const formula = isFormula(tag);
          const since = entry && !formula && entry.columns.step.length <= HELD ? entry.total : 0;
          requests.push({ run: run.id, tag, rank, since, formula });
          if (requests.length === SERIES_PER_REQUEST) return requests;
        }
      }
    }
    return requests;
  }

  function schedule(delay = 0) {
    if (timer !== null || busy) return;
    timer = setTimeout(fetchMissing, Math.max(delay, readyAt - performance.now()));
  }

  async function fetchMissing() {
    timer = null;
    const series = document.hidden ? [] : missing();
    if (series.length === 0) return;
    const askedAxis = axis;
    busy = true;
    for (const { run, rank, tag } of series) {
      const entry = cache.get(key(run, rank, tag));
      if (entry) entry.stale = false;
    }
    let delay = 0;
    let drawing = 0;
    try {
      const lines = await request({ series, width: WIDTH, axis });
      const arrived = performance.now();
      if (askedAxis === axis) keep(series, lines);
      await new Promise(requestAnimationFrame);
      drawing = performance.now() - arrived;
    } catch {
      for (const { run, rank, tag } of series) {
        const entry = cache.get(key(run, rank, tag));
        if (entry) entry.stale = true;
      }
      delay = RETRY_MILLISECONDS;
    }
    busy = false;
    /* Rest as long as drawing took, so that a slow browser stays usable. */
    readyAt = performance.now() + Math.max(MIN_MILLISECONDS, drawing);
    schedule(delay);
  }

  async function request(body) {
    const answer = await fetch("/api/v1/scalars", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`scalars answered ${answer.status}`);
    return trainboard.unpack(await answer.arrayBuffer(), columnsOf);
  }

  const columnsOf = (entry) => (entry.ranks ? RANKED : entry.exact ? EXACT : THINNED);

  /** A reply as columns, by name; its layout is described at `pack` in dashboard/cards/scalar.py. */
  trainboard.unpack = (buffer, columnsOf) => {
    const length = new DataView(buffer).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    let at = 4 + length;
    return header.map((entry) => {
      if (entry === null) return null;
      const columns = {};
      for (const name of columnsOf(entry)) {
        columns[name] = new Float64Array(buffer, at, entry.n);
        at += 8 * entry.n;
      }
      return { ...entry, columns };
    });
  };

  function keep(series, lines) {
    const touched = new Set();
    lines.forEach((line, i) => {
      const { run, rank, tag, since } = series[i];
      const id = key(run, rank, tag);
      const old = cache.get(id);
      if (line === null) {
        cache.set(id, { run, total: 0, exact: true, columns: empty() });
      } else if (line.append) {
        if (!old || old.total !== since || line.n === 0) return;
        cache.set(id, { ...old, total: line.total, columns: appended(old.columns, line.columns) });
      } else {
        const { total, exact, columns, ranks } = line;
        cache.set(id, { run, total, exact, columns, several: ranks, stale: old?.stale });
      }
      touched.add(tag);
    });
    for (const tag of touched) wanted.get(tag)?.forEach((listener) => listener());
  }

  const empty = () => Object.fromEntries(EXACT.map((name) => [name, new Float64Array(0)]));

  /** Join columns; exact points after buckets become buckets of one. Late points are sorted in. */
  function appended(old, more) {
    const count = old.step.length;
    const joined = {};
    for (const name of Object.keys(old)) {
      const added = more[name] ?? (name === "bad" ? more.value.map((v) => (Number.isFinite(v) ? 0 : 1)) : more.value);
      joined[name] = new Float64Array(count + added.length);
      joined[name].set(old[name]);
      joined[name].set(added, count);
    }
    const x = axis === "step" ? joined.step : joined.wall;
    for (let i = Math.max(count, 1); i < x.length; i++) if (x[i] < x[i - 1]) return sorted(joined, x);
    return joined;
  }

  function sorted(columns, x) {
    const order = Array.from(x.keys()).sort((a, b) => x[a] - x[b] || a - b);
    return Object.fromEntries(
      Object.entries(columns).map(([name, column]) => [name, Float64Array.from(order, (i) => column[i])]),
    );
  }

  /* --- What cards use ------------------------------------------------------------------------ */

  const seriesOf = (source) =>
    [...state.shown].reverse().flatMap((run) => {
      const shown = ranksShown(run.id, source);
      return shown.map((rank, i) => ({ run, rank, dash: i, name: nameOf(run, rank, shown.length > 1) }));
    });

  /** A source that no run has as a tag is computed on the server, for the runs of which something is known. */
  const isFormula = (source) => formulas.has(source) && !state.shown.some((run) => catalog.get(run.id)?.has(source));

  function nameOf(run, rank, isOneOfSeveral) {
    if (typeof rank === "string") return `${run.name} · ${rank}`;
    return isOneOfSeveral ? `${run.name} · rank ${rank}` : run.name;
  }

  trainboard.scalars = {
    /** Every tag of the shown runs, sorted, or null while that is not known yet. */
    tags() {
      if (state.runs === null || !state.shown.every((run) => catalog.has(run.id))) return null;
      const tags = () => new Set(state.shown.flatMap((run) => [...catalog.get(run.id).keys()]));
      return (sortedTags ??= [...tags()].sort(collator.compare));
    },

    /** How many more tags there are than the server told. */
    untold: () => untold,

    /** Whether a shown run has a tag that several of its ranks log. */
    hasRanks: () =>
      state.shown.some((run) => [...(catalog.get(run.id)?.values() ?? [])].some((ranks) => ranks.length > 1)),

    /** Keep a tag's lines up to date while its card is in view; call the result when it is not. */
    follow(tag, listener) {
      if (!wanted.has(tag)) wanted.set(tag, new Set());
      wanted.get(tag).add(listener);
      schedule();
      return () => {
        wanted.get(tag)?.delete(listener);
        if (wanted.get(tag)?.size === 0) wanted.delete(tag);
      };
    },

    /** The lines of a tag, oldest run first. */
    lines(tag) {
      return seriesOf(tag).flatMap(({ run, rank, name, dash }) => {
        const entry = cache.get(key(run.id, rank, tag));
        if (!entry || entry.columns.step.length === 0) return [];
        const { total, exact, several, columns } = entry;
        const told = { id: key(run.id, rank, tag), run: run.id, source: tag, formula: isFormula(tag), name, color: run.color, dash };
        return [{ ...told, several, total, exact, ...columns }];
      });
    },

    /** One window of a tag in full detail, as columns by the lines' ids. */
    async detail(tag, askedAxis, window, width) {
      const formula = isFormula(tag);
      const series = seriesOf(tag).map(({ run, rank }) => ({ run: run.id, tag, rank, formula }));
      const lines = await request({ series, width, axis: askedAxis, window });
      return new Map(lines.map((line, i) => [key(series[i].run, series[i].rank, tag), line]));
    },

    /** These sources are formulas, where no run has a tag of that name. */
    compute: (sources) => sources.forEach((source) => formulas.add(source)),

    /** Ask for what a changed view of ranks needs. */
    refresh: () => schedule(),

    setAxis(chosen) {
      const sortedBy = chosen === "step" ? "step" : "wall";
      if (sortedBy === axis) return;
      axis = sortedBy;
      for (const entry of cache.values()) Object.assign(entry, { total: 0, stale: true });
      schedule();
    },
  };
})();
