/* The table of trials; its heads sort it, and the address keeps how. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useMemo } = React;
  const MOST_ROWS = 500;

  trainboard.TrialTable = function TrialTable({ heads, rows, keys }) {
    trainboard.useState("query");
    const names = ["Run", ...heads];
    const sort = trainboard.value("trial_sort");
    const falls = sort.startsWith("-");
    const chosen = names.indexOf(sort.slice(falls ? 1 : 0));
    const by = chosen < 0 ? keys + 1 : chosen; /* the metric */
    const order = useMemo(() => sorted(rows, by, falls), [rows, by, falls]);
    const head = (name, i) =>
      h(
        "th",
        { key: i, scope: "col", "aria-sort": i === by ? (falls ? "descending" : "ascending") : undefined },
        h("button", { title: "Sort by it", onClick: () => trainboard.setQuery({ trial_sort: i === by && !falls ? `-${name}` : name }) }, name, i === by ? (falls ? " ↓" : " ↑") : ""),
      );
    return h(
      React.Fragment,
      null,
      rows.length > MOST_ROWS && h("p", { className: "quiet" }, `The first ${MOST_ROWS} of ${rows.length} in this order.`),
      h(
        "div",
        { className: "scrolled", tabIndex: 0 },
        h("table", { className: "grid" }, h("thead", null, h("tr", null, names.map(head))), h("tbody", null, order.slice(0, MOST_ROWS).map((row) => h(Row, { key: row.id, row, keys })))),
      ),
    );
  };

  function Row({ row: { id, name, color, cells }, keys }) {
    const link = h("a", { href: `/runs?${new URLSearchParams({ run: id })}` }, h("span", { className: "swatch", style: { background: color } }), name);
    return h("tr", null, h("th", { scope: "row" }, link), cells.map((cell, i) => h("td", { key: i, className: typeof cell === "number" ? "number" : undefined }, written(cell, i < keys ? "config." : ""))));
  }

  const written = (cell, field) => (cell === null ? "–" : trainboard.cell(field, cell));

  const collator = new Intl.Collator("en", { numeric: true });

  /** By a column, numbers before texts; what a run does not have comes last, whichever way. */
  function sorted(rows, by, falls) {
    const place = ({ name, cells }) => (by === 0 ? name : cells[by - 1]);
    const compare = (a, b) => {
      if (a === null || b === null) return (a === null) - (b === null);
      const [first, second] = falls ? [b, a] : [a, b];
      return typeof a === "number" && typeof b === "number" ? first - second : collator.compare(first, second);
    };
    return [...rows].sort((a, b) => compare(place(a), place(b)));
  }
})();
