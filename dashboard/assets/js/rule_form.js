/* The forms of a rule and of the webhook. The server says what is wrong with what they hold. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useState } = React;
  const CONDITIONS = {
    above: "is above", below: "is below", no_progress: "makes no progress", divergence: "diverges",
    silent: "Run is no longer heard of", crashed: "Run fails", input_bound: "Training waits for data",
  };
  const OF_POINTS = ["above", "below", "no_progress", "divergence"];
  const FIELDS = { above: ["value", "points"], below: ["value", "points"], no_progress: ["steps", "minutes"], divergence: ["value", "points"] };
  const LABELS = { value: "Value", points: "Points in a row", steps: "Steps", minutes: "or minutes" };
  const LEVELS = ["info", "warning", "error"];
  const OFFERED = 1000;

  trainboard.RuleForm = function RuleForm({ rule, save, cancel }) {
    const [draft, setDraft] = useState({ name: "", condition: "above", tag: "", better: "min", level: "warning", ...rule });
    const set = (name) => (event) => setDraft({ ...draft, [name]: event.target.value });
    const fields = FIELDS[draft.condition] ?? [];
    const hasTag = OF_POINTS.includes(draft.condition);
    const submit = (event) => {
      event.preventDefault();
      save(told(draft, fields, hasTag));
    };
    const field = (label, control) => h("label", null, h("span", null, label), control);
    const choice = (name, options) => h("select", { value: draft[name], onChange: set(name) }, options);
    return h(
      "form",
      { className: "rule-form", onSubmit: submit, "aria-label": "Rule" },
      field("Name", h("input", { type: "text", required: true, maxLength: 200, autoFocus: true, value: draft.name, readOnly: Boolean(rule.name), onChange: set("name") })),
      field("When", choice("condition", Object.entries(CONDITIONS).map(([value, words]) => h("option", { key: value, value }, OF_POINTS.includes(value) ? `Tag ${words}` : words)))),
      hasTag && field("Tag", h("input", { type: "text", required: true, list: "rule-tags", value: draft.tag, placeholder: "val/loss, or an expression: .*/loss", onChange: set("tag") })),
      h("datalist", { id: "rule-tags" }, (trainboard.scalars.tags() ?? []).slice(0, OFFERED).map((tag) => h("option", { key: tag, value: escaped(tag) }))),
      fields.map((name) => {
        const label = name === "value" && draft.condition === "divergence" ? "Times its lowest (or only NaN)" : LABELS[name];
        const whole = name === "points" || name === "steps";
        return h(React.Fragment, { key: name }, field(label, h("input", { type: "number", step: whole ? 1 : "any", min: whole ? 1 : undefined, value: draft[name] ?? "", onChange: set(name) })));
      }),
      draft.condition === "no_progress" && field("Better is", choice("better", [h("option", { key: "min", value: "min" }, "smaller"), h("option", { key: "max", value: "max" }, "larger")])),
      field("Level", choice("level", LEVELS.map((level) => h("option", { key: level, value: level }, level)))),
      h("span", { className: "rule-buttons" }, h("button", null, "Save"), h("button", { type: "button", onClick: cancel }, "Cancel")),
    );
  };

  const escaped = (tag) => tag.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

  function told(draft, fields, hasTag) {
    const { name, condition, level, better } = draft;
    const numbers = fields.filter((field) => draft[field] !== undefined && draft[field] !== null && draft[field] !== "");
    return { name, condition, level, better, tag: hasTag ? draft.tag : "", ...Object.fromEntries(numbers.map((field) => [field, Number(draft[field])])) };
  }

  trainboard.WebhookForm = function WebhookForm({ told: { webhook, sending }, change }) {
    const [url, setUrl] = useState("");
    const [level, setLevel] = useState(webhook?.level ?? "warning");
    const submit = async (event) => {
      event.preventDefault();
      if (await change("/api/v1/webhook", { url, level })) setUrl("");
    };
    return h(
      "form",
      { className: "rule-form", onSubmit: submit, "aria-label": "Webhook" },
      h("label", null, h("span", null, webhook ? `Sent to ${webhook.address}` : "Send alerts to"), h("input", { type: "url", required: true, autoComplete: "off", placeholder: webhook ? "another webhook's address" : "https://hooks.slack.com/services/…", value: url, onChange: (event) => setUrl(event.target.value) })),
      h("label", null, h("span", null, "From level"), h("select", { value: level, onChange: (event) => setLevel(event.target.value) }, LEVELS.map((one) => h("option", { key: one, value: one }, one)))),
      h(
        "span",
        { className: "rule-buttons" },
        h("button", null, webhook ? "Replace" : "Set"),
        webhook && h("button", { type: "button", onClick: () => change("/api/v1/webhook", { test: true }) }, "Send a test"),
        webhook && h("button", { type: "button", onClick: () => change("/api/v1/webhook", { url: "" }) }, "Remove"),
      ),
      webhook && h("p", { className: "webhook-status", role: "status" }, statusOf(sending)),
      sending.problem && h("p", { className: "problem", role: "alert" }, `The last message was not taken: ${sending.problem}. ${sending.waiting ? "It is sent again." : "It was given up."}`),
    );
  };

  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  function statusOf({ sent, lost, waiting, tried_at }) {
    if (tried_at === null) return "Nothing was sent since the server started.";
    const parts = [`${plural(sent, "message")} sent`, waiting && `${plural(waiting, "alert")} waiting`, lost && `${plural(lost, "alert")} lost`];
    return `${parts.filter(Boolean).join(", ")}; last tried ${trainboard.format.time(tried_at)}.`;
  }
})();
