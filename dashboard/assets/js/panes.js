/* The Panes page: the windows of the chosen environments, live. What people arrange is kept in the store, so
   that every browser shows the same. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef, useState } = React;
  const CURRENT = "current";
  const UNDO_MILLISECONDS = 15_000;

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

  /** A hook: all environments, and the windows of the chosen ones, asked for anew when the store changed. */
  function useEnvironments() {
    const [known, setKnown] = useState({ environments: null, windows: {}, readOnly: false });
    const [problem, report] = useState(null);
    const busy = useRef(false);
    const again = useRef(false);
    const named = trainboard.values("env");
    const refresh = async () => {
      again.current = true;
      if (busy.current) return;
      busy.current = true;
      while (again.current) {
        again.current = false;
        try {
          const { environments, read_only: readOnly } = await trainboard.panes.environments();
          const wanted = chosenOf(environments, trainboard.values("env"));
          setKnown({ environments, readOnly, windows: wanted.length ? await trainboard.panes.windows(wanted) : {} });
        } catch {
          /* the header says that the server is lost */
        }
      }
      busy.current = false;
    };
    useEffect(() => void refresh(), [named.join("\n")]);
    useEffect(() => trainboard.on("change", refresh), []);
    return { ...known, chosen: chosenOf(known.environments ?? [], named), problem, report };
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
    const grid = trainboard.usePaneGrid(cards, views[name] ?? {}, (places) => keep(name, { ...views[name], ...places }));
    useEffect(() => {
      const places = JSON.stringify(views[name] ?? {});
      if (places === sent.current) return;
      sent.current = places;
      grid.arrange(views[name] ?? {});
    }, [JSON.stringify(views[name])]);
    const filter = useFilter();
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
      !cards.length && h("p", { className: "quiet" }, chosen.length > 1 ? "These environments have no plot titles in common." : "No windows."),
      h(
        "div",
        { className: "grid-stack", ref: grid.host },
        cards.map((card) =>
          h(trainboard.PaneCard, {
            key: card.key,
            card,
            hidden: !filter.test(card.title || card.key),
            maximised: maximised === card.key,
            maximise: () => setMaximised(maximised === card.key ? null : card.key),
            close: () => close(card),
            readOnly,
          }),
        ),
      ),
    );
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
