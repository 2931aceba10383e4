/* Events as a list, newest first; those of one title that follow one another are one entry. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useState } = React;
  const MOST_IN_GROUP = 100;
  const SIGNS = { error: "✕", warning: "!", info: "·" };
  const WHAT = { alert: "alert", rule: "rule", recorder: "flight recorder", control: "control", graph: "graph", run: "run", other: "event" };

  trainboard.EventList = function EventList({ events, runs, again }) {
    return h(
      "ol",
      { className: "event-list", "aria-label": "Events" },
      grouped(events).map((group) => h(Group, { key: keyOf(group[group.length - 1]), group, run: runs.get(group[0].run), again })),
    );
  };

  const keyOf = ({ run, time, title, place }) => JSON.stringify([run, time, title, place]);

  /** Neighbours that say the same of the same run, together. */
  function grouped(events) {
    const groups = [];
    for (const event of events) {
      const last = groups.at(-1)?.[0];
      if (last && last.run === event.run && last.title === event.title && last.what === event.what) groups.at(-1).push(event);
      else groups.push([event]);
    }
    return groups;
  }

  function Group({ group, run, again }) {
    const [isOpen, setOpen] = useState(false);
    const [first] = group;
    const open = group.filter((event) => event.open);
    const more = group.length > 1;
    return h(
      "li",
      { className: "event", "data-level": first.level, "data-open": open.length > 0 || undefined },
      h("time", { dateTime: new Date(1000 * first.time).toISOString(), title: trainboard.format.time(first.time) }, clock(first.time)),
      h("span", { className: "event-sign", title: first.level, "aria-label": first.level }, SIGNS[first.level]),
      h(
        "div",
        { className: "event-body" },
        h("div", { className: "event-title" }, h("strong", null, first.title), more && h("button", { className: "event-times", "aria-expanded": isOpen, title: "Show each of them", onClick: () => setOpen(!isOpen) }, `× ${group.length}`)),
        first.text && h(Text, { text: first.text }),
        isOpen && h("ul", null, group.slice(0, MOST_IN_GROUP).map((event) => h("li", { key: keyOf(event) }, h("time", null, clock(event.time)), " ", h(Step, { event }), " ", h("span", { className: "quiet" }, event.text.slice(0, 200))))),
        isOpen && group.length > MOST_IN_GROUP && h("p", { className: "quiet" }, `${group.length - MOST_IN_GROUP} more`),
      ),
      h("span", { className: "event-run" }, h("span", { className: "swatch", style: { background: run.color } }), h("span", { title: run.name }, run.name)),
      h("span", { className: "event-what quiet" }, WHAT[first.what]),
      h(Step, { event: first }),
      open.length > 0 ? h(Acknowledge, { open, again }) : h("span", null),
    );
  }

  function Text({ text }) {
    const [title, ...rest] = text.split("\n");
    if (rest.length === 0 && title.length <= 300) return h("p", null, text);
    return h("details", null, h("summary", null, title.slice(0, 300)), h("pre", null, text));
  }

  /** The charts of the run, at this step, with marks. */
  function Step({ event }) {
    if (event.step === null) return h("span", { className: "event-step" });
    const query = { ...trainboard.state.query, only: event.run, hidden: "", steps: String(event.step), marks: "1" };
    const address = `/?${new URLSearchParams(query)}`;
    const open = (clicked) => {
      if (clicked.ctrlKey || clicked.metaKey || clicked.shiftKey) return;
      clicked.preventDefault();
      trainboard.open(address);
    };
    return h("a", { className: "event-step", href: address, title: "The charts of this run at this step", onClick: open }, `step ${trainboard.format.integer(event.step)}`);
  }

  function Acknowledge({ open, again }) {
    const [problem, setProblem] = useState(null);
    async function acknowledge() {
      const [{ run }] = open;
      const refusal = await trainboard.change("/api/v1/alerts", { run, alerts: open.map(({ place }) => place) });
      setProblem(refusal);
      if (refusal) return;
      trainboard.alerts.look([run]);
      again();
    }
    if (problem) return h(trainboard.Problem, { problem, retry: acknowledge });
    return h("button", { className: "quiet-button", title: "Note that it was seen, for everybody", onClick: acknowledge }, "Acknowledge");
  }

  const clock = (time) => {
    const date = new Date(1000 * time);
    const isToday = date.toDateString() === new Date().toDateString();
    return isToday ? date.toLocaleTimeString() : `${date.toLocaleDateString([], { month: "short", day: "numeric" })} ${date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
  };
})();
