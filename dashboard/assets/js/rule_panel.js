/* Rules and the webhook of a project: listed, made, changed, muted, deleted. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;
  const REFRESH_MILLISECONDS = 3000;

  trainboard.RulePanel = function RulePanel({ ids }) {
    const { project } = trainboard.useState("runs", "tick");
    const [told, setTold] = useState(null);
    const [editing, setEditing] = useState(null);
    const [problem, setProblem] = useState(null);
    const query = new URLSearchParams({ project: project ?? "", runs: ids.join(",") }).toString();
    const load = () => project !== null && trainboard.json(`/api/v1/rules?${query}`).then(setTold, () => {});
    useEffect(() => {
      load();
      const timer = setInterval(() => !document.hidden && load(), REFRESH_MILLISECONDS);
      return () => clearInterval(timer);
    }, [query]);
    async function change(url, asked) {
      const refusal = await trainboard.change(url, { project, ...asked });
      setProblem(refusal && { ...refusal, asked, url });
      if (refusal) return false;
      setEditing(null);
      await load();
      return true;
    }
    if (told === null) return null;
    const failing = told.rules.some((one) => one.problem) || told.sending.problem;
    return h(
      "details",
      { className: "rule-panel" },
      h("summary", null, h("strong", null, "Rules"), ` ${summaryOf(told)}`, failing && h("span", { className: "problem" }, " needs a look")),
      told.rules.length === 0 && h("p", { className: "quiet" }, "A rule tells you when a number crosses a bound, makes no progress or diverges, or when a run fails or falls silent. The server follows it as long as it runs."),
      h("ul", { className: "rules", "aria-label": "Rules" }, told.rules.map((one) => h(Rule, { key: one.rule.name, one, change, edit: () => setEditing(one.rule) }))),
      editing ? h(trainboard.RuleForm, { key: editing.name ?? "", rule: editing, save: (rule) => change("/api/v1/rules", { action: "save", rule }), cancel: () => setEditing(null) }) : h("button", { className: "rule-new", onClick: () => setEditing({}) }, "New rule"),
      h(trainboard.WebhookForm, { told, change }),
      problem && h(trainboard.Problem, { problem, retry: () => change(problem.url, problem.asked) }),
    );
  };

  function summaryOf({ rules, webhook }) {
    const muted = rules.filter((one) => one.muted).length;
    const parts = [rules.length ? `${rules.length}` : "none yet", muted && `${muted} muted`, webhook && `sent to ${webhook.address}`];
    return parts.filter(Boolean).join(", ");
  }

  function Rule({ one, change, edit }) {
    const { rule, sentence, muted, problem, program } = one;
    const mute = () =>
      program ? change("/api/v1/rules", { action: "save", rule, muted: true }) : change("/api/v1/rules", { action: "mute", name: rule.name, muted: !muted });
    return h(
      "li",
      { "data-muted": muted || undefined },
      h("span", { className: "event-sign", "data-level": rule.level, title: rule.level }, { error: "✕", warning: "!", info: "·" }[rule.level]),
      h("strong", null, rule.name),
      h("span", { className: "rule-words" }, `when ${sentence}`, program && h("span", { className: "quiet" }, " · set by the program")),
      problem && h("span", { className: "problem", role: "alert" }, problem),
      h("span", { className: "rule-tools" },
        h("button", { className: "quiet-button", "aria-pressed": muted, onClick: mute }, muted ? "Muted" : "Mute"),
        !program && h("button", { className: "quiet-button", onClick: edit }, "Change"),
        !program && h("button", { className: "quiet-button", "aria-label": `Delete ${rule.name}`, onClick: () => change("/api/v1/rules", { action: "delete", name: rule.name }) }, "Delete"),
      ),
    );
  }
})();
