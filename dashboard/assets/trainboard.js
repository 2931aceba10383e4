/* What all parts of the page share: the address's query, the runs, which are shown, and the theme. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const SHOWN_BY_DEFAULT = 50;
  const THEMES = ["light", "dark"];
  const NAMING = ["graph_run", "graph_twin", "health_run", "matrix_run", "matrix_other", "projector_run"]; /* keys of the address that name a run */
  const listeners = new Map();
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");

  const state = (trainboard.state = {
    query: {},
    defaults: {},
    project: null,
    projects: [],
    runs: null /* the newest of the project, as many pages as were asked for */,
    total: 0 /* how many it has */,
    beyond: new Map() /* runs that are known, but not among the newest, by id */,
    shown: [],
    ready: false /* whether Dash has drawn the shell, which its first callbacks tell */,
    theme: document.documentElement.getAttribute("data-mantine-color-scheme"),
    connected: true,
    storeGone: false,
    behind: null /* how many spools the store has not caught up with, and by how many seconds */,
    highlighted: null,
  });

  /** Call `listener` on every `event`: "query", "runs", "shown", "theme", "change", "tick", "connected", "highlight", "groups", "marks", "config". */
  trainboard.on = (event, listener) => {
    if (!listeners.has(event)) listeners.set(event, new Set());
    listeners.get(event).add(listener);
    return () => listeners.get(event).delete(listener);
  };
  trainboard.emit = (event, detail) => listeners.get(event)?.forEach((listener) => listener(detail));

  /** A React hook: draw again on any of these events. */
  trainboard.useState = (...events) => {
    const [, redraw] = React.useReducer((count) => count + 1, 0);
    /* Before anything else can happen: an event between drawing and listening would be missed. */
    React.useLayoutEffect(() => {
      const stops = events.map((event) => trainboard.on(event, redraw));
      return () => stops.forEach((stop) => stop());
    }, []);
    return state;
  };

  trainboard.value = (key) => state.query[key] ?? state.defaults[key] ?? "";

  /** Change keys of the address; values equal to their default leave it. */
  trainboard.setQuery = (changes) => {
    apply({ ...state.query, ...changes });
    dash_clientside.set_props("query", { data: state.query });
  };

  /** A key of the address that holds a list: commas between its entries, and in them escaped. */
  trainboard.values = (key) => list(trainboard.value(key)).map(unescaped);
  trainboard.setValues = (key, values) =>
    trainboard.setQuery({ [key]: values.map((value) => value.replace(/[%,]/g, encodeURIComponent)).join(",") });

  function unescaped(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  trainboard.parseQuery = (search) => tidy(Object.fromEntries(new URLSearchParams(search)));

  function tidy(query) {
    const kept = Object.entries(query).filter(([key, value]) => value !== (state.defaults[key] ?? ""));
    return Object.fromEntries(kept.sort());
  }

  /** Take over a query, whoever changed it; without a change nothing happens. */
  function apply(query) {
    const next = tidy(query);
    if (JSON.stringify(next) === JSON.stringify(state.query)) return;
    const listingChanged = ["project", "archived"].some((key) => next[key] !== state.query[key]);
    state.query = next;
    const search = new URLSearchParams(next).toString();
    history.replaceState(history.state, "", location.pathname + (search ? `?${search}` : "") + location.hash);
    applyTheme();
    choose();
    trainboard.emit("query");
    if (listingChanged) trainboard.emit("listing");
  }
  trainboard.applyQuery = apply;

  function applyTheme() {
    const chosen = trainboard.value("theme");
    const theme = THEMES.includes(chosen) ? chosen : prefersDark.matches ? "dark" : "light";
    if (theme === state.theme) return;
    state.theme = theme;
    document.documentElement.setAttribute("data-mantine-color-scheme", theme);
    if (state.ready) {
      dash_clientside.set_props("shell", { forceColorScheme: theme });
      dash_clientside.set_props("theme", { data: theme });
    }
    trainboard.emit("theme");
  }
  prefersDark.addEventListener("change", applyTheme);
  matchMedia("print").addEventListener("change", () => trainboard.emit("theme")); /* paper is white: what is drawn, is drawn anew */

  /** Take over the project's newest runs as the server tells them, and how many it has. */
  trainboard.setRuns = (runs, total = state.total) => {
    state.runs = runs.map(coloured);
    state.total = total;
    for (const run of runs) state.beyond.delete(run.id);
    choose();
    trainboard.emit("runs");
  };

  /** Which runs are shown: those the address names, or the usual ones but for those it hides. */
  function choose() {
    if (state.runs === null) return;
    const only = list(trainboard.value("only"));
    const hidden = new Set(list(trainboard.value("hidden")));
    const shown = only.length
      ? [...state.runs, ...state.beyond.values()].filter((run) => only.includes(run.id))
      : usual().filter((run) => !hidden.has(run.id));
    const before = JSON.stringify(state.shown.map(identity));
    state.shown = shown;
    const after = JSON.stringify(shown.map(identity));
    if (before === after && state.told) return;
    state.told = true;
    dash_clientside.set_props("shown", { data: JSON.parse(after) });
    trainboard.emit("shown");
  }

  /** The newest runs, and those that a page is about, however old. */
  function usual() {
    const about = subjects();
    const older = [...state.runs.slice(SHOWN_BY_DEFAULT), ...state.beyond.values()].filter((run) => about.includes(run.id));
    return [...state.runs.slice(0, SHOWN_BY_DEFAULT), ...older];
  }

  /** The runs that a page is about, by its keys of the address; files that were opened are no runs. */
  const subjects = () => NAMING.map(trainboard.value).filter((id) => id !== "" && !id.startsWith("file:"));

  /** Show exactly these runs: said as what is hidden where that keeps new runs appearing by themselves. */
  trainboard.show = (ids) => {
    const wanted = new Set(ids);
    const offered = usual();
    const known = new Set(offered.map((run) => run.id));
    const beyond = ids.some((id) => !known.has(id));
    const missing = offered.filter((run) => !wanted.has(run.id)).map((run) => run.id);
    const hide = !beyond && (wanted.size === 0 || missing.length <= offered.length / 2);
    trainboard.setQuery(
      hide ? { hidden: missing.join(","), only: "" } : { hidden: "", only: [...wanted].join(",") },
    );
  };

  /** Keep runs that are not among the newest, so that they can be shown. */
  trainboard.keepRuns = (runs) => {
    const known = new Set(state.runs.map((run) => run.id));
    for (const run of runs) if (!known.has(run.id)) state.beyond.set(run.id, coloured(run));
    choose();
  };

  /** A run with its colour: its own, or that of its group. */
  const coloured = (run) => {
    const own = run.own ?? run.color;
    return { ...run, own, color: trainboard.colorOf({ ...run, own }) };
  };

  /** Runs have other colours now. */
  trainboard.repaint = () => {
    if (state.runs === null) return;
    for (const [id, run] of state.beyond) state.beyond.set(id, coloured(run));
    trainboard.setRuns(state.runs);
  };

  /** The runs the address names that are not known yet. */
  trainboard.unknownRuns = () => {
    const known = new Set(state.runs.map((run) => run.id));
    return [...list(trainboard.value("only")), ...subjects()].filter((id) => !known.has(id) && !state.beyond.has(id));
  };

  /** Let one run stand out in every chart; null: none. */
  trainboard.highlight = (run) => {
    if (run === state.highlighted) return;
    state.highlighted = run;
    trainboard.emit("highlight");
  };

  const identity = ({ id, name, color }) => ({ id, name, color });
  const list = (text) => text.split(",").filter(Boolean);
})();
