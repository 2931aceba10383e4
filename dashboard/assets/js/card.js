/* One card: its head, its chart, and the points it follows while it is in view. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useLayoutEffect, useMemo, useRef, useState } = React;
  const MARGIN = "300px 0px";

  trainboard.cards = new Map(); /* the charts of the page by their ids, in their order */

  /** `chart`: {id, title, left, right}, the last two the sources (tags or formulas) on either axis. */
  trainboard.Card = function Card({ chart, section }) {
    const root = useRef(null);
    const [inView, setInView] = useState(false);
    useEffect(() => {
      const scrolled = root.current.closest("main"); /* a margin counts only around what scrolls */
      const observer = new IntersectionObserver(([entry]) => setInView(entry.isIntersecting), { root: scrolled, rootMargin: MARGIN });
      observer.observe(root.current);
      return () => observer.disconnect();
    }, []);
    useEffect(() => {
      if (chart.kind) return undefined; /* no curves to take away */
      trainboard.cards.set(chart.id, chart);
      return () => trainboard.cards.delete(chart.id);
    }, [JSON.stringify(chart)]);
    const isWide = trainboard.values("wide").includes(chart.id);
    const title = (section && chart.title.slice(section.length + 1)) || chart.title;
    const attributes = { className: "card", ref: root, "data-tag": chart.id, "data-wide": isWide || undefined };
    const hasTable = trainboard.stepsOf(trainboard.value("steps")) !== null;
    return h(
      "article",
      { ...attributes, "data-table": hasTable || undefined, "aria-label": chart.title },
      inView ? h(chart.kind ? trainboard.RecordCard : LiveCard, { chart, title, isWide }) : h(Head, { chart, title }),
    );
  };

  trainboard.CardHead = Head;
  function Head({ chart, title, note, about = "Points drawn, and points logged in this range", children }) {
    return h(
      "header",
      { className: "card-head" },
      h("h3", { className: "card-title", title: chart.title }, title),
      h(trainboard.Description, { tag: chart.title }),
      note && h("span", { className: "card-note", title: about }, note),
      children,
    );
  }

  /** A card in view: follows its lines, and asks for detail where a zoom shows thinned ones. */
  function LiveCard({ chart, title, isWide }) {
    trainboard.useState("shown", "query", "catalog", "marks", "groups", "config");
    const [zoom, setZoom] = useState(null);
    const plot = useRef(null);
    const look = trainboard.look(chart);
    const base = useLines(chart, look.along);
    const lines = useDetail(chart, base, zoom, plot, look);
    const marks = useMemo(() => trainboard.marks.along(lines), [lines, trainboard.value("marks"), trainboard.marks.count()]);

    return h(
      React.Fragment,
      null,
      h(
        Head,
        { chart, title, note: noteOf(lines) },
        zoom && h("button", { title: "Reset the zoom (double-click)", "aria-label": `Reset the zoom of ${chart.title}`, onClick: () => plot.current.setZoom(null) }, "⟲"),
        h(trainboard.WidthButton, { chart, isWide }),
        h(trainboard.CardMenu, { chart, plotRef: plot }),
      ),
      h(Legend, { chart }),
      h(trainboard.ScalarChart, { lines, marks, card: chart, label: chart.title, look, onZoom: setZoom, onPick: pickStep, plotRef: plot }),
      h(Problem, { chart }),
      look.best && h(Best, { lines, look }),
      h(trainboard.StepTable, { lines, look }),
    );
  }

  trainboard.WidthButton = ({ chart, isWide }) =>
    h("button", { title: "Full width", "aria-label": `Full width for ${chart.title}`, "aria-pressed": isWide, onClick: () => toggle("wide", chart.id) }, "⤢");

  const NONE = [];
  const providerOf = () => (trainboard.bands.isOn() ? trainboard.bands : trainboard.scalars);

  /** Put an entry into a list of the address, or take it out. */
  function toggle(key, entry) {
    const entries = trainboard.values(key);
    trainboard.setValues(key, entries.includes(entry) ? entries.filter((other) => other !== entry) : [...entries, entry]);
  }
  trainboard.toggleValue = toggle;

  /** A click chooses a step for all tables, while these are open; with Shift it ends a range. */
  function pickStep(step, endsRange) {
    const steps = trainboard.stepsOf(trainboard.value("steps"));
    if (steps === null) return;
    const isRange = endsRange && Number.isFinite(steps.from);
    trainboard.setQuery({ steps: isRange ? `${steps.from}..${step}` : String(step) });
  }

  /** The lines of a chart, kept up to date. */
  function useLines(chart, along) {
    const [arrived, setArrived] = useState(0);
    const sources = [...chart.left, ...chart.right, ...(chart.band ?? [])];
    const provider = providerOf();
    const followed = along ? [...sources, along] : sources;
    useLayoutEffect(() => {
      const stops = followed.map((source) => provider.follow(source, () => setArrived((count) => count + 1)));
      return () => stops.forEach((stop) => stop());
    }, [JSON.stringify(followed), provider, trainboard.value("band")]);
    const { shown } = trainboard.state;
    const ranks = trainboard.value("ranks");
    const drawn = useRef({ lines: NONE, ranks });
    return useMemo(() => {
      const found = linesOf(chart, provider, along);
      /* Another view of ranks has to be asked for; the last one stays until it comes. */
      if (found.length === 0 && drawn.current.ranks !== ranks) return drawn.current.lines;
      drawn.current = { lines: found, ranks };
      return found;
    }, [JSON.stringify(followed), provider, arrived, shown, ranks]);
  }

  /** The lines of a chart that is not in view, once all its sources are there or the time is over. */
  trainboard.awaitLines = (chart, milliseconds) => {
    const { along } = trainboard.look();
    const provider = providerOf();
    const sources = [...chart.left, ...chart.right, ...(along ? [along] : [])];
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        stops.forEach((stop) => stop());
        resolve(linesOf(chart, provider, along));
      };
      const look = () => sources.every((source) => provider.lines(source).length > 0) && end();
      const timer = setTimeout(end, milliseconds);
      const stops = sources.map((source) => provider.follow(source, look));
      look();
    });
  };

  function linesOf(chart, provider, along) {
    const place = ({ run, faint }) => `${run} ${Boolean(faint)}`; /* a group goes by the name of its first run */
    const places = along && new Map(provider.lines(along).map((line) => [place(line), line]));
    const sources = [...chart.left, ...chart.right];
    return sources.flatMap((source, i) =>
      provider.lines(source).map((line) => ({
        ...line,
        ...trainboard.bandOf(chart, line, provider),
        name: sources.length > 1 ? `${line.name} · ${source}` : line.name,
        dash: (line.dash ?? 0) + i,
        scale: i < chart.left.length ? "y" : "y2",
        ...(along && { along: places.get(place(line)) }),
      })),
    );
  }

  /** The lines with the columns of the window in view, where those at hand are thinned. */
  function useDetail(chart, base, zoom, plot, look) {
    const [detail, setDetail] = useState(null);
    const isThinned = !chart.band && base.some((line) => !line.exact);
    const provider = providerOf();
    const { shown } = trainboard.state;
    const ranks = trainboard.value("ranks");
    useEffect(() => {
      setDetail(null);
      if (!zoom?.x || !isThinned) return undefined;
      let current = true;
      const window = look.along ? stepsWithin(plot.current.curves, zoom.x) : zoom.x;
      const width = plot.current.root.clientWidth;
      Promise.all([...chart.left, ...chart.right].map((source) => provider.detail(source, look.axis, window, width)))
        .then((found) => current && setDetail(new Map(found.flatMap((map) => [...map]))))
        .catch(() => {}); /* the thinned lines stay; the shell says that the server is gone */
      return () => (current = false);
    }, [chart.id, zoom, isThinned, provider, shown, look.axis, look.along, ranks]);
    return useMemo(() => (detail ? base.map((line) => detailed(line, detail)) : base), [base, detail]);
  }

  function stepsWithin(curves, [low, high]) {
    const steps = curves.flatMap(({ x, step }) => Array.from(step).filter((_, i) => x[i] >= low && x[i] <= high));
    return steps.length ? [Math.min(...steps), Math.max(...steps)] : [0, 0];
  }

  /** A line with the columns of its window; times stay relative to the whole line's beginning. */
  function detailed(line, detail) {
    const found = detail.get(line.id);
    if (!found || found.n === 0) return line;
    const { id, run, source, formula, name, color, dash, scale, several, along, faint, of, note } = line;
    const told = { id, run, source, formula, name, color, dash, scale, several, along, faint, of, note, first: line.first ?? line.wall[0] };
    const { step, wall, value, low, high, bad, count, ranks, low_rank, high_rank } = found.columns;
    return { ...told, total: found.total, exact: found.exact, step, wall, value, low, high, bad, count, ranks, low_rank, high_rank };
  }

  /** "1 000 of 2.5 M points" where not every point is drawn, and how unequal steps were brought together. */
  function noteOf(lines) {
    return [drawnOf(lines), lines.find(({ note }) => note)?.note].filter(Boolean).join(", ") || null;
  }

  function drawnOf(lines) {
    if (lines.every((line) => line.exact)) return null;
    const drawn = lines.reduce((sum, line) => sum + line.step.length, 0);
    const total = lines.reduce((sum, line) => sum + line.total, 0);
    return `${trainboard.format.tick(drawn)} of ${trainboard.format.tick(total)} points`;
  }

  /** Which dashes stand for which source, where there are several. */
  function Legend({ chart }) {
    const sources = [...chart.left, ...chart.right];
    if (sources.length < 2) return null;
    const entry = (source, i) =>
      h(
        "li",
        { key: source },
        h("svg", { width: 26, height: 6, "aria-hidden": true }, h("line", { x1: 0, x2: 26, y1: 3, y2: 3, stroke: "currentColor", strokeWidth: 2, strokeDasharray: trainboard.dashes[i % trainboard.dashes.length].join(" ") })),
        source,
        i >= chart.left.length && h("span", { className: "quiet" }, " right"),
      );
    return h("ul", { className: "card-legend" }, sources.map(entry));
  }

  function Problem({ chart }) {
    const problem = chart.problem || trainboard.problemOf(chart);
    return problem && h("p", { className: "card-problem", role: "alert" }, problem);
  }

  /** The best value, whose it is, and where. */
  function Best({ lines, look }) {
    const found = useMemo(() => trainboard.bestOf(trainboard.curvesOf(lines, { ...look, smoothing: 0 }), look.best), [lines, ...Object.values(look)]);
    if (!found) return null;
    const { number, integer } = trainboard.format;
    const where = `${found.exact ? "" : "about "}step ${integer(found.step)}`;
    return h("p", { className: "card-best", style: { "--color": found.curve.color } }, h("i"), `${look.best === "min" ? "Lowest" : "Highest"} ${number(found.value)} at ${where}, ${found.curve.name}`);
  }
})();
