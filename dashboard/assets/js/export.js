/* Taking a chart away: as a picture, as every point of it, and as the program that draws it. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const PIXELS = 2; /* of a picture for each of the chart */
  const POST = (body) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const SUFFIXES = { CSV: "csv", JSON: "json", Parquet: "parquet" };

  /** Take a chart away in a form; returns what went wrong in words, or "". */
  trainboard.takeAway = async (form, chart, plot) => {
    if (plot.curves.length === 0) return "This chart has no lines yet.";
    const name = chart.title.replace(/[^\w.-]+/g, "_").slice(0, 80) || "chart";
    try {
      if (form === "SVG") save(svg(plot, chart), `${name}.svg`);
      else if (form === "PNG") save(await png(plot, chart), `${name}.png`);
      else if (form === "PDF") print(trainboard.chartSvg(plot, chart));
      else if (form === "Python") save(await ask("program", { lines: linesOf(plot), look: lookOf(chart, plot) }), `${name}.py`);
      else save(await ask("data", { lines: linesOf(plot), form }), `${name}.${SUFFIXES[form]}`);
      return "";
    } catch (error) {
      return error.message;
    }
  };

  const svg = (plot, chart) => new Blob([trainboard.chartSvg(plot, chart)], { type: "image/svg+xml" });

  async function ask(what, body) {
    if (trainboard.bands.isOn()) throw new Error("Groups are drawn of several runs: end the grouping to take points of each.");
    const answer = await fetch(`/api/v1/charts/${what}`, POST(body));
    if (answer.ok) return answer.blob();
    throw new Error((await answer.json()).message);
  }

  /** The lines of a plot as the server reads them. */
  function linesOf({ lines }) {
    const names = new Map(trainboard.state.shown.map(({ id, name }) => [id, name]));
    return lines.map(({ id, run, name, source, color, dash, scale, formula }) => ({
      run, name: names.get(run) ?? name, label: name, source, rank: JSON.parse(id)[1], formula: Boolean(formula), color, dash: dash ?? 0, right: scale === "y2",
    }));
  }

  function lookOf(chart, { look }) {
    const { axis, xscale, yscale, smoothing, kind } = look;
    return { title: chart.title, axis, xscale, yscale, smoothing, kind };
  }

  trainboard.save = save;
  function save(blob, name) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  async function png(plot, chart) {
    const image = new Image();
    image.src = URL.createObjectURL(svg(plot, chart));
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width: PIXELS * image.width, height: PIXELS * image.height });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(image.src);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  /** The browser's own printing makes the PDF: lines stay lines, text stays text, in whatever script. */
  function print(drawing) {
    document.getElementById("print-sheet")?.remove();
    const frame = Object.assign(document.createElement("iframe"), { id: "print-sheet", title: "Chart to print" });
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(drawing);
    const style = `@page{size:${width}px ${height}px;margin:0}body{margin:0}svg{display:block}`;
    frame.srcdoc = `<!DOCTYPE html><title>chart</title><style>${style}</style>${drawing}`;
    frame.addEventListener("load", () => frame.contentWindow.print(), { once: true });
    document.body.append(frame);
  }
})();
