/* Runs grouped, and coloured by group or by hand, as the address says. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const MOST_RUNS = 1000;
  const NO_MATCH = "#8a929c";
  const SHADES = ["#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39"]; /* viridis, less its ends */
  const DECADES = 100; /* numbers that span so much are told apart by their logarithms */
  let painted = new Map(); /* run -> colour */
  let asked = "";
  let chosen = new Map(); /* run -> colour */
  let chosenAs = "";

  /** "config:lr,optimizer" and "but:seed" name keys, and so does "scale:lr", whose numbers order the colours;
      "regex:…" is searched in names, "group" is the program's. */
  function by(text) {
    const [, kind, rest] = /^(\w+):?(.*)$/s.exec(text) ?? [];
    const keys = () => rest.split(",").map((key) => key.trim()).filter(Boolean);
    return { config: () => ({ keys: keys() }), scale: () => ({ keys: keys().slice(0, 1) }), but: () => ({ but: keys() }), regex: () => ({ pattern: rest }), group: () => ({}) }[kind]?.() ?? {};
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
      throw Object.assign(new Error(wrong), { isWrong: true });
    }
    const answer = await fetch("/api/v1/groups", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ runs: runs.slice(0, MOST_RUNS).map(({ id }) => id), by: asked }),
    });
    const told = await answer.json();
    trainboard.emit("groups", { text, problem: answer.ok ? "" : told.message });
    if (!answer.ok) throw Object.assign(new Error(told.message), { isWrong: true });
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
        const colors = text.startsWith("scale:") ? shadesOf(groups) : ownOf(groups, runs);
        painted = new Map(groups.flatMap(({ runs: members }, i) => members.map((run) => [run, colors[i]])));
      } catch {
        return; /* the last colours stay */
      }
    } else painted = new Map();
    trainboard.repaint();
  }

  /** Each group has the colour of its oldest run. */
  function ownOf(groups, runs) {
    const colors = new Map(runs.map((run) => [run.id, run.own]));
    return groups.map(({ name, runs: members }) => (name === "no match" ? NO_MATCH : colors.get(members.at(-1))));
  }

  /** Each group has a shade for its number; those without one are grey. */
  function shadesOf(groups) {
    const numbers = groups.map(({ key: [[, said] = []] }) => Number(said || NaN));
    const known = numbers.filter(Number.isFinite);
    const [least, most] = [Math.min(...known), Math.max(...known)];
    const place = least > 0 && most / least >= DECADES ? Math.log : (number) => number;
    const share = (number) => (most > least ? (place(number) - place(least)) / (place(most) - place(least)) : 0.5);
    return numbers.map((number) => (Number.isFinite(number) ? shade(share(number)) : NO_MATCH));
  }

  function shade(share) {
    const i = Math.min(Math.floor(share * (SHADES.length - 1)), SHADES.length - 2);
    const rest = share * (SHADES.length - 1) - i;
    const part = (color, at) => parseInt(color.slice(at, at + 2), 16);
    const mixed = [1, 3, 5].map((at) => Math.round(part(SHADES[i], at) * (1 - rest) + part(SHADES[i + 1], at) * rest));
    return `#${mixed.map((one) => one.toString(16).padStart(2, "0")).join("")}`;
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
