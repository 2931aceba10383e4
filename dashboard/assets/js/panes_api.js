/* What the Panes page asks the server for, and what it changes there. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const TOKEN = "trainboard-write-token";
  const PATH = "/api/v1/panes";
  const PLOTLY = "/_dash-component-suites/plotly/package_data/plotly.min.js";
  const SHARE_DRAWING = 0.1; /* of the time, at most, windows that change are drawn anew */
  const LONGEST_REST = 2_000;
  let plotly = null;
  let pace = 0; /* milliseconds from one drawing to the next */
  let nextTurn = 0;
  let lastEvent = Promise.resolve();

  const query = (pairs) => new URLSearchParams(pairs).toString();

  /** Ask for a change; throws an error with the server's words. */
  async function change(name, asked) {
    return post(`${PATH}/${name}`, JSON.stringify(asked));
  }

  async function post(url, body) {
    const headers = { "content-type": "application/json" };
    const token = sessionStorage.getItem(TOKEN);
    if (token) headers.authorization = `Bearer ${token}`;
    const answer = await fetch(url, { method: "POST", headers, body });
    if (answer.status === 401) return askForToken(url, body);
    if (!answer.ok) throw new Error((await answer.json()).message);
    return answer.json();
  }

  /** Tell programs of events in their order: of several requests on their way, a later one may arrive first. */
  function tellEvent(env, win, event) {
    const send = () => change("event", { env, win, event });
    const told = lastEvent.then(send);
    lastEvent = told.catch(() => {}); /* which its caller hears of */
    return told;
  }

  function askForToken(url, body) {
    const token = prompt("Changing this needs the write token that the server printed:");
    if (!token) throw new Error("Nothing was changed: that needs the write token.");
    sessionStorage.setItem(TOKEN, token);
    return post(url, body);
  }

  trainboard.panes = {
    change,
    environments: () => trainboard.json(PATH),
    windows: (names) => trainboard.json(`${PATH}/windows?${query(names.map((name) => ["env", name]))}`),
    window: (env, win, more = {}) => trainboard.json(`${PATH}/window?${query({ env, win, ...more })}`),
    exportUrl: (env, format) => `${PATH}/export?${query({ env, format })}`,
    import: (env, text) => post(`${PATH}/import?${query({ env })}`, text),
    event: tellEvent,

    /** Call with the milliseconds that drawing a window anew took. */
    drew: (took) => void (pace = took / SHARE_DRAWING),

    /** Wait until a window that changed may be drawn anew: one after the other, with a rest between them. */
    rest() {
      const now = performance.now();
      const turn = Math.max(now, nextTurn);
      nextTurn = Math.min(turn + pace, now + LONGEST_REST);
      return new Promise((resolve) => setTimeout(resolve, turn - now));
    },

    /** Plotly, loaded when the first window needs it. */
    plotly() {
      plotly ??= new Promise((resolve, reject) => {
        if (window.Plotly) return resolve(window.Plotly);
        const script = document.createElement("script");
        script.src = PLOTLY;
        script.onload = () => resolve(window.Plotly);
        script.onerror = () => reject(new Error("Plotly cannot be loaded."));
        document.head.append(script);
      });
      return plotly;
    },
  };
})();
