/* The Alerts page: what happened in the shown runs, on a strip and in a list, newest first. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;
  const MOST_RUNS = 300;
  const PAGE = 300;
  const MOST = 2000;
  const TYPING_MILLISECONDS = 250;
  const WHAT = { alert: "Alerts", rule: "Rules", recorder: "Flight recorder", control: "Controls", graph: "Graph", run: "Begin and end", other: "Other" };
  const LEVELS = { error: "Errors", warning: "Warnings", info: "Info" };

  trainboard.EventPage = function EventPage() {
    const state = trainboard.useState("shown", "query", "runs");
    const [limit, setLimit] = useState(PAGE);
    const ids = state.shown.map((run) => run.id).slice(0, MOST_RUNS);
    const asked = new URLSearchParams({
      runs: ids.join(","), what: trainboard.value("event_what"), levels: trainboard.value("event_levels"),
      search: trainboard.value("event_search"), limit,
    }).toString();
    const { answer, isLost, again } = trainboard.useAnswer(`/api/v1/events?${asked}`, ids);
    const runs = new Map(state.shown.map((run) => [run.id, run]));
    const events = answer?.events.filter((event) => runs.has(event.run)) ?? [];
    return h(
      "div",
      { className: "event-page" },
      h(Tools, { events, again }),
      h(trainboard.RulePanel, { ids }),
      state.shown.length > MOST_RUNS && h("p", { className: "quiet" }, `Of ${state.shown.length} shown runs the first ${MOST_RUNS} are listed.`),
      answer === null ? h("p", { className: "notice", role: "status" }, isLost ? "The events cannot be read now; trying again." : "Loading…") : null,
      answer !== null && events.length === 0 && h(Nothing, { isShown: ids.length > 0 }),
      events.length > 0 && h(trainboard.EventStrip, { events, runs }),
      events.length > 0 && h(trainboard.EventList, { events, runs, again }),
      answer !== null && answer.events.length >= limit && h(More, { limit, setLimit, total: answer.total }),
    );
  };

  function Tools({ events, again }) {
    const axis = trainboard.value("event_axis");
    const open = events.filter((event) => event.open);
    return h(
      "div",
      { className: "toolbar", role: "toolbar", "aria-label": "Which events are listed" },
      h(Search),
      h(Choice, { name: "event_levels", label: "Levels", options: LEVELS }),
      h(Choice, { name: "event_what", label: "Kinds", options: WHAT }),
      h("label", { className: "toolbar-field" }, "Line up by", h("select", { value: axis, onChange: (event) => trainboard.setQuery({ event_axis: event.target.value }) }, h("option", { value: "wall" }, "Time"), h("option", { value: "relative" }, "Time since the run began"), h("option", { value: "step" }, "Step"))),
      h(Notifications),
      open.length > 0 && h(Seen, { open, again }),
    );
  }

  function Search() {
    const value = trainboard.value("event_search");
    const [text, setText] = useState(value);
    useEffect(() => setText(value), [value]);
    useEffect(() => {
      if (text === value) return undefined;
      const timer = setTimeout(() => trainboard.setQuery({ event_search: text }), TYPING_MILLISECONDS);
      return () => clearTimeout(timer);
    }, [text]);
    return h("input", { id: "run-filter", type: "search", className: "event-search", placeholder: "Search events", "aria-label": "Search events", title: "Words in title or text (/)", value: text, maxLength: 200, onChange: (event) => setText(event.target.value) });
  }

  /** Some of several, kept in the address; none chosen means all. */
  function Choice({ name, label, options }) {
    const chosen = trainboard.values(name);
    const toggle = (key) => trainboard.setValues(name, chosen.includes(key) ? chosen.filter((one) => one !== key) : [...chosen, key]);
    const button = ([key, words]) =>
      h("button", { key, className: "quiet-button", "aria-pressed": chosen.includes(key), "data-level": name === "event_levels" ? key : undefined, onClick: () => toggle(key) }, words);
    return h("div", { className: "event-choice", role: "group", "aria-label": label }, Object.entries(options).map(button));
  }

  function Notifications() {
    const [isOn, setOn] = useState(trainboard.alerts.isNotified());
    if (!window.Notification) return null;
    const set = async (event) => setOn(Boolean(await trainboard.alerts.choose(event.target.checked)));
    const title = "Also while this tab is in the background; the browser asks whether it may";
    return h("label", { className: "toolbar-field", title }, h("input", { type: "checkbox", checked: isOn, onChange: set }), "Notify me");
  }

  function Seen({ open, again }) {
    const [problem, setProblem] = useState(null);
    async function acknowledge() {
      const runs = [...new Set(open.map(({ run }) => run))];
      const refusals = await Promise.all(runs.map((run) => trainboard.change("/api/v1/alerts", { run })));
      setProblem(refusals.find(Boolean) ?? null);
      trainboard.alerts.look(runs);
      again();
    }
    return h(
      React.Fragment,
      null,
      h("button", { className: "quiet-button", title: "Acknowledge every alert of these runs", onClick: acknowledge }, "Acknowledge all"),
      problem && h(trainboard.Problem, { problem, retry: acknowledge }),
    );
  }

  function Nothing({ isShown }) {
    const isFiltered = ["event_what", "event_levels", "event_search"].some((key) => trainboard.value(key) !== "");
    const [title, text] = !isShown
      ? ["No run is shown", "Tick a run in the list of runs."]
      : isFiltered
        ? ["No event matches", "Choose other kinds or levels, or search for other words."]
        : ["No events yet", "What happens in the shown runs appears here as it comes."];
    return h("div", { className: "notice", role: "status" }, h("h2", null, title), h("p", null, text));
  }

  function More({ limit, setLimit, total }) {
    const words = `The newest ${limit} of ${trainboard.format.integer(total)} events and more.`;
    if (limit >= MOST) return h("p", { className: "event-more quiet", role: "status" }, `${words} Search, or choose kinds, to see others.`);
    return h("p", { className: "event-more quiet" }, words, " ", h("button", { className: "quiet-button", onClick: () => setLimit(Math.min(MOST, limit * 3)) }, "Show more"));
  }
})();
