/* Charts that people made: several tags or formulas on one, kept in the address. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const OWN = "own:"; /* tags of their own cards have no such beginning, or share its width and no more */

  const problems = new Map(); /* formula -> what is wrong with it, "" where nothing is */

  const texts = (list) => (Array.isArray(list) ? list.filter((text) => typeof text === "string" && text !== "") : []);

  /** The charts of the address: {id, title, left, right}; what is none is left out. */
  trainboard.ownCharts = () => {
    const charts = told().map(({ title, left, right }) => {
      const sources = { left: texts(left), right: texts(right) };
      const name = typeof title === "string" && title ? title : [...sources.left, ...sources.right].join(", ");
      return { id: OWN + name, title: name, ...sources };
    });
    const made = charts.filter(({ left, right }) => left.length + right.length > 0);
    made.forEach(({ left, right }) => trainboard.scalars.compute([...left, ...right]));
    return made.filter(({ id }, i) => made.findIndex((other) => other.id === id) === i);
  };

  function told() {
    try {
      const charts = JSON.parse(trainboard.value("charts") || "[]");
      return Array.isArray(charts) ? charts.filter((chart) => chart !== null && typeof chart === "object") : [];
    } catch {
      return [];
    }
  }

  /** Put a chart in the place of another, or beside all; null takes that other one away. */
  trainboard.setOwnChart = (before, chart) => {
    const charts = trainboard.ownCharts();
    const at = charts.findIndex(({ id }) => id === before);
    charts.splice(at < 0 ? charts.length : at, at < 0 ? 0 : 1, ...(chart ? [chart] : []));
    const kept = charts.map(({ title, left, right }) => ({ title, left, right }));
    trainboard.setQuery({ charts: kept.length ? JSON.stringify(kept) : "" });
  };

  /** What is wrong with the formulas of a chart, "" where nothing is or is known; cards are told by "catalog". */
  trainboard.problemOf = (chart) => {
    if (!trainboard.isOwn(chart)) return "";
    const sources = [...chart.left, ...chart.right].filter((source) => !trainboard.scalars.tags()?.includes(source));
    for (const source of sources) if (!problems.has(source)) check(source);
    return sources.map((source) => problems.get(source)).find(Boolean) ?? "";
  };

  async function check(source) {
    problems.set(source, "");
    try {
      const { problem } = await trainboard.json(`/api/v1/charts/formula?${new URLSearchParams({ text: source })}`);
      problems.set(source, problem ?? "");
      if (problem) trainboard.emit("catalog");
    } catch {
      problems.delete(source); /* asked again when the card is drawn again */
    }
  }

  trainboard.isOwn = ({ id }) => trainboard.ownCharts().some((chart) => chart.id === id);
})();
