/* The columns of the table of runs: how each is written, and the panel in which people choose them. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useState } = React;
  const MOST_LISTED = 100;
  const SUMMARIES = [
    ["last", "last"],
    ["min", "minimum"],
    ["min_step", "step of the minimum"],
    ["max", "maximum"],
    ["max_step", "step of the maximum"],
    ["mean", "mean"],
  ];
  const RUN_FIELDS = [
    ["status", "Status"],
    ["created", "Started"],
    ["duration", "Duration"],
    ["updated", "Last heard of"],
    ["tag", "Tags"],
    ["group", "Group"],
    ["notes", "Notes"],
    ["id", "Id"],
  ];
  const FIRST = ["status", "created", "duration", "tag"];
  const MARKS = { running: "●", finished: "✓", crashed: "✕", stopped: "■", killed: "†" };
  const TIMES = ["created", "updated"];
  const WIDTHS = { status: 100, created: 190, updated: 190, duration: 100, tag: 120, notes: 200 };

  /** The fields shown: those the address names, or the first ones. */
  trainboard.runColumns = (known) => {
    const chosen = trainboard.values("columns");
    return chosen.length ? chosen : [...FIRST, ...(known?.first ?? [])];
  };

  /** What AG Grid takes, for these fields. */
  trainboard.columnDefinitions = (fields) => {
    const sorted = new Map(trainboard.values("sort").map((field, index) => [field.replace(/^-/, ""), [field.startsWith("-") ? "desc" : "asc", index]]));
    const definition = (field, more) => ({
      colId: field,
      headerName: title(field),
      headerTooltip: field,
      tooltipValueGetter: ({ data }) => (data ? String(told(data, field) ?? "") : ""),
      valueGetter: ({ data }) => data && told(data, field),
      valueFormatter: ({ value }) => written(field, value),
      width: WIDTHS[field] ?? 120,
      sort: sorted.get(field)?.[0] ?? null,
      sortIndex: sorted.get(field)?.[1] ?? null,
      sortingOrder: ["asc", "desc", null],
      resizable: true,
      headerClass: /^(duration$|last\.|min\.|max\.|mean\.|min_step\.|max_step\.)/.test(field) ? "ag-right-aligned-header" : "",
      cellClass: ({ value }) => (typeof value === "number" && !TIMES.includes(field) ? "number" : ""),
      ...more,
    });
    return [
      definition("name", { headerName: "Name", pinned: matchMedia("(max-width: 760px)").matches ? null : "left", width: 200, cellRenderer: Name }),
      ...fields.filter((field) => field !== "name").map((field) => definition(field, field === "status" ? { cellRenderer: Status } : {})),
    ];
  };

  function Name({ data }) {
    if (!data) return h("span", { className: "quiet" }, "…");
    const open = (event) => {
      event.preventDefault();
      trainboard.setQuery({ run: data.id });
    };
    return h(
      React.Fragment,
      null,
      h("span", { className: "swatch", style: { background: trainboard.colorOf(data) } }),
      h("a", { href: `/runs?run=${encodeURIComponent(data.id)}`, onClick: open }, data.name || data.id),
      data.archived && h("span", { className: "quiet" }, " archived"),
    );
  }

  function Status({ data }) {
    if (!data) return null;
    const heard = `last heard of ${trainboard.format.time(data.updated)}`;
    return h(
      "span",
      { className: "run-status", "data-status": data.status, title: [data.error, heard].filter(Boolean).join("\n") },
      h("span", { "aria-hidden": true }, MARKS[data.status] ?? "?"),
      data.status,
    );
  }

  function title(field) {
    const named = RUN_FIELDS.find(([name]) => name === field);
    if (named) return named[1];
    const [space, key] = parts(field);
    return space === "config" || space === "summary" ? key || "(empty)" : `${key} ${space.replace("_", " ")}`;
  }

  /** "config" and "lr" of config.lr; a key may be quoted. */
  function parts(field) {
    const dot = field.indexOf(".");
    const key = field.slice(dot + 1);
    return [field.slice(0, dot), /^["']/.test(key) ? key.slice(1, -1).replace(/\\(["'\\])/g, "$1") : key];
  }

  const quoted = (key) => (/^[^\s()[\],"'=<>!~]+$/.test(key) ? key : `"${key.replace(/["\\]/g, "\\$&")}"`);

  function told(data, field) {
    if (field === "tag") return data.tags.join(", ");
    return field in data ? data[field] : data.values[field];
  }

  function written(field, value) {
    if (value === null || value === undefined) return "";
    if (field === "created" || field === "updated") return trainboard.format.time(value);
    if (field === "duration") return trainboard.format.duration(value);
    if (typeof value !== "number") return String(value);
    if (field.startsWith("config.")) return String(Number(value.toPrecision(6))).replace("-", "−");
    return Number.isInteger(value) && Math.abs(value) < 1e9 ? String(value).replace("-", "−") : trainboard.format.number(value);
  }
  trainboard.cell = written;

  /** The panel: what a run is, its config, its metrics and which of their summaries. */
  trainboard.ColumnPicker = function ColumnPicker({ known, fields, close }) {
    const [search, setSearch] = useState("");
    const [summary, setSummary] = useState("last");
    const matches = (text) => text.toLowerCase().includes(search.toLowerCase());
    const choose = (next) => trainboard.setValues("columns", next);
    const box = (field, label) =>
      h(
        "label",
        { key: field, title: field },
        h("input", {
          type: "checkbox",
          checked: fields.includes(field),
          onChange: () => choose(fields.includes(field) ? fields.filter((one) => one !== field) : [...fields, field]),
        }),
        label,
      );
    const part = (name, entries, more) => {
      const found = entries.filter(([field]) => matches(field));
      return h(
        "fieldset",
        null,
        h("legend", null, name),
        more,
        found.slice(0, MOST_LISTED).map(([field, label]) => box(field, label)),
        found.length > MOST_LISTED && h("p", { className: "quiet" }, `and ${found.length - MOST_LISTED} more: search for them`),
        found.length === 0 && h("p", { className: "quiet" }, "none"),
      );
    };
    const which = h(
      "select",
      { "aria-label": "Which number of a metric", value: summary, onChange: (event) => setSummary(event.target.value) },
      SUMMARIES.map(([value, label]) => h("option", { key: value, value }, label)),
    );
    return h(
      "div",
      { className: "column-picker", role: "group", "aria-label": "Columns", onKeyDown: (event) => event.key === "Escape" && close() },
      h(
        "div",
        { className: "control" },
        h("input", { type: "search", "aria-label": "Search columns", placeholder: "Search columns", autoFocus: true, value: search, onChange: (event) => setSearch(event.target.value) }),
        h("button", { onClick: () => trainboard.setQuery({ columns: "" }) }, "Reset"),
        h("button", { onClick: close }, "Done"),
      ),
      h(
        "div",
        { className: "column-parts" },
        part("Run", RUN_FIELDS),
        part("Config", (known?.config ?? []).map((key) => [`config.${quoted(key)}`, key])),
        part("Metrics", (known?.tags ?? []).map((tag) => [`${summary}.${quoted(tag)}`, tag]), which),
      ),
    );
  };
})();
