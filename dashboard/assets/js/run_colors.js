/* Runs grouped, and coloured by group or by hand, as the address says. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const MOST_RUNS = 1000;
  const NO_MATCH = "#8a929c";
  let painted = new Map(); /* run -> colour */
  let asked = "";
  let chosen = new Map(); /* run -> colour */
  let chosenAs = "";

  /** "config:lr,optimizer" and "but:seed" name keys, "regex:…" is searched in names, "group" is the program's. */
  function by(text) {
    const [, kind, rest] = /^(\w+):?(.*)$/s.exec(text) ?? [];
    const keys = () => rest.split(",").map((key) => key.trim()).filter(Boolean);
    return { config: () => ({ keys: keys() }), but: () => ({ but: keys() }), regex: () => ({ pattern: rest }), group: () => ({}) }[kind]?.() ?? {};
  }

  /** Said at once where the browser can tell; Python, which searches, knows a little more. */
  function problemOf(pattern = "") {
    try {
      return RegExp(pattern) && "";
    } catch (error) {
      return `This is no regular expression: ${error.message.replace(/^Invalid regular expression: /, "")}`;
    }
  }

  /** The shown runs in groups, [{name, key, runs}]. Rejects where the text is wrong; says so beside its field. */
  trainboard.groupRuns = async (text, runs = state.shown) => {
    const asked = by(text);
    const wrong = problemOf(asked.pattern);
    if (wrong) {
      trainboard.emit("groups", { text, problem: wrong });
      throw new Error(wrong);
    }
    const answer = await fetch("/api/v1/groups", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ runs: runs.slice(0, MOST_RUNS).map(({ id }) => id), by: asked }),
    });
    const told = await answer.json();
    trainboard.emit("groups", { text, problem: answer.ok ? "" : told.message });
    if (!answer.ok) throw new Error(told.message);
    return told.groups;
  };

  async function paint() {
    const text = trainboard.value("color");
    const runs = [...(state.runs ?? []), ...state.beyond.values()];
    const question = text && JSON.stringify([text, runs.map(({ id }) => id)]);
    if (question === asked) return;
    asked = question;
    if (text) {
      try {
        const groups = await trainboard.groupRuns(text, runs);
        if (question !== asked) return;
        const colors = new Map(runs.map((run) => [run.id, run.own])); /* a group has that of its oldest run */
        painted = new Map(groups.flatMap(({ name, runs: members }) => members.map((run) => [run, name === "no match" ? NO_MATCH : colors.get(members.at(-1))])));
      } catch {
        return; /* the last colours stay */
      }
    } else painted = new Map();
    trainboard.repaint();
  }

  /** The colours that people chose, by run: "run:rrggbb" each. */
  function readChosen() {
    const entries = trainboard.values("colors").map((entry) => /^(.+):([0-9a-f]{6})$/s.exec(entry)).filter(Boolean);
    return new Map(entries.map(([, run, color]) => [run, `#${color}`]));
  }

  trainboard.on("query", () => {
    if (trainboard.value("colors") === chosenAs) return;
    chosenAs = trainboard.value("colors");
    chosen = readChosen();
    trainboard.repaint();
  });
  trainboard.on("query", paint);
  trainboard.on("runs", paint);

  /** The colour of a run as chosen by hand, or by its group, or its own. */
  trainboard.colorOf = (run) => chosen.get(run.id) ?? painted.get(run.id) ?? run.own ?? run.color;

  /** Give a run this colour, "#rrggbb". */
  trainboard.setColor = (run, color) => {
    const colors = new Map([...readChosen(), [run.id, color]]);
    trainboard.setValues("colors", [...colors].map(([id, one]) => id + one.replace("#", ":")));
  };
})();
