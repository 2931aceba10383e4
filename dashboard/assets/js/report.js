/* A whole view as one HTML file without scripts: every chart of the open sections, and the runs. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const MOST_CHARTS = 100;
  const PATIENCE_MILLISECONDS = 8000;

  trainboard.saveReport = async () => {
    const say = (words) => (document.getElementById("report-status").textContent = words);
    const charts = [...trainboard.cards.values()];
    const chosen = charts.slice(0, MOST_CHARTS);
    const drawings = [];
    for (const chart of chosen) {
      say(`Drawing ${drawings.length + 1} of ${chosen.length}…`);
      drawings.push(await drawing(chart));
    }
    const kept = drawings.filter(Boolean);
    if (kept.length === 0) return say("No chart has any lines.");
    trainboard.save(new Blob([page(kept)], { type: "text/html" }), "trainboard-report.html");
    return say(charts.length > chosen.length ? `The first ${chosen.length} of ${charts.length} charts saved.` : `${kept.length} saved.`);
  };

  /** The SVG of a chart, from the page or, where it is not in view, drawn beside it; "" without lines. */
  async function drawing(chart) {
    const there = trainboard.plots().find((plot) => plot.card?.id === chart.id && plot.curves.length > 0);
    if (there) return trainboard.chartSvg(there, chart);
    const root = Object.assign(document.createElement("div"), { className: "report-sheet" });
    document.body.append(root);
    const plot = new trainboard.Plot(root, trainboard.look(chart));
    try {
      plot.setLines(await trainboard.awaitLines(chart, PATIENCE_MILLISECONDS));
      await new Promise(requestAnimationFrame); /* uPlot finds its ticks when it draws */
      return plot.curves.length > 0 ? trainboard.chartSvg(plot, chart) : "";
    } finally {
      plot.destroy();
      root.remove();
    }
  }

  function page(drawings) {
    const { escaped, state, format } = trainboard;
    const title = `${state.project}, ${new Date().toLocaleString()}`;
    const row = ({ name, status, group, created_at: began }) => `<tr>${[name, status, group ?? "", format.time(began)].map((cell) => `<td>${escaped(cell)}</td>`).join("")}</tr>`;
    const runs = [...state.runs, ...state.beyond.values()].filter(({ id }) => state.shown.some((run) => run.id === id));
    return `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title>
<style>body{max-width:1320px;margin:24px auto;padding:0 16px;font:14px/1.4 system-ui,sans-serif;color:#1c2024;overflow-wrap:anywhere}
main{display:flex;flex-wrap:wrap;gap:16px}figure{margin:0;border:1px solid #dfe2e6;break-inside:avoid}svg{display:block;max-width:100%;height:auto}
td,th{padding:2px 16px 2px 0;text-align:left}</style></head><body><h1>${escaped(title)}</h1>
<main>${drawings.map((drawing) => `<figure>${drawing}</figure>`).join("\n")}</main>
<h2>Runs</h2><table><thead><tr><th>Run</th><th>Status</th><th>Group</th><th>Began</th></tr></thead><tbody>${runs.map(row).join("")}</tbody></table>
<p>The view: ${escaped(location.search || "as it opens")}</p></body></html>`;
  }

  document.addEventListener("click", (event) => event.target.closest("#save-report") && trainboard.saveReport());
})();
