/* The HParams page: a point that is clicked leads to its run, and a box that is dragged becomes a filter. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const BESIDE = 0.4;
  /* A forest takes seconds of the server's time. */
  const REFRESH_MILLISECONDS = { importance: 15_000 };
  const REFRESH_SOON_MILLISECONDS = 2_000;
  let refreshedAt = 0;
  let timer = null;

  /* Plotly tells of a box up to a tenth of a second after the mouse let go; a figure drawn before is without it. */
  const TELLING_MILLISECONDS = 250;
  let released = Promise.resolve();
  let placed = "";

  document.addEventListener("pointerdown", (event) => {
    if (!event.target.closest(".trial-figure")) return;
    released = new Promise((resolve) => {
      const ended = new AbortController();
      const end = () => void (ended.abort(), setTimeout(resolve, TELLING_MILLISECONDS));
      for (const name of ["pointerup", "pointercancel", "blur"]) window.addEventListener(name, end, { signal: ended.signal });
    });
  }, true);

  (window.dash_clientside ??= {}).trainboard_trials = {
    /** What was drawn comes onto the page; not under a box that is being dragged, which it would end. */
    async place(drawn) {
      await released;
      const told = JSON.stringify(drawn);
      if (told === placed && document.querySelector("#trials .trial-body")) return dash_clientside.no_update;
      placed = told;
      return drawn;
    },

    open_run(clicked) {
      const run = clicked?.points?.[0]?.customdata;
      if (run) trainboard.open(`/runs?${new URLSearchParams({ ...trainboard.state.query, run })}`);
      return "";
    },

    /** Something in the store changed: drawn anew soon, and not every time. */
    refresh(tick, view) {
      const pause = REFRESH_MILLISECONDS[view] ?? REFRESH_SOON_MILLISECONDS;
      timer ??= setTimeout(() => {
        timer = null;
        refreshedAt = performance.now();
        if (document.getElementById("trials")) dash_clientside.set_props("trials-tick", { data: tick });
      }, Math.max(0, refreshedAt + pause - performance.now()));
      return dash_clientside.no_update;
    },

    /** The filter with what a dragged box asks for in place of what it said of the same fields. */
    brush(selected, figure, where) {
      const meta = figure?.layout?.meta;
      const asked = selected?.range && meta ? boxed(selected.range, meta).filter(({ condition }) => condition) : [];
      if (!asked.length) return dash_clientside.no_update;
      const fields = asked.map(({ field }) => field);
      const kept = (where ?? "").split(" and ").filter((part) => part && !fields.some((field) => isOwn(part, field)));
      const rest = kept.join(" and ");
      const first = /\bor\b/i.test(outside(rest)) ? `(${rest})` : rest;
      return [first, ...asked.map(({ condition }) => condition)].filter(Boolean).join(" and ");
    },
  };

  /** A filter without its quoted texts and what is in parentheses. */
  function outside(filter) {
    let left = filter.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, "");
    while (/\([^()]*\)/.test(left)) left = left.replace(/\([^()]*\)/g, "");
    return left;
  }

  /** Of each scale that a box covers: its field, and the condition. */
  function boxed(range, { dimensions, of_axis }) {
    if (of_axis) return Object.entries(range).map(([axis, ends]) => conditionOf(dimensions[of_axis[axis]], ...sorted(ends)));
    const [left, right] = sorted(range.x);
    const [bottom, top] = sorted(range.y);
    return dimensions.flatMap((dimension, at) => {
      if (at < left - BESIDE || at > right + BESIDE) return [];
      const span = dimension.high - dimension.low;
      return [conditionOf(dimension, dimension.low + bottom * span, dimension.low + top * span)];
    });
  }

  const sorted = (ends) => [...ends].sort((a, b) => a - b);

  function conditionOf(dimension, low, high) {
    const field = written(dimension.field);
    if (dimension.labels) {
      const all = dimension.labels.length;
      const found = dimension.labels.filter((_, at) => at >= low && at <= high);
      const values = found.map((label) => (label === "–" ? "null" : quoted(label)));
      return { field, condition: values.length && values.length < all ? `${field} in [${values.join(", ")}]` : "" };
    }
    const inside = (place) => Math.min(Math.max(place, dimension.low), dimension.high);
    const at = (place) => (dimension.known ? trainboard.interpolated(...dimension.known, inside(place)) : dimension.log ? 10 ** place : place);
    const number = (place) => String(Number(at(place).toPrecision(4)));
    const parts = [low > dimension.low && `${field} >= ${number(low)}`, high < dimension.high && `${field} <= ${number(high)}`];
    return { field, condition: parts.filter(Boolean).join(" and ") };
  }

  const isOwn = (part, field) => [" >= ", " <= ", " in ["].some((sign) => part.startsWith(field + sign)) && !/[()]/.test(part.slice(field.length));
  const quoted = (text) => `"${text.replace(/["\\]/g, "\\$&")}"`;

  /** A field as filters take it: a key that holds more than a word needs quotes. */
  function written(field) {
    const dot = field.indexOf(".");
    const [space, key] = [field.slice(0, dot), field.slice(dot + 1)];
    return /^[^\s()[\],"'=<>!~]+$/.test(key) ? field : `${space}.${quoted(key)}`;
  }
})();
