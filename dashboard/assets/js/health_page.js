/* The Health page: a sentence a run on what is wrong, its faults, its layers by steps, and its time. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;
  const MAX_RUNS = 12;
  const QUANTITIES = { gradients: "Gradient norm", updates: "Update to weight", dead: "Zeros in outputs", nonfinite: "Not finite" };
  const MARKS = { error: "✕", warning: "!", note: "i" };
  const isPartial = ({ read, count }) => read < count;
  const encode = encodeURIComponent;

  trainboard.HealthPage = function HealthPage() {
    const state = trainboard.useState("query", "shown");
    const runs = state.shown.slice(0, MAX_RUNS);
    const ids = runs.map((run) => run.id);
    const url = ids.length ? `/api/v1/health?runs=${ids.map(encode).join(",")}` : null;
    const { answer, problem } = trainboard.useAnswer(url, ids, { isPartial: ({ runs: told }) => told.some(isPartial) });
    if (problem) return h("p", { role: "alert", className: "filter-problem" }, problem);
    if (state.runs !== null && !runs.length) return h("div", { className: "notice" }, h("h2", null, "No runs shown"), h("p", null, "Choose runs at the left."));
    if (!answer) return h("p", { className: "notice" }, "Loading…");
    const told = new Map(answer.runs.map((one) => [one.run, one]));
    const known = runs.filter((run) => told.has(run.id));
    const focus = known.find((run) => run.id === trainboard.value("health_run")) ?? known.find((run) => told.get(run.id).count > 0 || told.get(run.id).faults.length) ?? known[0];
    if (!focus) return h("p", { className: "notice" }, "Loading…");
    return h(
      "div",
      { className: "health-page" },
      h(Tools, { runs: known, focus }),
      h(Summary, { runs: known, told, focus }),
      state.shown.length > MAX_RUNS && h("p", { className: "quiet" }, `The newest ${MAX_RUNS} of ${state.shown.length} runs shown are looked at here.`),
      trainboard.value("health_view") === "runs" ? h(AllRuns, { runs: known, told }) : h(OneRun, { key: focus.id, run: focus, summary: told.get(focus.id) }),
    );
  };

  function Tools({ runs, focus }) {
    const view = trainboard.value("health_view");
    const set = (key) => (event) => trainboard.setQuery({ [key]: event.target.value });
    const select = (key, value, label, options) => h("label", { className: "toolbar-field" }, label, h("select", { value, onChange: set(key) }, options.map(([one, text]) => h("option", { key: one, value: one }, text))));
    return h(
      "div",
      { className: "toolbar", role: "toolbar", "aria-label": "What is shown" },
      select("health_view", view, "Show", [["one", "one run"], ["runs", "all runs shown"]]),
      view === "one" && select("health_run", focus.id, "Run", runs.map((run) => [run.id, run.name])),
      view === "runs" && select("health_quantity", trainboard.value("health_quantity"), "Quantity", Object.entries(QUANTITIES)),
      view === "one" && h(Rank, { run: focus }),
      h(Filter),
      h(trainboard.HeatZoom),
    );
  }

  function Rank({ run }) {
    const { answer } = trainboard.useAnswer(`/api/v1/runs/${encode(run.id)}`, []);
    const ranks = answer?.ranks ?? [];
    if (ranks.length < 2) return null;
    return h("label", { className: "toolbar-field" }, "Rank", h("select", { value: trainboard.value("health_rank"), onChange: (event) => trainboard.setQuery({ health_rank: event.target.value }) }, ranks.map(({ rank }) => h("option", { key: rank, value: rank }, rank))));
  }

  /** A regular expression; it counts once typing rests. */
  function Filter() {
    const value = trainboard.value("health_filter");
    const [text, setText] = useState(value);
    useEffect(() => setText(value), [value]);
    useEffect(() => {
      const timer = setTimeout(() => text !== value && trainboard.setQuery({ health_filter: text }), 250);
      return () => clearTimeout(timer);
    }, [text]);
    return h("input", { type: "search", id: "run-filter", className: "filter", "aria-label": "Filter layers by a regular expression", title: "Layers in whose name this regular expression is found", placeholder: "Filter layers (regular expression)", value: text, onChange: (event) => setText(event.target.value) });
  }

  function Summary({ runs, told, focus }) {
    return h(
      "section",
      { className: "health-summary", "aria-label": "Summary" },
      runs.map((run) => h(Verdict, { key: run.id, run, summary: told.get(run.id), isFocus: run === focus && trainboard.value("health_view") === "one", alone: runs.length === 1 })),
    );
  }

  /** One run in a line; of the one in focus everything that was found. */
  function Verdict({ run, summary, isFocus, alone }) {
    const { words, level } = inWords(summary);
    return h(
      "article",
      { "data-level": level, "data-focus": isFocus || undefined },
      h("h2", null, h("button", { type: "button", disabled: alone, onClick: () => trainboard.setQuery({ health_run: run.id, health_view: "one", health_layer: "" }) }, h("span", { className: "run-dot", style: { backgroundColor: run.color } }), h("bdi", null, run.name)), h("span", { role: "status" }, words)),
      isFocus && summary.findings.length > 0 && h("ul", null, summary.findings.map((finding) => h(Finding, { key: `${finding.rule} ${finding.level} ${finding.since}`, finding }))),
    );
  }

  function inWords({ count, read, findings, faults, unreadable }) {
    const { integer } = trainboard.format;
    if (faults.length) return { level: "error", words: `Flight recorder: ${lowered(faults[0].what)} Step ${integer(faults[0].step)}.` };
    if (!count) return { level: "none", words: "No statistics of layers were logged." };
    if (read < count) return { level: "none", words: `Reading: ${Math.floor((100 * read) / count)} % of ${integer(count)} records.` };
    const [worst] = findings;
    const beyond = unreadable ? ` ${integer(unreadable)} records are damaged.` : "";
    const worse = findings.filter(({ level }) => level !== "note").length;
    if (!worst) return { level: "good", words: `Healthy: nothing wrong in ${integer(count)} records.${beyond}` };
    if (!worse) return { level: "good", words: `Healthy, with ${findings.length === 1 ? "a note" : `${findings.length} notes`}.${beyond}` };
    return { level: worst.level, words: `${worst.title} since step ${integer(worst.since)}${worse > 1 ? `, and ${worse - 1} more` : ""}.${beyond}` };
  }

  /** As the words after a colon begin, but for NaN. */
  const lowered = (text) => (/^.[A-Z]|^NaN/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1));

  function Finding({ finding: { level, title, text, hint, since, until, layer, layers } }) {
    const { integer } = trainboard.format;
    const past = since === until ? `at step ${integer(since)}` : `from step ${integer(since)} to ${integer(until)}`;
    const when = until === null ? `since step ${integer(since)}` : `${past}, not any more`;
    return h(
      "li",
      { "data-level": level },
      h("i", { title: level, "aria-label": level }, MARKS[level]),
      h("div", null, h("b", null, title), ` ${when}. `, h("bdi", null, text), ". ", h("span", { className: "quiet" }, hint), " ", h("button", { type: "button", className: "quiet-button", onClick: () => trainboard.setQuery({ health_layer: layer }) }, layers > 1 ? `Look at ${layer}` : "Look at it")),
    );
  }

  function OneRun({ run, summary }) {
    const rank = /^\d+$/.test(trainboard.value("health_rank")) ? trainboard.value("health_rank") : "0";
    return h(
      React.Fragment,
      null,
      h(trainboard.FaultReports, { run, faults: summary.faults.length }),
      summary.count > 0 || rank !== "0" ? h(Maps, { run, rank, quantities: Object.keys(QUANTITIES) }) : h(Unwatched, { faults: summary.faults.length }),
      trainboard.value("health_layer") && h(trainboard.LayerCurves, { run, rank, layer: trainboard.value("health_layer") }),
      h(trainboard.StepTime, { run, rank }),
    );
  }

  function Unwatched({ faults }) {
    return h(
      "div",
      { className: "health-empty" },
      h("h2", null, "No statistics of layers in this run"),
      h("p", null, faults ? "Its flight recorder was on, and found the above. " : "", "Watch the model once before training, and its layers appear here step by step: ", h("code", null, "run.watch(model)"), ", or in Keras ", h("code", null, "tb.KerasCallback()"), "."),
    );
  }

  function AllRuns({ runs, told }) {
    const watched = runs.filter((run) => told.get(run.id).count > 0);
    const quantity = trainboard.value("health_quantity") in QUANTITIES ? trainboard.value("health_quantity") : "gradients";
    if (!watched.length) return h(Unwatched, { faults: 0 });
    return h("div", { className: "heat-maps" }, watched.map((run) => h(Maps, { key: run.id, run, rank: "0", quantities: [quantity], title: run.name })));
  }

  const isAllFinite = ({ scale, rows, values }) => scale === "count" && rows.length > 0 && trainboard.floatsOf(values).every((value) => !(value > 0));

  function Maps({ run, rank, quantities, title }) {
    const { setValues, values, value } = trainboard;
    const asked = new URLSearchParams({ run: run.id, rank, quantities: quantities.join(","), filter: value("health_filter") });
    if (trainboard.healthWindow()) asked.set("window", trainboard.healthWindow().join(","));
    for (const [name, key] of [["open", "health_open"], ["closed", "health_closed"], ["rows", "health_rows"]]) values(key).forEach((path) => asked.append(name, path));
    const { answer, problem } = trainboard.useAnswer(`/api/v1/health/maps?${asked}`, [run.id], { isPartial });
    const toggle = (path, open) => {
      setValues("health_open", [...values("health_open").filter((one) => one !== path), ...(open ? [path] : [])]);
      setValues("health_closed", [...values("health_closed").filter((one) => one !== path), ...(open ? [] : [path])]);
    };
    const pick = (layer) => trainboard.setQuery({ health_layer: value("health_layer") === layer ? "" : layer, ...(title ? { health_view: "one", health_run: run.id } : {}) });
    if (problem || answer?.problem) return h("p", { role: "alert", className: "filter-problem" }, problem ?? answer.problem);
    if (!answer) return h("p", { className: "quiet" }, "Loading the layers…");
    const drawn = answer.maps.filter((map) => map.layers > 0);
    return h(
      title ? React.Fragment : "section",
      title ? null : { className: "heat-maps", "aria-label": "Layers" },
      drawn.map((map) =>
        isAllFinite(map)
          ? h("p", { key: map.quantity, className: "all-finite" }, `${title ?? map.title}: none. Every value looked at of ${trainboard.format.integer(map.layers)} layers and parameters was finite.`)
          : map.rows.length
          ? h(trainboard.HeatMap, { key: map.quantity, map, steps: answer.steps, layer: value("health_layer"), onToggle: toggle, onPick: pick, title: title ?? map.title })
          : h("p", { key: map.quantity, className: "quiet" }, `${map.title}: no layer has this in its name.`),
      ),
      !drawn.length && h("p", { className: "quiet" }, "Nothing of this kind was logged."),
    );
  }
})();
