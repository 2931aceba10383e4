/* The Charts page: one card a tag of the shown runs, in sections by the tag's prefix. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef, useState } = React;
  const OPEN_CARDS = 120; /* sections beyond so many cards start closed */
  const OFFERED = 5000; /* tags that the fields complete */
  const ASIDE = ["knobs", "steps", "system"]; /* what tells of the program and the machine comes last */
  const LISTED_CARDS = 240; /* a section with more shows so many at first */
  const CARD = 264; /* as wide as a card is at least, and what is between two */
  const GAP = 8;
  const LISTED_GROUPS = 100;

  /** The card of one tag, as those of charts people made are told. */
  const cardOf = (tag) => ({ id: tag, title: tag, left: [tag], right: [] });

  trainboard.ChartGrid = function ChartGrid() {
    const state = trainboard.useState("runs", "shown", "query", "catalog");
    const lastTags = useRef(null);
    const lastFilter = useRef(() => true);
    const tags = (lastTags.current = trainboard.scalars.tags() ?? lastTags.current);
    const filter = trainboard.value("filter");
    const [matches, problem] = useMemo(() => trainboard.filterOf(filter), [filter]);
    if (matches) lastFilter.current = matches;
    const { axis } = trainboard.look();
    useEffect(() => trainboard.scalars.setAxis(axis), [axis]);
    useEffect(() => trainboard.scalars.refresh(), [trainboard.value("ranks")]);
    useEffect(() => {
      document.documentElement.toggleAttribute("data-ranks", trainboard.scalars.hasRanks());
    });

    useEffect(() => void (tags && offer(tags)), [tags]);

    const charts = useMemo(() => [...(tags && trainboard.hasKind("scalar") ? tags.map(cardOf) : []), ...trainboard.recordCharts()], [tags, trainboard.value("kinds"), trainboard.recordCharts()]);
    const found = useMemo(() => charts.filter(({ title }) => lastFilter.current(title)), [charts, lastFilter.current]);
    const root = useColumns();
    return h(
      "div",
      { className: "chart-grid", ref: root },
      problem && h("p", { className: "filter-problem", role: "alert" }, `This is not a regular expression: ${problem}`),
      trainboard.scalars.untold() > 0 && h(Untold, { told: tags.length }),
      h(GroupLegend),
      notice(state, tags && charts, found, filter) ?? [
        h(Chosen, { key: "own", name: "Your charts", charts: trainboard.ownCharts() }),
        h(Chosen, { key: "pins", name: "Pinned", charts: pinned(charts) }),
        h(trainboard.LayoutSections, { key: "layout" }),
        h(Sections, { key: "all", charts: found, filter }),
      ],
      h(trainboard.ChartEditor, { tags: tags ?? [] }),
      h(trainboard.LayoutEditor, { tags: tags ?? [] }),
      h(trainboard.ViewFields),
    );
  };

  /** As many columns as there is room for; small sections stand beside one another in them. */
  function useColumns() {
    const root = useRef(null);
    const width = Number(trainboard.value("card_width")) || CARD;
    useEffect(() => {
      const card = Math.min(Math.max(width, 160), 1600);
      const observer = new ResizeObserver(([{ contentRect }]) => {
        root.current.style.setProperty("--columns", Math.max(1, Math.floor((contentRect.width + GAP) / (card + GAP))));
      });
      observer.observe(root.current);
      return () => observer.disconnect();
    }, [width]);
    return root;
  }

  const pinned = (charts) => trainboard.values("pins").flatMap((id) => charts.filter((chart) => chart.id === id));

  /** Let the fields that take a tag complete it. */
  function offer(tags) {
    const data = tags.slice(0, OFFERED);
    dash_clientside.set_props({ query: "filter" }, { data });
    dash_clientside.set_props({ query: "x_tag" }, { data });
  }

  /** The cards that people chose or made, above all others. */
  function Chosen({ name, charts }) {
    if (charts.length === 0) return null;
    return h(
      "section",
      { className: "section", "aria-label": name, style: { "--count": charts.length } },
      h("h2", { className: "section-name" }, name, h("span", { className: "count" }, charts.length)),
      h("div", { className: "cards" }, charts.map((chart) => h(trainboard.Card, { key: chart.id, chart }))),
    );
  }

  /** Which colours stand for which groups, where runs are grouped. */
  function GroupLegend() {
    trainboard.useState("bands", "query", "shown");
    const groups = trainboard.bands.groups();
    if (groups.length === 0) return null;
    const entry = ({ name, run, color, count }) =>
      h(
        "li",
        { key: name, title: name, onMouseEnter: () => trainboard.highlight(run), onMouseLeave: () => trainboard.highlight(null) },
        h("i", { style: { background: color } }),
        h("span", null, name),
        h("span", { className: "count" }, count),
      );
    const rest = groups.length - LISTED_GROUPS;
    return h("ul", { className: "group-legend", tabIndex: 0, "aria-label": "Groups" }, groups.slice(0, LISTED_GROUPS).map(entry), rest > 0 && h("li", { key: "rest", className: "quiet" }, `${rest} more`));
  }

  function Untold({ told }) {
    const all = trainboard.format.tick(told + trainboard.scalars.untold());
    return h("p", { className: "quiet", role: "status" }, `The first ${told} of ${all} charts. Filter by a part of the name to see others.`);
  }

  /** What to say instead of charts, or null. */
  function notice(state, charts, found, filter) {
    if (state.runs === null || (charts === null && state.shown.length > 0)) return h("p", { className: "notice" }, "Loading…");
    if (state.runs.length === 0) return null;
    if (state.shown.length === 0 && trainboard.unknownRuns().length > 0) return say("No such runs", "The address names runs that were deleted, or never were in this store. Tick others in the list of runs.");
    if (state.shown.length === 0) return say("No run is shown", "Tick a run in the list of runs, or show all of them.");
    if (charts.length === 0 && !trainboard.hasKind("scalar")) return say("Nothing yet", "These runs have logged none of what View → Cards of chooses.");
    if (charts.length === 0) return say("No scalars yet", "These runs have logged no numbers so far. They appear here as they come.");
    if (found.length === 0) return say("No chart matches", `None of the ${charts.length} tags matches “${filter}”.`);
    return null;
  }

  const say = (title, text) => h("div", { className: "notice", role: "status" }, h("h2", null, title), h("p", null, text));

  function Sections({ charts, filter }) {
    const chosen = trainboard.values("sections"); /* "open:train" and "closed:val": by hand */
    let before = 0;
    return [...bySection(charts)].map(([name, members]) => {
      const startsOpen = before < OPEN_CARDS || filter !== "";
      before += members.length;
      const isOpen = chosen.includes(`open:${name}`) || (startsOpen && !chosen.includes(`closed:${name}`));
      const toggle = () => {
        const others = chosen.filter((entry) => ![`open:${name}`, `closed:${name}`].includes(entry));
        trainboard.setValues("sections", isOpen === startsOpen ? [...others, `${isOpen ? "closed" : "open"}:${name}`] : others);
      };
      return h(Section, { key: name, name, charts: members, isOpen, toggle });
    });
  }

  const rank = (section) => (ASIDE.includes(section) ? 2 : section === "" ? 1 : 0);

  function bySection(charts) {
    const sections = new Map();
    for (const chart of charts) {
      const slash = chart.title.indexOf("/");
      const name = slash > 0 ? chart.title.slice(0, slash) : "";
      if (!sections.has(name)) sections.set(name, []);
      sections.get(name).push(chart);
    }
    return [...sections].sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b, "en", { numeric: true }));
  }

  function Section({ name, charts, isOpen, toggle }) {
    const [listed, setListed] = useState(LISTED_CARDS);
    const cards = () => charts.slice(0, listed).map((chart) => h(trainboard.Card, { key: chart.id, chart, section: name }));
    return h(
      "section",
      { className: "section", "aria-label": name || "other", style: { "--count": charts.length } },
      h(
        "h2",
        null,
        h(
          "button",
          { "aria-expanded": isOpen, onClick: toggle },
          h("span", { className: "chevron", "aria-hidden": true }, isOpen ? "▾" : "▸"),
          h("span", { className: "section-title", title: name }, name || "other"),
          h("span", { className: "count" }, charts.length),
        ),
      ),
      isOpen && h("div", { className: "cards" }, cards()),
      isOpen &&
        charts.length > listed &&
        h("button", { className: "more", onClick: () => setListed(listed + LISTED_CARDS) }, `${charts.length - listed} more`),
    );
  }
})();
