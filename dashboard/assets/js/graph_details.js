/* What is known of a box of a graph: facts, neighbours, statistics of its layer, and its histograms. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;
  const COLUMNS = ["mean", "std", "min", "max"];
  const WIDTH = 120;
  const HEIGHT = 30;

  trainboard.GraphDetails = function GraphDetails({ source, run, box, reveal, close }) {
    return h(
      "aside",
      { className: "graph-details", "aria-label": "Details" },
      h("button", { type: "button", className: "quiet-button graph-close", "aria-label": "Close details", onClick: close }, "✕"),
      h(trainboard.GraphFacts, { source, run, box, reveal }),
    );
  };

  /** All that is known of a box; without `reveal` its neighbours are not said. */
  trainboard.GraphFacts = function GraphFacts({ source, run, box, step, reveal }) {
    const [told, setTold] = useState(null);
    const [problem, setProblem] = useState(null);
    const { runs } = trainboard.useState("tick");
    useEffect(() => {
      let current = true;
      trainboard.ask("/api/v1/graph/box", { ...source, box, step }).then(
        (answer) => current && (setTold(answer.box), setProblem(answer.box ? null : "This box is not in the graph.")),
        (error) => current && error.status && setProblem(error.message),
      );
      return () => void (current = false);
    }, [JSON.stringify(source), box, step, runs]);
    const facts = (rows) => h("dl", null, rows.map(([name, text]) => h("div", { key: name }, h("dt", null, name), h("dd", null, text))));
    return h(
      "div",
      { className: "graph-facts" },
      problem && h("p", { className: "quiet" }, problem),
      told && h(
        React.Fragment,
        null,
        h("h2", null, told.title),
        facts(told.facts),
        h(Ends, { title: "Shares its parameters with", ends: told.shares, reveal }),
        h(Ends, { title: "Its parameters are also used by", ends: told.shared, reveal }),
        told.holds && h(React.Fragment, null, h("h3", null, "Holds"), facts(told.holds)),
        h(Statistics, { rows: told.statistics }),
        h(Histograms, { histograms: told.histograms, run }),
        h(Ends, { title: "Inputs", ends: told.inputs, reveal }),
        h(Ends, { title: "Outputs", ends: told.outputs, reveal }),
        told.attributes?.length > 0 && h(React.Fragment, null, h("h3", null, "Attributes"), facts(told.attributes)),
      ),
    );
  };

  function Ends({ title, ends, reveal }) {
    if (!ends?.length || !reveal) return null;
    const one = ({ id, name, label }) => (id ? h("button", { type: "button", className: "graph-end", onClick: () => reveal(id) }, name, label && h("span", { className: "quiet" }, ` ${label}`)) : h("span", { className: "quiet" }, name));
    return h(React.Fragment, null, h("h3", null, title), h("ul", null, ends.map((end, index) => h("li", { key: index }, one(end)))));
  }

  function Statistics({ rows }) {
    if (!rows?.length) return null;
    const bad = (row) => (row.nans ?? 0) + (row.infs ?? 0);
    return h(
      React.Fragment,
      null,
      h("h3", null, `Statistics at step ${rows[0].step.toLocaleString("en")}`),
      h(
        "table",
        null,
        h("thead", null, h("tr", null, h("th", null), COLUMNS.map((name) => h("th", { key: name, scope: "col" }, name)), h("th", { scope: "col" }, "zeros"))),
        h(
          "tbody",
          null,
          rows.map((row) =>
            h(
              "tr",
              { key: row.source + row.part, className: bad(row) ? "graph-not-finite" : "" },
              h("th", { scope: "row" }, row.part ? `${row.source} ${row.part}` : row.source, bad(row) > 0 && h("strong", null, ` ${bad(row)} not finite`)),
              COLUMNS.map((name) => h("td", { key: name }, short(row[name]))),
              h("td", null, typeof row.zero_fraction === "number" ? `${(100 * row.zero_fraction).toFixed(0)} %` : ""),
            ),
          ),
        ),
      ),
    );
  }

  function Histograms({ histograms, run }) {
    if (!histograms?.length) return null;
    const layer = histograms[0].tag.split("/").slice(1).join("/");
    const query = new URLSearchParams({ only: run.id, histogram_filter: layer });
    return h(
      React.Fragment,
      null,
      h("h3", null, "Histograms ", h("a", { href: `/histograms?${query}` }, "over all steps")),
      histograms.map((one) => h(Histogram, { key: one.tag, one })),
    );
  }

  function Histogram({ one }) {
    const most = Math.max(...one.counts, 1);
    const wide = WIDTH / one.counts.length;
    const bars = one.counts.map((count, index) => `M${(index * wide).toFixed(1)} ${HEIGHT}v${(-(HEIGHT * count) / most).toFixed(1)}h${wide.toFixed(1)}V${HEIGHT}z`).join("");
    return h(
      "figure",
      { className: "graph-histogram" },
      h("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${one.tag} at step ${one.step}` }, h("path", { d: bars })),
      h("figcaption", null, one.tag, h("span", { className: "quiet" }, ` ${short(one.ends[0])} … ${short(one.ends[1])}`)),
    );
  }

  const short = (value) => {
    if (typeof value !== "number") return value ?? "–";
    const plain = value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5);
    return plain ? String(Number(value.toPrecision(3))) : value.toExponential(1);
  };
  trainboard.shortNumber = short;
})();
