/* Layouts: charts by category, each of the tags that its expressions name, or of a value within bounds.
   The address holds one that people made; else those that the shown runs logged are drawn. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const h = (...args) => React.createElement(...args);
  const URL_OF_LAYOUTS = "/api/v1/layouts";
  const MOST_RUNS = 200;
  const REST_MILLISECONDS = 5000; /* how often logged layouts are looked for while runs go on */
  let resolved = [];
  let asked = "";
  let askedAt = 0;
  let problem = "";

  function told() {
    try {
      const charts = JSON.parse(trainboard.value("layout") || "null");
      return Array.isArray(charts) ? charts : null;
    } catch {
      return null;
    }
  }

  async function ask() {
    const tags = trainboard.scalars.tags();
    if (tags === null || !document.querySelector(".chart-grid")) return;
    const runs = state.shown.map((run) => run.id).slice(0, MOST_RUNS);
    const now = JSON.stringify([runs, trainboard.value("layout"), tags.length]);
    const isDue = told() === null && Date.now() - askedAt > REST_MILLISECONDS;
    if (now === asked && !isDue) return;
    [asked, askedAt] = [now, Date.now()];
    try {
      const answer = await trainboard.ask(URL_OF_LAYOUTS, { runs, charts: told() });
      if (now === asked) keep(answer.charts, "");
    } catch (error) {
      if (error.status === 422) keep([], error.message);
      else asked = ""; /* asked again with the next news */
    }
  }

  function keep(charts, message) {
    const isSame = JSON.stringify(charts) === JSON.stringify(resolved) && message === problem;
    [resolved, problem] = [charts, message];
    if (!isSame) trainboard.emit("layout");
  }

  for (const event of ["catalog", "shown", "query"]) trainboard.on(event, ask);

  trainboard.layout = {
    /** The charts as they are drawn now, without what was found for them. */
    charts: () => told() ?? resolved.map(({ category, title, type, tags }) => ({ category, title, type, tags })),
    isOwn: () => told() !== null,
    /** Draw these charts; null for those that were logged. */
    show: (charts) => trainboard.setQuery({ layout: charts === null ? "" : JSON.stringify(charts) }),
    keep: (charts) => trainboard.change(`${URL_OF_LAYOUTS}/keep`, { runs: state.shown.map((run) => run.id).slice(0, MOST_RUNS), charts }),
    look: () => {
      asked = "";
      return ask();
    },
  };

  /** A chart of a layout as cards take it. */
  function cardOf({ category, title, type, tags, found, problem }) {
    const isMargin = type === "margin";
    const name = title || tags.join(", ");
    return { id: `layout:${category}/${name}`, title: name, left: isMargin ? found.slice(0, 1) : found, right: [], band: isMargin && found.length ? found.slice(1) : undefined, problem };
  }

  /** The band of a margin chart around one of its lines, at the steps of that line. */
  trainboard.bandOf = ({ band }, line, provider) => {
    if (!band) return null;
    const [low, high] = band.map((source) => {
      const bound = provider.lines(source).find(({ run }) => run === line.run);
      return bound && Float64Array.from(line.step, (step) => trainboard.interpolated(bound.step, bound.value, step));
    });
    return low && high ? { low, high, bad: undefined } : null;
  };

  trainboard.LayoutSections = function LayoutSections() {
    trainboard.useState("layout", "query");
    React.useEffect(() => void ask(), []);
    if (problem) return h("p", { className: "filter-problem", role: "alert" }, problem);
    const categories = new Map();
    for (const chart of resolved) categories.set(chart.category, [...(categories.get(chart.category) ?? []), cardOf(chart)]);
    return [...categories].map(([category, charts]) => h(Category, { key: category, category, charts }));
  };

  function Category({ category, charts }) {
    const entry = `closed:layout:${category}`;
    const isOpen = !trainboard.values("sections").includes(entry);
    return h(
      "section",
      { className: "section layout-section", "aria-label": category || "Layout", style: { "--count": charts.length } },
      h(
        "h2",
        null,
        h(
          "button",
          { "aria-expanded": isOpen, onClick: () => trainboard.toggleValue("sections", entry) },
          h("span", { className: "chevron", "aria-hidden": true }, isOpen ? "▾" : "▸"),
          category || "Layout",
          h("span", { className: "count" }, charts.length),
          h("span", { className: "layout-mark" }, "layout"),
        ),
      ),
      isOpen && h("div", { className: "cards" }, charts.map((chart, i) => h(trainboard.Card, { key: `${chart.id} ${i}`, chart }))),
    );
  }
})();
