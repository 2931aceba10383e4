/* Charts that people made: several tags or formulas on one, kept in the address. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const OWN = "own:"; /* tags of their own cards have no such beginning, or share its width and no more */

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

  trainboard.isOwn = ({ id }) => trainboard.ownCharts().some((chart) => chart.id === id);
})();
