/* The Profile page: the traces of the shown runs; of one its timeline, operators, layers and memory. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useMemo, useState } = React;
  const VIEWS = { summary: "Summary", timeline: "Timeline" };
  const MAX_RUNS = 50;
  const VIEWER = "/api/v1/traces/viewer/index.html";
  const LAYERS_AT_FIRST = 40;
  const encode = encodeURIComponent;

  trainboard.ProfilePage = function ProfilePage() {
    const state = trainboard.useState("query", "shown");
    const runs = state.shown.slice(0, MAX_RUNS);
    const ids = runs.map((run) => run.id);
    const { answer, problem } = trainboard.useAnswer(ids.length ? `/api/v1/traces?runs=${ids.map(encode).join(",")}` : null, ids);
    if (problem) return h("p", { role: "alert", className: "filter-problem" }, problem);
    if (state.runs !== null && !ids.length) return h("div", { className: "notice" }, h("h2", null, "No runs shown"), h("p", null, "Choose runs at the left."));
    if (!answer) return h("p", { className: "notice" }, "Loading…");
    if (!answer.traces.length) return h(Nothing);
    const byId = new Map(runs.map((run) => [run.id, run]));
    const traces = answer.traces.filter((trace) => byId.has(trace.run)).map((trace) => ({ ...trace, key: keyOf(trace), owner: byId.get(trace.run) }));
    const chosen = traces.find((trace) => trace.key === trainboard.value("trace")) ?? traces[0];
    return h(
      "div",
      { className: "profile-page" },
      h(Tools, { traces, chosen, total: answer.total }),
      chosen && h(Trace, { key: chosen.key, trace: chosen }),
    );
  };

  const keyOf = ({ run, tag, rank, index }) => [run, rank, index, tag].join(" ");

  function Nothing() {
    return h(
      "div",
      { className: "notice" },
      h("h2", null, "No profiles in the runs shown"),
      h("p", null, "Before the loop, ", h("code", null, "run.profile(steps=(10, 12))"), " has the framework's profiler look at these steps of ", h("code", null, "run.steps(loader)"), "; ", h("code", null, "with run.profile(): …"), " looks at a block. ", h("code", null, "tb.Trace(file)"), " logs a file in Chrome's format."),
    );
  }

  function Tools({ traces, chosen, total }) {
    const { integer, time } = trainboard.format;
    const name = (trace) => `${trace.owner.name}: ${trace.tag}, step ${integer(trace.step)}${trace.rank ? `, rank ${trace.rank}` : ""} (${time(trace.wall_time)})`;
    const view = trainboard.value("profile_view");
    return h(
      "div",
      { className: "toolbar", role: "toolbar", "aria-label": "What is shown" },
      h("label", { className: "toolbar-field" }, "Trace", h("select", { value: chosen?.key, onChange: (event) => trainboard.setQuery({ trace: event.target.value }) }, traces.map((trace) => h("option", { key: trace.key, value: trace.key }, name(trace))))),
      h("span", { role: "group", "aria-label": "View" }, Object.entries(VIEWS).map(([value, text]) => h("button", { key: value, type: "button", className: "quiet-button", "aria-pressed": view === value, onClick: () => trainboard.setQuery({ profile_view: value }) }, text))),
      total > traces.length && h("span", { className: "quiet" }, `The newest ${integer(traces.length)} of ${integer(total)} traces.`),
    );
  }

  function Trace({ trace }) {
    const asked = new URLSearchParams({ run: trace.run, tag: trace.tag, rank: trace.rank, index: trace.index });
    const { answer: told, problem } = trainboard.useAnswer(`/api/v1/traces/summary?${asked}`, [], { isPartial: isRead });
    const source = viewerOf(`/api/v1/traces/timeline?${asked}`, `${trace.owner.name}, step ${trace.step}`);
    if (problem) return h("p", { className: "notice", role: "alert" }, problem);
    if (told === null || isRead(told)) return h(Reading, { share: told?.share });
    return h(
      React.Fragment,
      null,
      h(Facts, { trace, told }),
      trainboard.value("profile_view") === "timeline" && !told.problem ? h(Timeline, { source, leftOut: told.left_out }) : h(Summary, { told, source }),
    );
  }

  const isRead = (told) => "share" in told;

  /** How far the server is with a trace: `share` of it is read; null while it reads another. */
  function Reading({ share = 0 }) {
    const words = share === null ? "Another trace is read first" : share === 1 ? "Summing up" : share ? `Reading the trace, ${Math.round(100 * share)} %` : "Reading the trace";
    return h("p", { className: "trace-reading", role: "status" }, h("progress", { value: share || undefined, "aria-label": "Progress" }), ` ${words}`);
  }

  function Facts({ trace, told }) {
    const { integer } = trainboard.format;
    const facts = [told.name, told.events && `${integer(told.events)} events`, told.duration && `${micro(told.duration)} long`, told.size !== undefined && `${bytes(told.size)} as a file`].filter(Boolean);
    return h(
      "p",
      { className: "trace-facts" },
      h("span", { className: "run-dot", style: { backgroundColor: trace.owner.color } }),
      h("b", null, h("bdi", null, trace.owner.name)),
      ` ${facts.join(" · ")} `,
      told.url && h("a", { href: told.url, download: told.file }, "Save the trace"),
      told.note && h("span", { className: "quiet" }, ` ${told.note}`),
    );
  }

  /** speedscope takes what it shows from the part of its address that is not sent to the server. */
  const viewerOf = (address, title) => `${VIEWER}#profileURL=${encode(address)}&title=${encode(title)}`;

  function Timeline({ source, leftOut }) {
    return h(
      "div",
      { className: "timeline" },
      h("iframe", { key: source, src: source, title: "Timeline, in speedscope" }),
      h("p", { className: "quiet" }, h("a", { href: source, target: "_blank", rel: "noopener" }, "Open it in a tab of its own"), ". One thread at a time, the busiest first: choose it at the top, or with n and p.", leftOut > 0 && ` The ${trainboard.format.integer(leftOut)} shortest events are left out.`),
    );
  }

  function Summary({ told, source }) {
    if (told.problem) return h("div", { className: "health-empty", role: "alert" }, h("h2", null, "Not summed up"), h("p", null, told.problem), told.url && h("p", null, h("a", { href: source, target: "_blank", rel: "noopener" }, "Try the timeline in a tab of its own")));
    return h(React.Fragment, null, h(Layers, { layers: told.layers }), h(Memory, { memory: told.memory }), h(Operators, { operators: told.operators }));
  }

  function Layers({ layers }) {
    const [all, showAll] = useState(false);
    if (!layers.length) return h("section", { "aria-label": "Time by layer" }, h("h2", null, "Time by layer"), h("p", { className: "quiet" }, "This trace names no layers. Those of ", h("code", null, "run.profile"), " do, in PyTorch and in functions of TensorFlow."));
    const spent = (layer) => layer.own + layer.backward;
    const most = Math.max(...layers.map(spent), 1e-9);
    const shown = all ? layers : layers.slice(0, LAYERS_AT_FIRST);
    const onDevice = layers.some((layer) => layer.device > 0);
    const bar = (value, className) => value > 0 && h("i", { className, style: { width: `${(100 * value) / most}%` } });
    return h(
      "section",
      { "aria-label": "Time by layer" },
      h("h2", null, "Time by layer"),
      h(Table, {
        heads: ["Layer", "Class", "Calls", "Forward", "Backward", ...(onDevice ? ["On the GPU"] : []), h("span", { key: "bars", className: "layer-key" }, h("i", { className: "forward" }), "forward ", h("i", { className: "backward" }), "backward")],
        rows: shown.map((layer) => ({ key: layer.name, cells: [h("bdi", null, layer.name), layer.kind, trainboard.format.integer(layer.calls), micro(layer.own), layer.backward ? micro(layer.backward) : "", ...(onDevice ? [micro(layer.device)] : []), h("div", { className: "layer-bar" }, bar(layer.own, "forward"), bar(layer.backward, "backward"))] })),
      }),
      layers.length > shown.length && h("button", { type: "button", className: "quiet-button", onClick: () => showAll(true) }, `Show all ${layers.length} layers`),
    );
  }

  function Memory({ memory }) {
    const charts = useMemo(() => memory.map(({ device, time, bytes: values, peak }) => ({ device, peak, x: time.map((one) => one / 1000), lines: [{ name: "allocated", color: "#0072b2", values: values.map((one) => one / 1e6) }] })), [memory]);
    if (!charts.length) return null;
    return h("section", { "aria-label": "Memory" }, h("h2", null, "Memory"), h("div", { className: "machine" }, charts.map(({ device, peak, x, lines }) => h(trainboard.SmallChart, { key: device, title: `${device}, MB over ms`, unit: "MB", x, axis: "ms", lines, stacked: true, note: `peak ${bytes(peak)}`, height: 150 }))));
  }

  const COLUMNS = { own: "Own time", total: "Total time", device: "On the GPU", calls: "Calls", allocated: "Memory kept" };

  function Operators({ operators }) {
    const sort = trainboard.value("profile_sort") in COLUMNS ? trainboard.value("profile_sort") : "own";
    const shown = Object.keys(COLUMNS).filter((key) => ["own", "total", "calls"].includes(key) || operators.some((row) => row[key]));
    const sum = operators.reduce((total, row) => total + row.own, 0) || 1;
    const rows = [...operators].sort((a, b) => b[sort] - a[sort]);
    const cell = (row, key) => (key === "calls" ? trainboard.format.integer(row.calls) : key === "allocated" ? (row.allocated ? bytes(row.allocated) : "") : row[key] ? micro(row[key]) : "");
    const head = (key) => h("button", { key, type: "button", className: "quiet-button", "aria-pressed": key === sort, title: "Sort by this", onClick: () => trainboard.setQuery({ profile_sort: key }) }, COLUMNS[key]);
    return h(
      "section",
      { "aria-label": "Top operators" },
      h("h2", null, "Top operators"),
      h(Table, { heads: ["Operator", "Where", "Share", ...shown.map(head)], rows: rows.map((row) => ({ key: `${row.where} ${row.name}`, cells: [h("bdi", null, row.name), row.where, `${((100 * row.own) / sum).toFixed(1)} %`, ...shown.map((key) => cell(row, key))] })) }),
    );
  }

  function Table({ heads, rows }) {
    return h(
      "div",
      { className: "scrolled", tabIndex: 0 },
      h("table", { className: "grid trace-table" }, h("thead", null, h("tr", null, heads.map((head, at) => h("th", { key: at, scope: "col" }, head)))), h("tbody", null, rows.map(({ key, cells }) => h("tr", { key }, cells.map((cell, at) => h(at ? "td" : "th", { key: at, scope: at ? undefined : "row" }, cell)))))),
    );
  }

  const micro = (value) => (value < 1000 ? `${value.toFixed(value < 10 ? 1 : 0)} µs` : trainboard.format.short(value / 1e6));

  function bytes(value) {
    const size = Math.abs(value);
    const [unit, name] = [[1e9, "GB"], [1e6, "MB"], [1e3, "kB"], [1, "B"]].find(([least]) => size >= least) ?? [1, "B"];
    return `${value < 0 ? "−" : ""}${Number((size / unit).toPrecision(3))} ${name}`;
  }
})();
