/* The Runs page. AG Grid draws the rows in view; this asks the server for them, sorted and filtered there,
   and holds what is around the table: the filter, the columns, and what is done to the chosen runs. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const GRID = "run-grid";
  const TYPING_MILLISECONDS = 250;
  const REFRESH_MILLISECONDS = 2000;
  const EXAMPLE = 'words, or: config.lr > 1e-3 and status = finished';

  const columnsOf = (project) => trainboard.json(`/api/v1/run-columns?project=${encodeURIComponent(project)}`);

  /* Asked for while the page is still being built; the rows wait for it. */
  const isHere = location.pathname === "/runs";
  const early = isHere ? columnsOf(new URLSearchParams(location.search).get("project") ?? "").catch(() => null) : null;

  async function knownColumns(project) {
    const first = await early;
    return first?.project === project ? first : columnsOf(project);
  }

  trainboard.RunPage = function RunPage() {
    trainboard.useState("query", "runs");
    const run = trainboard.value("run");
    const diff = trainboard.values("diff");
    const beside = run || diff.length > 0;
    useEffect(() => {
      document.getElementById("run-grid-frame").hidden = Boolean(beside);
    }, [beside]);
    if (run) return h(trainboard.RunDetails, { id: run, key: run });
    if (diff.length) return h(trainboard.RunDifferences, { ids: diff });
    return h(Table);
  };

  function Table() {
    const { project, runs } = trainboard.state;
    const [api, setApi] = useState(null);
    const [known, setKnown] = useState(null);
    const [picking, setPicking] = useState(false);
    const [total, setTotal] = useState(null);
    const filter = useFilter(project);
    const fields = trainboard.runColumns(known);
    const asked = useRef({});
    asked.current = { project, where: filter.applied, archived: trainboard.value("archived") === "1", columns: fields };
    const chosen = trainboard.useRunChoice(api, asked);
    const isReady = api !== null && runs !== null && known !== null && filter.applied !== null;

    useEffect(() => {
      let current = true;
      dash_ag_grid.getApiAsync(GRID).then((found) => current && setApi(found));
      return () => void (current = false);
    }, []);
    useEffect(() => {
      if (project === null) return undefined;
      let current = true;
      knownColumns(project).then((found) => current && setKnown(found), () => {});
      return () => void (current = false);
    }, [project]);
    useEffect(() => {
      if (isReady) api.setGridOption("columnDefs", trainboard.columnDefinitions(fields));
    }, [isReady, fields.join("\n")]);
    useEffect(() => {
      if (!isReady) return;
      chosen.none();
      api.setGridOption("datasource", source(asked, setTotal));
    }, [isReady, project, filter.applied, asked.current.archived, [...fields].sort().join("\n")]);
    useEffect(() => {
      if (!isReady) return undefined;
      const kept = Object.entries({ sortChanged: keepSort, columnMoved: (event) => keepOrder(event, asked.current.columns) });
      kept.forEach(([event, keep]) => api.addEventListener(event, keep));
      return () => kept.forEach(([event, keep]) => api.removeEventListener(event, keep));
    }, [isReady]);
    useRefresh(isReady ? api : null);

    return h(
      "div",
      { className: "run-table-tools" },
      h(
        "div",
        { className: "toolbar", role: "toolbar", "aria-label": "Table of runs" },
        h("input", {
          type: "search",
          className: "where",
          id: "run-filter",
          "aria-label": "Filter runs",
          "aria-invalid": filter.problem ? true : undefined,
          "aria-describedby": "where-problem",
          placeholder: EXAMPLE,
          value: filter.text,
          onChange: (event) => filter.setText(event.target.value),
        }),
        h("button", { className: "quiet-button", "aria-expanded": picking, onClick: () => setPicking(!picking) }, "Columns"),
        h("span", { role: "status", className: "quiet" }, total === null ? "Loading…" : counted(total)),
        total > 0 && chosen.ids.length < total && h("button", { className: "quiet-button", title: "Choose every run that the filter lets through", onClick: () => chosen.all().catch((error) => filter.say(error.message)) }, "Choose all"),
      ),
      h("p", { id: "where-problem", role: "alert", className: "filter-problem", hidden: !filter.problem }, filter.problem),
      picking && h(trainboard.ColumnPicker, { known, fields, close: () => setPicking(false) }),
      h(trainboard.RunActions, { ids: chosen.ids, rows: chosen.rows, clear: chosen.none, done: () => (chosen.none(), api.refreshInfiniteCache()) }),
      total === 0 && h(Nothing, { filtered: Boolean(filter.applied) }),
    );
  }

  /** The filter as typed, and as applied: one that the server does not understand leaves the table as it is. */
  function useFilter(project) {
    const inAddress = trainboard.value("where");
    const [text, setText] = useState(inAddress);
    const [applied, setApplied] = useState(inAddress === "" ? "" : null); /* all runs need no check */
    const [problem, setProblem] = useState(null);
    const own = useRef(inAddress); /* what of the address came from here: people may have typed on meanwhile */
    useEffect(() => {
      if (inAddress !== own.current) setText((own.current = inAddress));
    }, [inAddress]);
    useEffect(() => {
      if (text === applied) return setProblem(null);
      let current = true;
      const check = async () => {
        try {
          await trainboard.ask("/api/v1/run-table", { project, where: text, limit: 1 });
          if (!current) return;
          setProblem(null);
          setApplied(text);
          own.current = text;
          if (text !== trainboard.value("where")) trainboard.setQuery({ where: text });
        } catch (error) {
          if (!current || !error.status) return;
          setProblem(error.message);
          setApplied((before) => before ?? "");
        }
      };
      const timer = setTimeout(check, applied === null ? 0 : TYPING_MILLISECONDS);
      return () => {
        current = false;
        clearTimeout(timer);
      };
    }, [text, project]);
    return { text, setText, applied, problem, say: setProblem };
  }

  /** Rows come anew when the store changed, and not while nobody looks. */
  function useRefresh(api) {
    useEffect(() => {
      if (!api) return undefined;
      let at = 0;
      let timer = null;
      const refresh = () => {
        timer ??= setTimeout(() => {
          timer = null;
          at = performance.now();
          if (!api.isDestroyed()) api.refreshInfiniteCache();
        }, Math.max(0, at + REFRESH_MILLISECONDS - performance.now()));
      };
      const stop = trainboard.on("tick", refresh);
      return () => {
        stop();
        clearTimeout(timer);
      };
    }, [api]);
  }

  function source(asked, setTotal) {
    return {
      getRows({ startRow, endRow, sortModel, successCallback, failCallback }) {
        const sort = sortModel.map(({ colId, sort }) => [colId, sort === "desc"]);
        const about = listing(asked.current);
        const wanted = { ...asked.current, sort, offset: startRow, limit: endRow - startRow };
        trainboard.ask("/api/v1/run-table", wanted).then(
          ({ rows, total }) => {
            successCallback(rows, total);
            if (about === listing(asked.current)) setTotal(total); /* else it answers an earlier filter, late */
          },
          () => failCallback(),
        );
      },
    };
  }

  const listing = ({ project, where, archived }) => JSON.stringify([project, where, archived]);

  function keepSort({ api }) {
    const sorted = api.getColumnState().filter((column) => column.sort);
    sorted.sort((a, b) => a.sortIndex - b.sortIndex);
    trainboard.setValues("sort", sorted.map(({ colId, sort }) => (sort === "desc" ? `-${colId}` : colId)));
  }

  /** A person moved a column: the address keeps the order of all. */
  function keepOrder({ api, finished }, fields) {
    if (!finished) return;
    const order = api.getColumnState().map(({ colId }) => colId).filter((field) => fields.includes(field));
    if (order.join("\n") !== fields.join("\n")) trainboard.setValues("columns", order);
  }

  function Nothing({ filtered }) {
    return h(
      "div",
      { className: "notice" },
      h("h2", null, filtered ? "No run matches the filter" : "No runs"),
      h("p", null, filtered ? "Change it, or list archived runs, too." : "All runs of this project are archived."),
    );
  }

  const counted = (total) => `${trainboard.format.integer(total)} ${total === 1 ? "run" : "runs"}`;
})();
