/* The Panes page: the windows of the chosen environments, live. What people arrange is kept in the store, so
   that every browser shows the same. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef, useState } = React;
  const CURRENT = "current";
  const UNDO_MILLISECONDS = 15_000;
  const LIST_MILLISECONDS = 1_000;
  const WINDOWS_MILLISECONDS = 250;

  trainboard.PaneBoard = function PaneBoard() {
    trainboard.useState("query", "theme");
    const { environments, windows, readOnly, chosen, problem, report } = useEnvironments();
    if (environments === null) return h("p", { className: "quiet" }, "Loading…");
    const choose = (names) => trainboard.setValues("env", names);
    const cards = trainboard.paneCards(windows, chosen);
    return h(
      "div",
      { className: "pane-page" },
      h(trainboard.PaneEnvironments, { environments, chosen, choose, report, readOnly }),
      h(
        "div",
        { className: "pane-main" },
        problem && h("p", { role: "alert", className: "problem" }, problem, h("button", { onClick: () => report(null) }, "Dismiss")),
        environments.length
          ? h(Board, { key: chosen.join("\n"), cards, chosen, environments, report, readOnly })
          : h(Nothing),
      ),
    );
  };

  function Nothing() {
    return h(
      "div",
      { className: "notice" },
      h("h2", null, "No environments"),
      h("p", null, "Visdom's clients draw here as they are. Start the server with ", h("code", null, "--visdom"), ", or say ", h("code", null, `visdom.Visdom(port=${location.port})`), "."),
    );
  }

  /** A hook: all environments, and the windows of the chosen ones, asked for anew when these changed. */
  function useEnvironments() {
    const [environments, setEnvironments] = useState(null);
    const [windows, setWindows] = useState({});
    const [readOnly, setReadOnly] = useState(false);
    const [problem, report] = useState(null);
    const chosen = chosenOf(environments ?? [], trainboard.values("env"));
    const followed = useRef({ chosen: [], runs: [] });
    const runs = (environments ?? []).filter(({ name }) => chosen.includes(name)).map((found) => found.run_id);
    followed.current = { chosen, runs };
    const readEnvironments = useMemo(
      () =>
        paced(async () => {
          const told = await trainboard.panes.environments();
          setEnvironments(told.environments);
          setReadOnly(told.read_only);
        }, LIST_MILLISECONDS),
      [],
    );
    const readWindows = useMemo(
      () =>
        paced(async () => {
          const names = followed.current.chosen;
          setWindows(names.length ? await trainboard.panes.windows(names) : {});
        }, WINDOWS_MILLISECONDS),
      [],
    );
    useEffect(
      () =>
        trainboard.on("change", (changed) => {
          readEnvironments();
          if (changed === null || followed.current.runs.some((run) => changed.includes(run))) readWindows();
        }),
      [],
    );
    useEffect(() => void readEnvironments(), []);
    useEffect(() => void requestIdleCallback(() => trainboard.panes.plotly().catch(() => {})), []); /* before a window comes */
    useEffect(() => void readWindows(), [[...chosen, ...runs].join("\n")]);
    return { environments, windows, readOnly, chosen, problem, report };
  }

  /** A function that has `ask` answered: at once, or what was asked for meanwhile after a pause, never twice at a time. */
  function paced(ask, milliseconds) {
    let busy = false;
    let again = false;
    return async () => {
      again = true;
      if (busy) return;
      busy = true;
      while (again) {
        again = false;
        await ask().catch(() => {}); /* the header says that the server is lost */
        await new Promise((resolve) => setTimeout(resolve, milliseconds));
      }
      busy = false;
    };
  }

  /** The environments that the address names, or the one that was heard of last. */
  function chosenOf(environments, named) {
    if (named.length) return named;
    const newest = environments.toSorted((a, b) => b.updated_at - a.updated_at)[0];
    return newest ? [newest.name] : [];
  }

  function Board({ cards, chosen, environments, report, readOnly }) {
    const owner = chosen.length === 1 ? environments.find(({ name }) => name === chosen[0]) : null;
    const views = owner?.views ?? {};
    const name = trainboard.value("pane_view") || CURRENT;
    const [maximised, setMaximised] = useState(null);
    const [closed, setClosed] = useState(null);
    const change = (...asked) => trainboard.panes.change(...asked).catch((error) => report(error.message));
    const sent = useRef(JSON.stringify(views[name] ?? {}));
    const keep = (view, places) => {
      if (!owner || readOnly) return;
      sent.current = JSON.stringify(places);
      change("views", { env: owner.name, views: { ...views, [view]: places } });
    };
    const filter = useFilter();
    const filtered = cards.map((card) => ({ ...card, hidden: !filter.test(card.title || card.key) }));
    const grid = trainboard.usePaneGrid(filtered, views[name] ?? {}, (places) => keep(name, { ...views[name], ...places }));
    useEffect(() => {
      const places = JSON.stringify(views[name] ?? {});
      if (places === sent.current) return;
      sent.current = places;
      grid.arrange(views[name] ?? {});
    }, [JSON.stringify(views[name])]);
    const close = async ({ parts: [{ env, id, title }] }) => {
      await change("close", { env, win: id });
      setClosed({ env, win: id, title: title || id });
      setTimeout(() => setClosed((now) => (now?.win === id ? null : now)), UNDO_MILLISECONDS);
    };
    const undo = async () => {
      await change("reopen", { env: closed.env, win: closed.win });
      setClosed(null);
    };
    return h(
      React.Fragment,
      null,
      h(Toolbar, { views, name, grid, keep, owner, readOnly }),
      closed && h("p", { role: "status" }, `Closed ${closed.title}. `, h("button", { onClick: undo }, "Undo")),
      !cards.length && h("p", { className: "quiet" }, whyEmpty(chosen, owner)),
      h(
        "div",
        { className: "grid-stack", ref: grid.host },
        filtered.map((card) =>
          h(trainboard.PaneCard, {
            key: card.key,
            card,
            maximised: maximised === card.key,
            maximise: () => setMaximised(maximised === card.key ? null : card.key),
            close: () => close(card),
            readOnly,
          }),
        ),
      ),
    );
  }

  function whyEmpty(chosen, owner) {
    if (chosen.length > 1) return "These environments have no plot titles in common.";
    return owner ? "No windows." : `There is no environment ${chosen[0]} yet.`;
  }

  function useFilter() {
    const text = trainboard.value("pane_filter");
    return useMemo(() => {
      try {
        return new RegExp(text, "i");
      } catch {
        return { test: () => true };
      }
    }, [text]);
  }

  function Toolbar({ views, name, grid, keep, owner, readOnly }) {
    const saveAs = () => {
      const view = prompt("Name of the view:");
      if (!view) return;
      keep(view, views[name] ?? {});
      trainboard.setQuery({ pane_view: view });
    };
    const names = [...new Set([CURRENT, ...Object.keys(views), name])];
    return h(
      "div",
      { className: "toolbar", role: "toolbar", "aria-label": "Windows" },
      h("input", {
        type: "search",
        placeholder: "Filter windows: regular expression",
        "aria-label": "Filter windows",
        value: trainboard.value("pane_filter"),
        onChange: (event) => trainboard.setQuery({ pane_filter: event.target.value }),
      }),
      h("button", { onClick: grid.repack, title: "Close the gaps between windows" }, "Repack"),
      owner &&
        h(
          "select",
          {
            "aria-label": "View",
            value: name,
            onChange: (event) => trainboard.setQuery({ pane_view: event.target.value === CURRENT ? "" : event.target.value }),
          },
          names.map((view) => h("option", { key: view, value: view }, view)),
        ),
      owner && !readOnly && h("button", { onClick: saveAs }, "Save view as…"),
    );
  }
})();
