/* The Charts page: every scalar of the shown runs, one card a tag, in sections by the tag's prefix. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef, useState } = React;
  const AXES = ["step", "relative", "wall"];
  const MAX_SMOOTHING = 0.999;
  const OPEN_CARDS = 120; /* sections beyond so many cards start closed */
  const LISTED_CARDS = 240; /* a section with more shows so many at first */
  const MARGIN = "300px 0px";

  const chosenAxis = () => (AXES.includes(trainboard.value("axis")) ? trainboard.value("axis") : AXES[0]);

  trainboard.nextAxis = () => {
    if (!document.querySelector(".chart-grid")) return;
    const next = AXES[(AXES.indexOf(chosenAxis()) + 1) % AXES.length];
    dash_clientside.set_props({ query: "axis" }, { value: next });
    trainboard.setQuery({ axis: next });
  };

  trainboard.ChartGrid = function ChartGrid() {
    const state = trainboard.useState("runs", "shown", "query", "catalog");
    const lastTags = useRef(null);
    const lastFilter = useRef(() => true);
    const tags = (lastTags.current = trainboard.scalars.tags() ?? lastTags.current);
    const filter = trainboard.value("filter");
    const [matches, problem] = useMemo(() => compile(filter), [filter]);
    if (matches) lastFilter.current = matches;
    useEffect(() => trainboard.scalars.setAxis(chosenAxis()), [chosenAxis()]);
    useEffect(() => trainboard.scalars.refresh(), [trainboard.value("ranks")]);
    useEffect(() => {
      document.documentElement.toggleAttribute("data-ranks", trainboard.scalars.hasRanks());
    });

    const found = (tags ?? []).filter(lastFilter.current);
    return h(
      "div",
      { className: "chart-grid" },
      problem && h("p", { className: "filter-problem", role: "alert" }, `This is not a regular expression: ${problem}`),
      trainboard.scalars.untold() > 0 && h(Untold, { told: tags.length }),
      notice(state, tags, found, filter) ?? h(Sections, { tags: found, filter }),
    );
  };

  function Untold({ told }) {
    const all = trainboard.format.tick(told + trainboard.scalars.untold());
    return h("p", { className: "quiet", role: "status" }, `The first ${told} of ${all} charts. Filter by a part of the name to see others.`);
  }

  /** What to say instead of charts, or null. */
  function notice(state, tags, found, filter) {
    if (state.runs === null || (tags === null && state.shown.length > 0)) return h("p", { className: "notice" }, "Loading…");
    if (state.runs.length === 0) return null;
    if (state.shown.length === 0) return say("No run is shown", "Tick a run in the list of runs, or show all of them.");
    if (tags.length === 0) return say("No scalars yet", "These runs have logged no numbers so far. They appear here as they come.");
    if (found.length === 0) return say("No chart matches", `None of the ${tags.length} tags matches “${filter}”.`);
    return null;
  }

  const say = (title, text) => h("div", { className: "notice", role: "status" }, h("h2", null, title), h("p", null, text));

  /** A filter is a regular expression, any case; a wrong one is told and changes nothing. */
  function compile(filter) {
    try {
      const pattern = new RegExp(filter, "i");
      return [(tag) => pattern.test(tag), null];
    } catch (error) {
      return [null, error.message.replace(/^Invalid regular expression: /, "")];
    }
  }

  function Sections({ tags, filter }) {
    const toggled = new Set(trainboard.values("sections"));
    let before = 0;
    return [...bySection(tags)].map(([name, members]) => {
      const startsOpen = before < OPEN_CARDS || filter !== "";
      before += members.length;
      const isOpen = startsOpen !== toggled.has(name);
      const toggle = () => {
        toggled.has(name) ? toggled.delete(name) : toggled.add(name);
        trainboard.setValues("sections", [...toggled]);
      };
      return h(Section, { key: name, name, tags: members, isOpen, toggle });
    });
  }

  function bySection(tags) {
    const sections = new Map();
    for (const tag of tags) {
      const slash = tag.indexOf("/");
      const name = slash > 0 ? tag.slice(0, slash) : "";
      if (!sections.has(name)) sections.set(name, []);
      sections.get(name).push(tag);
    }
    return [...sections].sort(([a], [b]) => (a === "") - (b === "") || a.localeCompare(b, "en", { numeric: true }));
  }

  function Section({ name, tags, isOpen, toggle }) {
    const [listed, setListed] = useState(LISTED_CARDS);
    const cards = () => tags.slice(0, listed).map((tag) => h(Card, { key: tag, tag, section: name }));
    return h(
      "section",
      { className: "section", "aria-label": name || "other" },
      h(
        "h2",
        null,
        h(
          "button",
          { "aria-expanded": isOpen, onClick: toggle },
          h("span", { className: "chevron", "aria-hidden": true }, isOpen ? "▾" : "▸"),
          name || "other",
          h("span", { className: "count" }, tags.length),
        ),
      ),
      isOpen && h("div", { className: "cards" }, cards()),
      isOpen &&
        tags.length > listed &&
        h("button", { className: "more", onClick: () => setListed(listed + LISTED_CARDS) }, `${tags.length - listed} more`),
    );
  }

  function Card({ tag, section }) {
    const root = useRef(null);
    const [inView, setInView] = useState(false);
    useEffect(() => {
      const observer = new IntersectionObserver(([entry]) => setInView(entry.isIntersecting), { rootMargin: MARGIN });
      observer.observe(root.current);
      return () => observer.disconnect();
    }, []);
    const wide = trainboard.values("wide");
    const isWide = wide.includes(tag);
    const toggleWide = () =>
      trainboard.setValues("wide", isWide ? wide.filter((other) => other !== tag) : [...wide, tag]);
    const title = section ? tag.slice(section.length + 1) : tag;
    return h(
      "article",
      { className: "card", ref: root, "data-tag": tag, "data-wide": isWide || undefined, "aria-label": tag },
      inView ? h(LiveCard, { tag, title, isWide, toggleWide }) : h(Head, { tag, title }),
    );
  }

  function Head({ tag, title, note, children }) {
    return h(
      "header",
      { className: "card-head" },
      h("h3", { className: "card-title", title: tag }, title),
      note && h("span", { className: "card-note", title: "Points drawn, and points logged in this range" }, note),
      children,
    );
  }

  /** A card in view: follows its lines, and asks for detail where a zoom shows thinned ones. */
  function LiveCard({ tag, title, isWide, toggleWide }) {
    trainboard.useState("shown", "query", "catalog");
    const [arrived, setArrived] = useState(0);
    const [zoom, setZoom] = useState(null);
    const [detail, setDetail] = useState(null);
    const plot = useRef(null);
    useEffect(() => trainboard.scalars.follow(tag, () => setArrived((count) => count + 1)), [tag]);

    const look = {
      axis: chosenAxis(),
      smoothing: Math.min(Math.max(Number(trainboard.value("smoothing")) || 0, 0), MAX_SMOOTHING),
      log: trainboard.value("log") === "1",
      outliers: trainboard.value("outliers") === "1",
    };
    const shown = trainboard.state.shown;
    const ranks = trainboard.value("ranks");
    const drawn = useRef({ lines: [], ranks });
    const base = useMemo(() => {
      const found = trainboard.scalars.lines(tag);
      /* Another view of ranks has to be asked for; the last one stays until it comes. */
      if (found.length === 0 && drawn.current.ranks !== ranks) return drawn.current.lines;
      drawn.current = { lines: found, ranks };
      return found;
    }, [tag, arrived, shown, ranks]);
    const lines = useMemo(() => (detail ? base.map((line) => detailed(line, detail)) : base), [base, detail]);
    const isThinned = base.some((line) => !line.exact);
    useEffect(() => {
      setDetail(null);
      if (!zoom?.x || !isThinned) return undefined;
      let current = true;
      trainboard.scalars
        .detail(tag, look.axis, zoom.x, plot.current.root.clientWidth)
        .then((found) => current && setDetail(found))
        .catch(() => {}); /* the thinned lines stay; the shell says that the server is gone */
      return () => (current = false);
    }, [tag, zoom, isThinned, shown, look.axis, ranks]);

    const reset = zoom && h("button", { title: "Reset the zoom (double-click)", "aria-label": `Reset the zoom of ${tag}`, onClick: () => plot.current.setZoom(null) }, "⟲");
    const widen = h("button", { title: "Full width", "aria-label": `Full width for ${tag}`, "aria-pressed": isWide, onClick: toggleWide }, "⤢");
    return h(
      React.Fragment,
      null,
      h(Head, { tag, title, note: noteOf(lines) }, reset, widen),
      h(trainboard.ScalarChart, { lines, label: tag, look, onZoom: setZoom, plotRef: plot }),
    );
  }

  /** A line with the columns of its window; times stay relative to the whole line's beginning. */
  function detailed(line, detail) {
    const found = detail.get(line.id);
    if (!found || found.n === 0) return line;
    const { id, run, name, color, dash, several } = line;
    return { id, run, name, color, dash, several, first: line.wall[0], total: found.total, exact: found.exact, ...found.columns };
  }

  /** "1 000 of 2.5 M points" where not every point is drawn. */
  function noteOf(lines) {
    if (lines.every((line) => line.exact)) return null;
    const drawn = lines.reduce((sum, line) => sum + line.step.length, 0);
    const total = lines.reduce((sum, line) => sum + line.total, 0);
    return `${trainboard.format.tick(drawn)} of ${trainboard.format.tick(total)} points`;
  }
})();
