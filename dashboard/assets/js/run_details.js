/* One run in full, and what differs between several. All text is what programs logged, and shown as text. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;
  const PARTS = [
    ["config", "Config"],
    ["environment", "Environment"],
    ["variables", "Environment variables"],
    ["packages", "Packages"],
  ];

  /** The answer of the server, read anew when `again` changes; {failed} where it refused. */
  function useAnswer(url, again) {
    const [answer, setAnswer] = useState(null);
    useEffect(() => {
      let current = true;
      trainboard.json(url).then(
        (told) => current && setAnswer(told),
        (failed) => current && setAnswer((before) => before ?? { failed }),
      );
      return () => void (current = false);
    }, [url, again]);
    return answer;
  }

  trainboard.RunDetails = function RunDetails({ id }) {
    const known = trainboard.useState("tick").runs?.find((run) => run.id === id);
    const run = useAnswer(`/api/v1/run-details?run=${encodeURIComponent(id)}`, known?.updated_at);
    if (!run) return h("p", { className: "notice" }, "Loading…");
    if (run.failed) return h(Missing, { failed: run.failed });
    const { time, duration } = trainboard.format;
    const facts = [
      ["Project", run.project],
      ["Group", run.group],
      ["Tags", run.tags.join(", ")],
      ["Started", time(run.created_at)],
      ["Last heard of", time(run.updated_at)],
      ["Duration", duration((run.ended_at ?? run.updated_at) - run.created_at)],
      ["Exit code", run.exit_code],
      ["Lost", run.dropped || run.damaged ? `${run.dropped} not logged, ${run.damaged} damaged` : null],
      ["Id", run.id],
    ];
    return h(
      "article",
      { className: "run-details" },
      h(Back),
      h("h1", null, run.name || run.id, h("span", { className: "run-status", "data-status": run.status }, run.status)),
      run.error && h("pre", { className: "problem" }, run.error),
      run.notes && h("p", { className: "run-notes" }, run.notes),
      h("dl", { className: "facts" }, facts.filter(([, value]) => value !== null && value !== "").map(([name, value]) => h("div", { key: name }, h("dt", null, name), h("dd", null, String(value))))),
      h(Part, { title: "Config", open: true, count: Object.keys(run.config).length }, h(Pairs, { values: run.config })),
      h(Part, { title: "Summary", open: true, count: run.summary.length }, h(Summary, { rows: run.summary })),
      h(Part, { title: "Events", open: true, count: run.events.length }, h(Events, { events: run.events })),
      run.ranks.length > 1 && h(Part, { title: "Ranks", open: true, count: run.ranks.length }, h(Ranks, { ranks: run.ranks, slowest: run.slowest })),
      h(Part, { title: "Environment", count: Object.keys(run.environment).length }, h(Pairs, { values: run.environment })),
      h(Part, { title: "Environment variables", count: Object.keys(run.variables).length }, h(Pairs, { values: run.variables })),
      h(Part, { title: "Changes to the code that were not committed", count: run.diff ? run.diff.split("\n").length : 0 }, h(Code, { lines: run.diff.split("\n") })),
      h(Part, { title: "Packages", count: Object.keys(run.packages).length }, h(Pairs, { values: run.packages })),
    );
  };

  trainboard.RunDifferences = function RunDifferences({ ids }) {
    const answer = useAnswer(`/api/v1/run-differences?runs=${ids.map(encodeURIComponent).join(",")}`);
    if (!answer) return h("p", { className: "notice" }, "Loading…");
    if (answer.failed) return h(Missing, { failed: answer.failed });
    const { runs, parts, code } = answer;
    if (runs.length < 2) return h("article", { className: "run-details" }, h(Back), h("p", { className: "notice" }, "Of these runs fewer than two exist, so there is nothing to compare."));
    return h(
      "article",
      { className: "run-details" },
      h(Back),
      h("h1", null, `What differs between ${runs.length} runs`),
      PARTS.map(([name, title]) =>
        h(
          Part,
          { key: name, title, open: name !== "packages" || parts[name].length < 30, count: parts[name].length },
          parts[name].length ? h(Grid, { heads: ["", ...runs.map((run) => run.name || run.id)], rows: parts[name] }) : h("p", { className: "quiet" }, "The same in all."),
        ),
      ),
      h(
        Part,
        { title: "Changes to the code that were not committed", open: true, count: code.filter((lines) => lines.length).length },
        code.map((lines, at) =>
          lines.length
            ? h(Code, { key: at, lines })
            : h("p", { key: at, className: "quiet" }, `${runs[at + 1].name}: the same as in ${runs[0].name}.`),
        ),
      ),
    );
  };

  function Back() {
    return h("button", { className: "quiet-button", onClick: () => trainboard.setQuery({ run: "", diff: "" }) }, "← All runs");
  }

  function Missing({ failed }) {
    const gone = failed.status === 404;
    return h(
      "article",
      { className: "run-details" },
      h(Back),
      h("div", { className: "notice" }, h("h2", null, gone ? "There is no such run" : "The run could not be read"), h("p", null, gone ? "It was deleted, or never was in this store." : "The server failed to answer; its log says why.")),
    );
  }

  function Part({ title, count, open, children }) {
    if (!count) return h("section", { className: "run-part" }, h("h2", null, title), h("p", { className: "quiet" }, "none"));
    return h("details", { className: "run-part", open }, h("summary", null, h("h2", null, title), h("span", { className: "quiet" }, count)), children);
  }

  const Pairs = ({ values }) => h(Grid, { rows: Object.entries(values) });

  function Grid({ heads, rows }) {
    return h(
      "div",
      { className: "scrolled", tabIndex: 0 },
      h(
        "table",
        { className: "grid" },
        heads && h("thead", null, h("tr", null, heads.map((head, at) => h("th", { key: at, scope: "col" }, head)))),
        h("tbody", null, rows.map(([name, ...cells]) => h("tr", { key: name }, h("th", { scope: "row" }, name || "(empty)"), cells.map((cell, at) => h("td", { key: at, className: typeof cell === "number" ? "number" : undefined }, shown(cell)))))),
      ),
    );
  }

  function shown(value) {
    if (value === null || value === undefined) return h("span", { className: "quiet" }, "–");
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  }

  function Summary({ rows }) {
    const several = rows.some((row) => row.rank !== 0);
    const at = (value, step) => (value === null ? null : `${trainboard.cell("", value)} at ${step}`);
    const heads = ["Tag", "Last", "Minimum", "Maximum", "Mean", "Points", "NaN, ∞"];
    const cells = rows.map((row) => [
      several ? `${row.tag} · rank ${row.rank}` : row.tag,
      at(row.last ?? "NaN", row.last_step),
      at(row.minimum, row.min_step),
      at(row.maximum, row.max_step),
      row.mean === null ? null : trainboard.cell("", row.mean),
      trainboard.format.integer(row.count),
      row.bad || null,
    ]);
    return h(Grid, { heads, rows: cells });
  }

  function Events({ events }) {
    return h(
      "ol",
      { className: "run-events" },
      events.map((event, at) =>
        h("li", { key: at, "data-level": event.level }, h("time", null, trainboard.format.time(event.wall_time)), ` step ${event.step} `, h("strong", null, event.title), event.text && h("pre", null, event.text)),
      ),
    );
  }

  function Ranks({ ranks, slowest }) {
    const rows = ranks.map((rank) => [`rank ${rank.rank}`, rank.status, rank.host, rank.last_step, rank.behind || null, slowest?.rank === rank.rank ? `slowest by ${slowest.tag}` : null]);
    return h(Grid, { heads: ["", "Status", "Host", "Last step", "Behind", ""], rows });
  }

  const KIND_OF_LINE = { "+": "added", "-": "removed", "@": "place" };
  function Code({ lines }) {
    return h("pre", { className: "code-diff", tabIndex: 0 }, lines.map((line, at) => h("span", { key: at, className: KIND_OF_LINE[line[0]] }, line, "\n")));
  }
})();
