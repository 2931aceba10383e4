/* The Compare page: every group of runs as its values on one scale, and the verdict on two of them. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;
  const WAYS = { but: "All config but", keys: "Config keys", pattern: "Pattern in the name", group: "The group it was given" };
  const SUMMARIES = ["last", "min", "max", "mean"];
  const NUMBERS = ["Mean", "Deviation"];
  const MARGIN = 4;
  const LARGER = /acc|auc|f1|precision|recall|score|reward|return|iou|bleu|rouge|psnr|ssim|\br2\b/i;
  const SMALLER = /loss|err/i;

  trainboard.ComparePage = function ComparePage() {
    const state = trainboard.useState("query", "runs", "tick");
    const [known, setKnown] = useState(null);
    const [answer, setAnswer] = useState(null);
    const [problem, setProblem] = useState(null);
    const { project } = state;
    useEffect(() => {
      if (project !== null) trainboard.json(`/api/v1/run-columns?project=${encodeURIComponent(project)}`).then(setKnown, () => {});
    }, [project]);
    const metric = trainboard.value("compare_metric") || (known?.metric ? `last.${known.metric}` : "");
    const asked = JSON.stringify({
      project,
      where: trainboard.value("where"),
      by: by(trainboard.value("compare_by"), trainboard.value("compare_keys")),
      metric,
      seed: trainboard.value("compare_seed"),
      a: trainboard.value("a"),
      b: trainboard.value("b"),
    });
    useEffect(() => {
      if (!metric) return undefined;
      let current = true;
      trainboard.ask("/api/v1/comparison", JSON.parse(asked)).then(
        (told) => current && (setAnswer(told), setProblem(null)),
        (error) => current && setProblem(error.status ? error.message : null),
      );
      return () => void (current = false);
    }, [asked, state.runs]);
    useEffect(() => {
      const [a, b, ...more] = answer?.groups ?? [];
      if (b && more.length === 0 && !trainboard.value("a") && !trainboard.value("b")) trainboard.setQuery({ a: a.name, b: b.name });
    }, [answer]);
    return h(
      "div",
      { className: "compare-page" },
      h(Tools, { known, metric, keys: answer?.keys ?? [] }),
      problem && h("p", { role: "alert", className: "filter-problem" }, problem),
      known && !known.tags.length && h("div", { className: "notice" }, h("h2", null, "Nothing to compare"), h("p", null, "No run of this project logged a number yet.")),
      !answer && !problem && (!known || known.tags.length > 0) && h("p", { className: "notice" }, "Loading…"),
      answer && h(Verdict, { answer, metric }),
      answer && h(Groups, { answer }),
      answer && answer.total > answer.runs && h("p", { className: "quiet" }, `Of ${answer.total} runs the oldest ${answer.runs}: filter them.`),
    );
  };

  function by(way, keys) {
    const list = keys.split(",").map((key) => key.trim()).filter(Boolean);
    return { but: { but: list }, keys: { keys: list }, pattern: { pattern: keys }, group: {} }[way] ?? {};
  }

  function Tools({ known, metric, keys }) {
    const way = trainboard.value("compare_by");
    const dot = metric.indexOf(".");
    const [summary, tag] = [metric.slice(0, dot), metric.slice(dot + 1)];
    const set = (key) => (event) => trainboard.setQuery({ [key]: event.target.value });
    const field = (label, control) => h("label", { className: "toolbar-field" }, label, control);
    return h(
      "div",
      { className: "toolbar", role: "toolbar", "aria-label": "What is compared" },
      field("Group by", h("select", { value: way, onChange: set("compare_by") }, Object.entries(WAYS).map(([value, label]) => h("option", { key: value, value }, label)))),
      way !== "group" && field(null, h(Field, { name: "compare_keys", label: way === "pattern" ? "Pattern" : "Config keys, with commas between", list: "compare-known-keys" })),
      h("datalist", { id: "compare-known-keys" }, keys.map((key) => h("option", { key, value: key }))),
      field("Metric", h("select", { value: tag, onChange: (event) => trainboard.setQuery({ compare_metric: `${summary || "last"}.${event.target.value}` }) }, (known?.tags ?? []).map((one) => h("option", { key: one, value: one }, one)))),
      field(null, h("select", { "aria-label": "Which number of the metric", value: summary, onChange: (event) => trainboard.setQuery({ compare_metric: `${event.target.value}.${tag}` }) }, SUMMARIES.map((one) => h("option", { key: one, value: one }, one)))),
      field("Better is", h("select", { value: isLargerBetter(tag) ? "1" : "0", onChange: set("compare_larger") }, h("option", { value: "0" }, "smaller"), h("option", { value: "1" }, "larger"))),
      field("Pair by", h(Field, { name: "compare_seed", label: "Config key that pairs runs", list: "compare-known-keys" })),
      field("Only runs with", h(Field, { name: "where", label: "Filter runs" })),
    );
  }

  /** A text that counts once it is left or entered. */
  function Field({ name, label, list }) {
    const value = trainboard.value(name);
    const [text, setText] = useState(value);
    useEffect(() => setText(value), [value]);
    const keep = () => text !== value && trainboard.setQuery({ [name]: text });
    return h("input", { type: "search", "aria-label": label, title: label, list, value: text, onChange: (event) => setText(event.target.value), onBlur: keep, onKeyDown: (event) => event.key === "Enter" && keep() });
  }

  /** As it was chosen, or else as the metric's name tells. */
  function isLargerBetter(metric) {
    const chosen = trainboard.value("compare_larger");
    return chosen === "" ? LARGER.test(metric) && !SMALLER.test(metric) : chosen === "1";
  }

  function Verdict({ answer: { verdict, groups }, metric }) {
    const [a, b] = [trainboard.value("a"), trainboard.value("b")];
    if (!verdict) {
      return h("section", { className: "verdict", "aria-label": "Verdict" }, h("h2", null, "Is A better yet?"), h("p", { className: "quiet" }, groups.length < 2 ? "All runs are in one group: group them otherwise." : "Choose A and B below."));
    }
    const { number } = trainboard.format;
    const better = isLargerBetter(metric) ? verdict.decided : -verdict.decided;
    const interval = verdict.low === null ? "no bound yet" : `from ${number(verdict.low)} to ${number(verdict.high)}`;
    const pairs = `${verdict.pairs} ${verdict.pairs === 1 ? "pair" : "pairs"} of runs, ${verdict.paired ? "of the same seed" : "as they ended: seeds do not pair"}`;
    return h(
      "section",
      { className: "verdict", "data-decided": verdict.decided ? "" : undefined, "aria-label": "Verdict" },
      h("div", { role: "status" }, h("h2", null, verdict.decided ? `${better > 0 ? a : b} is better` : waits(verdict))),
      h("p", null, verdict.difference === null ? "No pairs of runs that have ended." : `A less B: ${number(verdict.difference)}, ${interval} (95 %, whenever you look); ${pairs}.`),
      verdict.repeated && h("p", { className: "filter-problem" }, "A group has runs of one seed more than once. Such pairs are not independent of one another, so the verdict may come too early: group finer, or filter."),
      h("p", { className: "quiet" }, `Evidence ${verdict.evidence < 20 ? `${number(verdict.evidence)} of the 20 needed` : `${number(verdict.evidence)}; 20 are needed`}. You may look after every run: with no difference, it reaches 20 at most 5 times in 100.`),
    );
  }

  function waits({ more, pairs, difference }) {
    if (pairs < 2) return "Not yet: it takes two pairs of runs to guess how many more";
    if (more === null && difference === 0) return "No difference so far";
    if (more === null) return "Not yet, and more than 1,000 seeds away: the difference is small beside its spread";
    return `Not yet: about ${more} more ${more === 1 ? "seed" : "seeds"} of each`;
  }

  function Groups({ answer: { groups } }) {
    const values = groups.flatMap((group) => group.values);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const place = (value) => `${high > low ? MARGIN + ((value - low) / (high - low)) * (100 - 2 * MARGIN) : 50}%`;
    const { number } = trainboard.format;
    const choice = (side, name) => h("input", { type: "radio", name: `side-${side}`, "aria-label": `${name} is ${side.toUpperCase()}`, checked: trainboard.value(side) === name, onChange: () => trainboard.setQuery({ [side]: name }) });
    return h(
      "div",
      { className: "scrolled", tabIndex: 0 },
      h(
        "table",
        { className: "grid compare-groups" },
        h("thead", null, h("tr", null, ["A", "B", "Group", "Runs", "Mean", "Deviation", values.length ? `${number(low)} … ${number(high)}` : ""].map((head) => h("th", { key: head, scope: "col", className: NUMBERS.includes(head) ? "number" : undefined }, head)))),
        h(
          "tbody",
          null,
          groups.map((group) =>
            h(
              "tr",
              { key: group.name },
              h("td", null, choice("a", group.name)),
              h("td", null, choice("b", group.name)),
              h("th", { scope: "row", title: group.name }, group.name),
              h("td", null, counted(group)),
              h("td", { className: "number" }, group.mean === null ? "–" : number(group.mean)),
              h("td", { className: "number" }, group.deviation === null ? "–" : number(group.deviation)),
              h("td", { className: "strip" }, h("div", null, group.values.map((value, at) => h("i", { key: at, style: { left: place(value) }, title: number(value) })), group.mean !== null && h("b", { style: { left: place(group.mean) } }))),
            ),
          ),
        ),
      ),
    );
  }

  function counted({ runs, counted, running, without }) {
    const apart = [running && `${running} running`, without && `${without} without a finite value`].filter(Boolean);
    return apart.length ? `${counted} of ${runs}; ${apart.join(", ")}` : String(runs);
  }
})();
