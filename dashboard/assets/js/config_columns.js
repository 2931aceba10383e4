/* Config of the shown runs, as columns of the step tables; the address says which keys. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const h = (...args) => React.createElement(...args);
  const MOST_RUNS = 1000;
  const KEY = "table_config";
  let varying = []; /* the keys that are not the same in all shown runs */
  let values = new Map(); /* run -> key -> its value as text */
  let asked = "";

  async function read() {
    const keys = trainboard.values(KEY);
    const runs = state.shown.slice(0, MOST_RUNS).map(({ id }) => id);
    const isWanted = trainboard.value("steps") !== "" && runs.length > 0;
    const body = JSON.stringify({ runs, by: { keys } });
    if (!isWanted || body === asked) return;
    asked = body;
    try {
      const answer = await trainboard.json("/api/v1/groups", { method: "POST", headers: { "content-type": "application/json" }, body });
      if (body !== asked) return;
      varying = answer.keys;
      values = new Map(answer.groups.flatMap(({ key, runs }) => runs.map((run) => [run, new Map(key)])));
      trainboard.emit("config");
    } catch {
      asked = ""; /* the last values stay; asked again with the next change */
    }
  }
  trainboard.on("shown", read);
  trainboard.on("query", read);

  const numberOr = (text) => (text !== undefined && text !== "" && !Number.isNaN(Number(text)) ? Number(text) : (text ?? "–"));

  /** The chosen keys as columns of a step table: of each row, its run's value. */
  trainboard.configColumns = () => {
    if (trainboard.bands.isOn()) return {}; /* a line is several runs */
    return Object.fromEntries(trainboard.values(KEY).map((key) => [key, ({ curve }) => numberOr(values.get(curve.run)?.get(key))]));
  };

  /** The field that puts keys into the tables and takes them out again. */
  trainboard.ConfigField = function ConfigField() {
    trainboard.useState("config", "query");
    const chosen = trainboard.values(KEY);
    const offered = varying.filter((key) => key && !chosen.includes(key));
    const set = (keys) => trainboard.setValues(KEY, keys);
    return h(
      "div",
      { className: "config-field" },
      chosen.map((key) => h("button", { key, title: "Leave it out", "aria-label": `Leave out ${key}`, onClick: () => set(chosen.filter((one) => one !== key)) }, `${key} ×`)),
      h(
        "select",
        { "aria-label": "Config in tables", value: "", disabled: trainboard.value("steps") === "", onChange: (event) => set([...chosen, event.target.value]) },
        h("option", { value: "" }, offered.length ? "Add a column" : "Nothing else varies"),
        offered.map((key) => h("option", { key, value: key }, key)),
      ),
    );
  };
})();
