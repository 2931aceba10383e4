/* The sidebar: the project's runs with their colours, which of them are shown, and how they are doing. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef, useState } = React;
  const SEARCH_MILLISECONDS = 200;
  const REFUSED = 422;
  const STATUS = {
    running: ["●", "running"],
    finished: ["✓", "finished"],
    crashed: ["✕", "crashed"],
    stopped: ["■", "stopped"],
    killed: ["†", "killed"],
  };

  trainboard.RunList = function RunList() {
    const state = trainboard.useState("runs", "shown", "query");
    const [search, setSearch] = useState("");
    const runs = state.runs ?? [];
    const shown = new Set(state.shown.map((run) => run.id));
    const { found, total, problem, isAll } = useFound(runs, search);
    const [entered, enter] = useState(null); /* the search of which all that is found shall be shown alone */
    useEffect(() => {
      if (entered === null || (entered === search && !isAll)) return;
      enter(null);
      if (entered === search && found.length) trainboard.show(found.map((run) => run.id));
    });
    const groups = byGroup(found, trainboard.value("group") === "1");
    const allShown = found.length > 0 && found.every((run) => shown.has(run.id));
    return h(
      "div",
      { className: "runs" },
      (runs.length > 0 || state.projects.length > 0) && h(Toolbar, { search, setSearch, enter, state, found, shown, allShown }),
      state.runs === null && h("p", { className: "quiet" }, "Loading…"),
      state.runs !== null && runs.length === 0 && h("p", { className: "quiet" }, "No runs yet."),
      problem && h("p", { className: "problem", role: "alert" }, problem),
      runs.length > 0 && found.length === 0 && h("p", { className: "quiet" }, `No run matches “${search}”.`),
      h(
        "ul",
        { className: "run-rows", onKeyDown: moveFocus },
        groups.map(([name, members]) => h(Group, { key: name, name, members, shown })),
        search === "" && trainboard.live.hasMore() && h("li", { key: `more than ${runs.length}` }, h(More, { count: state.total - runs.length })),
      ),
      found.length < total && h("p", { className: "quiet" }, `The newest ${found.length} of ${total} that match.`),
    );
  };

  /** The runs that a search matches, and how many do: the server is asked where it has more than are here, and
      about patterns. Of a pattern that makes no sense: what is wrong, and what was found before. */
  function useFound(runs, search) {
    const here = useMemo(() => runs.filter(matcher(search)), [runs, search]);
    const [answer, setAnswer] = useState(null);
    const isPattern = trainboard.live.isPattern(search);
    const asks = isPattern || (search.trim() !== "" && trainboard.live.hasMore());
    useEffect(() => {
      if (!asks) return undefined;
      let current = true;
      const keep = (told) => current && setAnswer((last) => ({ ...last, search, problem: null, ...told }));
      const refused = ({ status, message }) => status === REFUSED && keep({ problem: message }); /* else it is asked again */
      const ask = () => trainboard.live.search(search).then(keep, refused);
      const timer = setTimeout(ask, SEARCH_MILLISECONDS);
      return () => {
        current = false;
        clearTimeout(timer);
      };
    }, [asks, search, runs]);
    const isAnswered = answer?.search === search && !answer.problem;
    if (isPattern) return { found: answer?.runs ?? runs, total: answer?.total ?? runs.length, problem: answer?.problem, isAll: isAnswered };
    if (asks && isAnswered) return { found: answer.runs, total: answer.total, isAll: true };
    return { found: here, total: here.length, isAll: !asks };
  }

  /** Reads the next page once it is scrolled into view, or pressed. */
  function More({ count }) {
    const button = useRef(null);
    const read = () => trainboard.live.readMore().catch(() => {}); /* the shell says that the server is gone */
    useEffect(() => {
      const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && read());
      observer.observe(button.current);
      return () => observer.disconnect();
    }, []);
    return h("button", { className: "more", ref: button, onClick: read }, `${count} more`);
  }

  function Toolbar({ search, setSearch, enter, state, found, shown, allShown }) {
    const ids = found.map((run) => run.id);
    const others = state.shown.map((run) => run.id).filter((id) => !ids.includes(id));
    return h(
      "div",
      { className: "run-tools" },
      state.projects.length > 1 &&
        h(
          "select",
          {
            "aria-label": "Project",
            title: "Project",
            value: state.project ?? "",
            onChange: (event) => trainboard.setQuery({ project: event.target.value, hidden: "", only: "" }),
          },
          state.projects.map((project) => h("option", { key: project, value: project }, project)),
        ),
      h("input", {
        id: "run-search",
        type: "search",
        placeholder: "Search runs",
        "aria-label": "Search runs",
        title: "Search runs by name, group, tag or status, or by a /pattern/ (r). Enter shows only what is found",
        value: search,
        onChange: (event) => setSearch(event.target.value),
        onKeyDown: (event) => event.key === "Enter" && enter(search),
      }),
      h(
        "div",
        { className: "run-count" },
        h("input", {
          type: "checkbox",
          "aria-label": allShown ? "Hide all" : "Show all",
          title: allShown ? "Hide all" : "Show all",
          checked: allShown,
          ref: (box) => box && (box.indeterminate = !allShown && shown.size > 0),
          onChange: () => trainboard.show(allShown ? others : [...ids, ...others]),
        }),
        h("span", { role: "status", title: "Runs on the charts" }, `${shown.size} of ${state.total} shown`),
        h(
          "button",
          {
            className: "quiet-button",
            "aria-pressed": trainboard.value("group") === "1",
            title: "Put the runs of a group together",
            onClick: () => trainboard.setQuery({ group: trainboard.value("group") === "1" ? "" : "1" }),
          },
          "Group",
        ),
        h(
          "button",
          {
            className: "quiet-button",
            "aria-pressed": trainboard.value("archived") === "1",
            title: "List archived runs, too",
            onClick: () => trainboard.setQuery({ archived: trainboard.value("archived") === "1" ? "" : "1" }),
          },
          "Archived",
        ),
        trainboard.value("colors") !== "" &&
          h("button", { className: "quiet-button", title: "Give all runs their own colours again", onClick: () => trainboard.setQuery({ colors: "" }) }, "Own colours"),
      ),
    );
  }

  function Group({ name, members, shown }) {
    if (name === null) return members.map((run) => h(Row, { key: run.id, run, shown: shown.has(run.id) }));
    const ids = members.map((run) => run.id);
    const count = ids.filter((id) => shown.has(id)).length;
    const toggle = () => {
      const rest = [...shown].filter((id) => !ids.includes(id));
      trainboard.show(count === ids.length ? rest : [...rest, ...ids]);
    };
    return h(
      "li",
      { className: "run-group" },
      h(
        "label",
        null,
        h("input", {
          type: "checkbox",
          checked: count === ids.length,
          ref: (box) => box && (box.indeterminate = count > 0 && count < ids.length),
          onChange: toggle,
        }),
        h("span", { className: "group-name" }, name || "no group"),
        h("span", { className: "quiet" }, members.length),
      ),
      h(
        "ul",
        null,
        members.map((run) => h(Row, { key: run.id, run, shown: shown.has(run.id) })),
      ),
    );
  }

  const Row = React.memo(
    function Row({ run, shown }) {
      const [mark, word] = STATUS[run.status] ?? ["?", run.status];
      const began = `began ${trainboard.format.time(run.created_at)}`;
      const [ranks, setRanks] = useState(null);
      const detail = [run.name, word, run.error, began, run.group && `group ${run.group}`, ranks];
      return h(
        "li",
        {
          className: "run",
          "data-run": run.id,
          "data-shown": shown || undefined,
          title: detail.filter(Boolean).join("\n"),
          onMouseEnter: () => {
            trainboard.highlight(run.id);
            if (run.world_size > 1) tellRanks(run).then(setRanks).catch(() => {});
          },
          onMouseLeave: () => trainboard.highlight(null),
          onDoubleClick: (event) => {
            event.preventDefault();
            showOnly(run.id);
          },
        },
        h("input", {
          type: "checkbox",
          checked: shown,
          "aria-label": `Show ${run.name}, ${word}`,
          style: { "--color": run.color },
          onChange: () => toggle(run.id),
          onKeyDown: (event) => {
            if (event.key === "Enter") showOnly(run.id);
            if (event.key === "c") event.currentTarget.parentElement.querySelector(".run-color").click();
          },
        }),
        h("span", { className: "run-name" }, run.name),
        h("input", {
          type: "color",
          className: "run-color",
          tabIndex: -1,
          "aria-label": `Colour of ${run.name}`,
          title: "Another colour (c)",
          value: run.color,
          onChange: (event) => trainboard.setColor(run, event.target.value),
        }),
        h(
          "span",
          { className: "run-status", "data-status": run.status },
          h("span", { "aria-hidden": true }, mark),
          word,
        ),
      );
    },
    (before, after) =>
      before.shown === after.shown &&
      ["name", "status", "color", "group", "error"].every((key) => before.run[key] === after.run[key]),
  );

  /** Of the ranks of a run: how many there are, which ended otherwise, which is behind, and the slowest. */
  async function tellRanks(run) {
    const { ranks, slowest } = await trainboard.json(`/api/v1/runs/${encodeURIComponent(run.id)}`);
    const { integer } = trainboard.format;
    const at = ({ rank, host }) => `rank ${rank}${host ? ` on ${host}` : ""}`;
    const last = ranks.reduce((worst, one) => (one.behind > worst.behind ? one : worst), { behind: 0 });
    const slow = slowest && ranks.find(({ rank }) => rank === slowest.rank);
    return [
      `${run.world_size} ranks, ${ranks.filter((one) => one.last_step !== null).length} of them log`,
      ...ranks.filter((one) => ["crashed", "killed"].includes(one.status)).map((one) => `${at(one)}: ${one.status}`),
      last.behind > 0 && `furthest behind: ${at(last)}, ${integer(last.behind)} steps`,
      slow && `slowest: ${at(slow)}, ${slowest.tag} ${slowest.ratio.toFixed(2)} times the others'`,
    ].filter(Boolean).join("\n");
  }

  function toggle(id) {
    const ids = trainboard.state.shown.map((run) => run.id);
    trainboard.show(ids.includes(id) ? ids.filter((other) => other !== id) : [...ids, id]);
  }

  /** Only this run; a second time: all of them again. */
  function showOnly(id) {
    const { shown, runs } = trainboard.state;
    const isAlone = shown.length === 1 && shown[0].id === id;
    if (isAlone) trainboard.setQuery({ only: "", hidden: "" });
    else if (runs.length > 1) trainboard.setQuery({ only: id, hidden: "" });
  }

  function moveFocus(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const boxes = [...event.currentTarget.querySelectorAll("input[type=checkbox]")];
    boxes[boxes.indexOf(document.activeElement) + step]?.focus();
  }

  function matcher(search) {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return (run) => {
      const text = [run.name, run.id, run.group, run.status, ...run.tags].join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    };
  }

  function byGroup(runs, grouped) {
    if (!grouped) return [[null, runs]];
    const groups = new Map();
    for (const run of runs) groups.set(run.group ?? "", [...(groups.get(run.group ?? "") ?? []), run]);
    return [...groups];
  }
})();
