/* The live path: one long poll says that the store changed, and which runs; whoever draws them then asks.
   Nothing is sent while the tab is hidden; a server lost and found again is caught up with by itself. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const WAIT_SECONDS = 20;
  const WAIT_SECONDS_RUNNING = 4;
  const TICK_MILLISECONDS = 1000;
  const CHANGES_MILLISECONDS = 100; /* from one change to the next that is asked for */
  const MOST_RUNS = 500;
  const GONE = 410;
  const PAGE = 300;
  const RETRY_MILLISECONDS = [250, 500, 1000, 2000];
  let version = -1;
  let store = null;
  let started = false;
  let failures = 0;
  let waiting = null;
  let refreshAt = 0;
  let refreshTimer = null;
  let pending = new Set();
  let next = null; /* what to ask the next page of runs with */

  async function json(url, options) {
    const answer = await fetch(url, options);
    if (!answer.ok) throw Object.assign(new Error(`${url} answered ${answer.status}`), { status: answer.status });
    return answer.json();
  }
  trainboard.json = json;

  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const visible = () =>
    new Promise((resolve) => {
      if (!document.hidden) return resolve();
      document.addEventListener("visibilitychange", () => resolve(), { once: true });
    });

  function setConnected(connected, storeGone = false) {
    if (state.connected === connected && state.storeGone === storeGone) return;
    Object.assign(state, { connected, storeGone });
    trainboard.emit("connected");
  }

  function setBehind({ behind, read }) {
    if (JSON.stringify([state.behind, state.read]) === JSON.stringify([behind, read])) return;
    Object.assign(state, { behind, read });
    trainboard.emit("connected");
  }

  async function follow() {
    for (;;) {
      await visible();
      try {
        await step();
        failures = 0;
        setConnected(true);
        await pause(CHANGES_MILLISECONDS);
      } catch (error) {
        if (document.hidden) continue;
        failures += 1;
        if (failures > 1) setConnected(false, error.status === GONE);
        await pause(RETRY_MILLISECONDS[Math.min(failures, RETRY_MILLISECONDS.length) - 1]);
      }
    }
  }

  async function step() {
    if (state.runs === null) {
      await refreshAll();
      refreshAt = performance.now() + TICK_MILLISECONDS;
    }
    const running = state.runs.some((run) => run.status === "running");
    waiting = new AbortController();
    const seconds = state.connected ? (running || state.behind || typeof state.read === "number" ? WAIT_SECONDS_RUNNING : WAIT_SECONDS) : 0;
    const change = await json(`/api/v1/changes?since=${version}&wait=${seconds}`, { signal: waiting.signal });
    if (store !== null && store !== change.store) return location.reload(); /* another store is shown now */
    store = change.store;
    setBehind(change);
    const first = version === -1;
    const same = change.version === version;
    version = change.version;
    if (same && !running) return;
    if (!same && !first) trainboard.emit("change", change.runs);
    schedule(same ? state.runs.filter((run) => run.status === "running").map((run) => run.id) : change.runs);
  }

  /** Refresh what is known of these runs (null: all), and tick, at most once a second. */
  function schedule(runs) {
    if (runs === null || pending === null) pending = null;
    else runs.forEach((run) => pending.add(run));
    if (refreshTimer !== null) return;
    refreshTimer = setTimeout(refresh, Math.max(0, refreshAt - performance.now()));
  }

  async function refresh() {
    const runs = pending;
    pending = new Set();
    refreshAt = performance.now() + TICK_MILLISECONDS;
    refreshTimer = null;
    try {
      if (runs === null) await refreshAll();
      else if (runs.size) await refreshSome([...runs]);
    } catch {
      pending = null; /* what changed must not be missed: nothing may change after it */
      visible().then(() => schedule(null));
      return;
    }
    trainboard.emit("tick", runs);
    dash_clientside.set_props("tick", { data: version });
  }

  const pageOf = (project, archived, asked) => json(`/api/v1/runs?${new URLSearchParams({ project, archived, ...asked })}`);
  const page = (asked) => pageOf(trainboard.value("project"), trainboard.value("archived"), asked);

  /* Asked for while the page is still being built: the address says already which runs are wanted. */
  const address = new URLSearchParams(location.search);
  let early = pageOf(address.get("project") ?? "", address.get("archived") ?? "", { limit: PAGE }).catch(() => null);

  async function refreshAll() {
    const project = trainboard.value("project");
    const archived = trainboard.value("archived");
    const answer = (await early) ?? (await page({ limit: Math.max(PAGE, state.runs?.length ?? 0) }));
    early = null;
    if (project !== trainboard.value("project") || archived !== trainboard.value("archived")) {
      return; /* others were chosen, and asked for, meanwhile */
    }
    state.project = answer.project;
    state.projects = answer.projects;
    next = answer.after;
    trainboard.setRuns(answer.runs, answer.total);
    const unknown = trainboard.unknownRuns();
    if (unknown.length === 0) return;
    const named = await some(unknown);
    trainboard.keepRuns(named);
    /* An address that names runs and no project means theirs, whichever is the newest by now. */
    if (project === "" && named.length && named.every((run) => run.project !== state.project)) trainboard.setQuery({ project: named[0].project });
  }

  const some = async (ids) => (await json(`/api/v1/runs?ids=${ids.map(encodeURIComponent).join(",")}`)).runs;

  /** The next page of the project's runs joins those there are. */
  async function readMore() {
    const after = next;
    const answer = await page({ limit: PAGE, after });
    if (after !== next) return; /* they were read anew meanwhile */
    next = answer.after;
    trainboard.setRuns([...state.runs, ...answer.runs], answer.total);
  }

  /** Runs that match words, or one /pattern/, however old, and how many do. */
  async function search(text) {
    const answer = isPattern(text) ? await matching(text.trim()) : await page({ limit: PAGE, search: text });
    trainboard.keepRuns(answer.runs);
    return answer;
  }

  async function matching(where) {
    const asked = { project: state.project, where, archived: trainboard.value("archived") === "1" };
    const { ids } = await trainboard.ask("/api/v1/run-ids", asked);
    return { runs: ids.length ? await some(ids.slice(0, PAGE)) : [], total: ids.length };
  }

  const isPattern = (text) => /^\s*\/.+\/\s*$/.test(text);

  async function refreshSome(ids) {
    if (ids.length > MOST_RUNS) return refreshAll();
    const answer = await some(ids);
    const found = new Map(answer.map((run) => [run.id, run]));
    const known = new Set([...state.runs.map((run) => run.id), ...state.beyond.keys()]);
    const isListed = (run) => !run.archived || trainboard.value("archived") === "1";
    const isNews = (run) =>
      isListed(run) &&
      (!state.projects.includes(run.project) || (run.project === state.project && !known.has(run.id)));
    const isGone = (id) => known.has(id) && !(found.has(id) && isListed(found.get(id)));
    for (const id of ids.filter((id) => state.beyond.has(id))) {
      if (isGone(id)) state.beyond.delete(id);
      else state.beyond.set(id, found.get(id));
    }
    if (answer.some(isNews) || ids.some(isGone)) return refreshAll();
    trainboard.setRuns(state.runs.map((run) => ({ ...run, ...found.get(run.id) })));
  }

  trainboard.live = {
    hasMore: () => next !== null,
    readMore,
    search,
    isPattern,
    start() {
      if (started) return;
      started = true;
      document.addEventListener("visibilitychange", () => document.hidden && waiting?.abort());
      trainboard.on("listing", () => refreshAll().catch(() => setConnected(false)));
      follow();
    },
  };
})();
