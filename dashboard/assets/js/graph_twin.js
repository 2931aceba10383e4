/* Two models layer by layer: pairs that a person may correct, what agrees, and where outputs first differ. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useState } = React;
  const COLUMNS = ["mean", "std", "min", "max"];
  const ALONE = "";
  const FILE = "file:";
  const TOLERANCE = 0.001;

  trainboard.GraphTwin = function GraphTwin({ main, twin }) {
    trainboard.useState("query");
    const [problem, setProblem] = useState(null);
    const [step, setStep] = useState(null);
    const [open, setOpen] = useState(null);
    const typed = Number.parseFloat(trainboard.value("graph_tolerance"));
    const tolerance = typed >= 0 ? typed : TOLERANCE;
    const { answer: told, problem: refused, again } = trainboard.useGraphAnswer("twin", { a: main.id, b: twin.id, tolerance, step }, [main.id, twin.id]);
    if (refused || !told) return h("p", { className: "notice", role: refused ? "alert" : "status" }, refused ?? "Loading…");
    const said = () => Object.fromEntries(told.rows.filter((row) => row.corrected).map((row) => [row.left.id, row.right?.id ?? null]));
    const keep = async (pairs) => {
      const asked = { a: main.id, b: twin.id, pairs: Object.entries(pairs) };
      const refusal = await trainboard.change("/api/v1/graph/pairs", asked);
      setProblem(refusal && { ...refusal, pairs });
      if (!refusal) again();
    };
    const fixed = main.id.startsWith(FILE) || twin.id.startsWith(FILE);
    return h(
      "div",
      { className: "twin" },
      h(Verdict, { told, main, twin, tolerance, step, setStep }),
      problem && h(trainboard.Problem, { problem, retry: () => keep(problem.pairs) }),
      h(
        "div",
        { className: "twin-scroll", tabIndex: 0, role: "group", "aria-label": "Layers of both models" },
        h(
          "table",
          null,
          h(Heads, { main, twin }),
          told.rows.map((row, index) =>
            h(Row, { key: `${row.left?.id}\n${row.right?.id}`, row, told, isFirst: index === told.first, tolerance, fixed, isOpen: open === index, toggle: () => setOpen(open === index ? null : index), main, twin, pair: (right) => keep({ ...said(), [row.left.id]: right === ALONE ? null : right }) }),
          ),
        ),
      ),
      h(
        "p",
        { className: "quiet twin-foot" },
        fixed ? "Pairs of layers can be corrected where both are runs. " : "Another layer in the second column corrects a pair, for everyone who opens these two runs. ",
        Object.keys(said()).length > 0 && h("button", { type: "button", className: "quiet-button", onClick: () => keep({}) }, "Forget all corrections"),
      ),
    );
  };

  function Verdict({ told, main, twin, tolerance, step, setStep }) {
    const { rows, first, steps } = told;
    const alone = rows.filter((row) => !row.left || !row.right).length;
    const unequal = rows.filter((row) => row.parameters === false).length;
    const parts = [`${rows.length - alone} pairs of layers`, alone && `${alone} without a partner`, unequal && `${unequal} with other parameters`].filter(Boolean).join(", ");
    let words = `No step at which both runs logged statistics of outputs: run.watch(model) in both, on the same batches.`;
    if (told.step !== null && first === null) words = `All outputs agree within ${tolerance} at step ${told.step}.`;
    if (first !== null) {
      const { left, right, difference } = rows[first];
      words = h(React.Fragment, null, "First to differ at step ", told.step, ": ", h("strong", null, left.name), " and ", h("strong", null, right.name), `, by ${trainboard.shortNumber(difference)} of the largest value. `, cause(rows, first));
    }
    return h(
      "div",
      { className: "twin-verdict" },
      h("p", { role: "status", className: first === null ? "" : "twin-apart" }, words),
      h(
        "p",
        { className: "quiet" },
        parts,
        steps.length > 0 && h("label", null, " Step ", h("select", { value: step ?? "", onChange: (event) => setStep(event.target.value === "" ? null : Number(event.target.value)) }, h("option", { value: "" }, `first that differs`), steps.map((one) => h("option", { key: one, value: one }, one)))),
        h("label", { title: "Of the largest of mean, deviation, least and greatest value" }, " Tolerance ", h("input", { type: "text", inputMode: "decimal", defaultValue: tolerance, "aria-label": "Tolerance", onBlur: (event) => trainboard.setQuery({ graph_tolerance: event.target.value }), onKeyDown: (event) => event.key === "Enter" && event.target.blur() })),
      ),
    );
  }

  /** What else is known of the pair that differs first. */
  function cause(rows, first) {
    const before = rows.slice(0, first).findLastIndex((one) => one.difference !== null);
    const isNext = rows.slice(before + 1, first).every((one) => !one.left || !one.right);
    const agrees = isNext ? "What comes before it agrees." : `${rows[before]?.left.name}, before it, agrees; what is between was not compared.`;
    const settings = rows[first].settings;
    const said = settings.length ? `Its settings differ: ${settings.join(", ")}.` : "";
    return [before >= 0 && agrees, said].filter(Boolean).join(" ");
  }

  function Heads({ main, twin }) {
    const run = (one) => h(React.Fragment, null, h("span", { className: "swatch", style: { background: one.color } }), one.name);
    return h(
      "thead",
      null,
      h("tr", null, h("th", { scope: "col" }, run(main)), h("th", { scope: "col" }, run(twin)), h("th", { scope: "col" }, "Output shape"), h("th", { scope: "col" }, "Parameters"), COLUMNS.map((name) => h("th", { key: name, scope: "col" }, name)), h("th", { scope: "col", title: "Largest difference of the four, of the largest of them" }, "Apart")),
    );
  }

  function Row({ row, told, isFirst, tolerance, fixed, isOpen, toggle, main, twin, pair }) {
    const { left, right } = row;
    const apart = row.difference !== null && row.difference > tolerance;
    const classes = [isFirst && "twin-first", (!left || !right) && "twin-alone", apart && "twin-apart"].filter(Boolean).join(" ");
    const layer = (one) => one && h(React.Fragment, null, one.name, " ", h("span", { className: "quiet" }, operationOf(one)));
    const two = (a, b, same) => (same || !left || !right ? h("span", null, a || b) : h(React.Fragment, null, h("span", null, a), h("br"), h("span", null, b)));
    const shape = { transposed: "the same, in another layout", different: "another shape" }[row.shapes];
    const choice = left && !fixed && h(
      "select",
      { value: right?.id ?? ALONE, "aria-label": `Partner of ${left.name}`, onChange: (event) => pair(event.target.value) },
      h("option", { value: ALONE }, "none"),
      told.right.map((one) => h("option", { key: one.id, value: one.id }, `${one.name} ${operationOf(one)}`)),
    );
    return h(
      "tbody",
      { className: classes },
      h(
        "tr",
        null,
        h("th", { scope: "row" }, h("button", { type: "button", className: "twin-open", "aria-expanded": isOpen, onClick: toggle }, isOpen ? "▾ " : "▸ ", left ? layer(left) : h("span", { className: "quiet" }, "none"))),
        h("td", null, choice || layer(right) || h("span", { className: "quiet" }, "none"), row.corrected && h("span", { className: "quiet", title: "A person said so" }, " (corrected)")),
        h("td", { className: row.shapes === "different" ? "twin-unequal" : "", title: shape }, two(left?.shape, right?.shape, left?.shape === right?.shape)),
        h("td", { className: row.parameters === false ? "twin-unequal" : "" }, two(count(left), count(right), left?.parameters === right?.parameters)),
        COLUMNS.map((name) => h("td", { key: name }, two(number(left, name), number(right, name), number(left, name) === number(right, name)))),
        h("td", { className: apart ? "twin-unequal" : "" }, row.difference === null ? "" : trainboard.shortNumber(row.difference)),
      ),
      isOpen && h("tr", null, h("td", { colSpan: 9 }, h("div", { className: "twin-both" }, left && h(trainboard.GraphFacts, { source: { run: main.id }, run: main, box: left.node, step: told.step }), right && h(trainboard.GraphFacts, { source: { run: twin.id }, run: twin, box: right.node, step: told.step })))),
    );
  }

  /** A layer's operation, unless its name says it. */
  const operationOf = ({ name, op }) => (name.split(/\/| → /).at(-1).replace(/#\d+$/, "") === op ? "" : op);
  const count = (layer) => (layer?.parameters ? layer.parameters.toLocaleString("en") : "");
  const number = (layer, name) => (layer?.statistics ? trainboard.shortNumber(layer.statistics[name]) : "");
})();
