/* The Controls page: a section for each shown run that declared knobs or buttons. What is asked for waits
   in the store until the program is between steps; the page says which of it was applied. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useState } = React;

  trainboard.ControlBoard = function ControlBoard() {
    const state = trainboard.useState("shown", "tick");
    const [runs, setRuns] = useState(null);
    const ids = state.shown.map((run) => run.id).slice(0, 200);
    const names = new Map(state.shown.map((run) => [run.id, run]));
    const load = () =>
      trainboard
        .json(`/api/v1/controls?runs=${ids.map(encodeURIComponent).join(",")}`)
        .then((answer) => setRuns(answer.runs))
        .catch(() => {}); /* the header says that the server is lost */
    useEffect(() => void load(), [ids.join(), state.runs]);
    if (runs === null) return h("p", { className: "quiet" }, "Loading…");
    if (!runs.length) return h(Nothing);
    return h(
      "div",
      { className: "control-board" },
      runs.map((run) => h(Run, { key: run.id, run, shown: names.get(run.id), load })),
    );
  };

  function Nothing() {
    return h(
      "div",
      { className: "notice" },
      h("h2", null, "No controls"),
      h(
        "p",
        null,
        "None of the shown runs declared a knob or a button. In the program, ",
        h("code", null, 'lr = run.knob("lr", 1e-3, min=1e-5, max=0.1)'),
        " makes a number that can be changed here, and ",
        h("code", null, 'run.button("checkpoint", save)'),
        " a button.",
      ),
    );
  }

  function Run({ run, shown, load }) {
    const [problem, setProblem] = useState(null);
    const live = run.status === "running";
    async function ask(control, value) {
      const refusal = await trainboard.change("/api/v1/controls", { run: run.id, control, value });
      setProblem(refusal && { ...refusal, asked: { control, value } });
      if (!refusal) await load();
    }
    return h(
      "section",
      { className: "control-run", "aria-label": shown?.name ?? run.id },
      h("h2", null, h("span", { className: "swatch", style: { background: shown?.color } }), shown?.name ?? run.id),
      !live && h("p", { className: "quiet" }, "This run is over; nothing hears its controls any more."),
      Object.entries(run.controls).map(([name, control]) =>
        h(control.kind === "knob" ? Knob : Button, { key: name, name, control, live, ask, waiting: waits(run, name) }),
      ),
      problem && h(trainboard.Problem, { problem, retry: () => ask(problem.asked.control, problem.asked.value) }),
      h(Journal, { run }),
    );
  }

  /** The newest request to a control that the program has not applied yet. */
  function waits(run, name) {
    const newest = run.requests.find((request) => request.control === name);
    return newest && newest.number > (run.controls[name].applied ?? 0) ? newest : null;
  }

  function Knob({ name, control, live, ask, waiting }) {
    const [text, setText] = useState(null);
    const value = text ?? String(control.value);
    const submit = (event) => {
      event.preventDefault();
      setText(null);
      ask(name, Number(value));
    };
    const bounds = [control.minimum, control.maximum].map((bound) => bound ?? undefined);
    return h(
      "form",
      { className: "control", onSubmit: submit },
      h("label", { htmlFor: `knob-${name}` }, name),
      h("input", {
        id: `knob-${name}`,
        type: "number",
        step: "any",
        required: true,
        min: bounds[0],
        max: bounds[1],
        value,
        disabled: !live,
        onChange: (event) => setText(event.target.value),
      }),
      h("button", { disabled: !live || text === null }, "Set"),
      h("span", { className: "quiet" }, waiting ? `${waiting.value} is applied at the next step` : range(control)),
    );
  }

  function range({ minimum, maximum }) {
    if (minimum === null && maximum === null) return "";
    return `from ${minimum ?? "−∞"} to ${maximum ?? "∞"}`;
  }

  function Button({ name, live, ask, waiting }) {
    return h(
      "div",
      { className: "control" },
      h("button", { disabled: !live || Boolean(waiting), onClick: () => ask(name, null) }, name),
      h("span", { className: "quiet" }, waiting ? "is pressed at the next step" : ""),
    );
  }

  function Journal({ run }) {
    if (!run.requests.length) return null;
    const words = ({ control, value }) => (value === null ? `${control} pressed` : `${control} set to ${value}`);
    const done = (request) => request.number <= (run.controls[request.control]?.applied ?? 0);
    return h(
      "ol",
      { className: "journal", "aria-label": "What was asked for" },
      run.requests.map((request) =>
        h(
          "li",
          { key: request.number, title: new Date(1000 * request.requested_at).toLocaleString() },
          h("time", null, new Date(1000 * request.requested_at).toLocaleTimeString()),
          ` ${words(request)} `,
          h("span", { className: "quiet" }, done(request) ? "applied" : "waiting"),
        ),
      ),
    );
  }
})();
