/* New alerts on every page: a toast for a moment, a count of those nobody saw beside "Alerts", and, by
   choice, a notification of the browser, for which alone a hidden tab goes on asking. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const h = (...args) => React.createElement(...args);
  const CHOICE = "trainboard-notifications";
  const MOST_RUNS = 300;
  const MOST_TOASTS = 3;
  const SHOWN_MILLISECONDS = 12_000;
  const HIDDEN_MILLISECONDS = 10_000;
  const RETRY_MILLISECONDS = 2_000;
  const counts = new Map(); /* run -> {alerts, open, newest} */
  const asked = new Set(); /* runs of which the alerts there were at first are known */
  let pending = new Set();
  let busy = false;

  const isNotified = () => localStorage.getItem(CHOICE) === "1" && window.Notification?.permission === "granted";

  /** Ask for the alerts of runs, and tell of what is new. */
  async function learn(runs) {
    runs.forEach((run) => pending.add(run));
    if (busy || pending.size === 0 || (document.hidden && !isNotified())) return;
    busy = true;
    const ids = [...pending].slice(0, MOST_RUNS);
    ids.forEach((run) => pending.delete(run));
    try {
      const answer = await trainboard.json(`/api/v1/alerts?runs=${ids.map(encodeURIComponent).join(",")}`);
      const news = ids.flatMap((run) => taken(run, answer.runs[run]));
      trainboard.emit("alerts", news);
      if (document.hidden) news.forEach(notify);
    } catch {
      ids.forEach((run) => pending.add(run));
      setTimeout(() => learn([]), RETRY_MILLISECONDS);
      busy = false;
      return;
    }
    busy = false;
    learn([]); /* of those that changed meanwhile */
  }

  const opened = Date.now() / 1000;
  const runOf = (run) => [...(state.runs ?? []), ...state.beyond.values()].find(({ id }) => id === run);

  /** What became new of a run; of one older than this page nothing when it is looked at for the first time. */
  function taken(run, told) {
    const before = counts.get(run)?.alerts ?? 0;
    const isFirst = !asked.has(run) && !(runOf(run)?.created_at > opened);
    asked.add(run);
    if (told) counts.set(run, told);
    else counts.delete(run);
    return told && !isFirst && told.alerts > before ? [{ ...told.newest, count: told.alerts - before }] : [];
  }

  const nameOf = (run) => runOf(run)?.name ?? run;
  const titleOf = ({ title, count }) => (count > 1 ? `${title}, and ${count - 1} more` : title);

  function notify(alert) {
    const shown = new Notification(titleOf(alert), { body: `${nameOf(alert.run)}: ${alert.text}`, tag: alert.run });
    shown.onclick = () => window.focus();
  }

  const known = () => (state.runs ?? []).slice(0, MOST_RUNS).map((run) => run.id);
  trainboard.on("runs", () => learn(known().filter((run) => !asked.has(run))));
  trainboard.on("tick", (runs) => learn(known().filter((run) => runs === null || runs.has(run))));
  document.addEventListener("visibilitychange", () => !document.hidden && learn([]));
  setInterval(() => document.hidden && isNotified() && learn(known()), HIDDEN_MILLISECONDS);

  trainboard.alerts = {
    /** How many alerts of the listed runs nobody acknowledged. */
    open: () => known().reduce((sum, run) => sum + (counts.get(run)?.open ?? 0), 0),
    openOf: (run) => counts.get(run)?.open ?? 0,
    isNotified,
    /** Choose whether this browser tells of alerts while the page is hidden. */
    async choose(wanted) {
      const allowed = wanted && window.Notification && (await Notification.requestPermission()) === "granted";
      localStorage.setItem(CHOICE, allowed ? "1" : "0");
      return allowed;
    },
    look: (runs) => learn(runs),
  };

  trainboard.Toasts = function Toasts() {
    const [toasts, setToasts] = React.useState([]);
    React.useEffect(() => {
      return trainboard.on("alerts", (news) => {
        badge();
        if (news.length === 0) return;
        const fresh = news.map((alert) => ({ ...alert, key: `${alert.run} ${alert.time} ${alert.count}` }));
        setToasts((before) => [...before, ...fresh].slice(-MOST_TOASTS));
        setTimeout(() => setToasts((now) => now.filter((one) => !fresh.includes(one))), SHOWN_MILLISECONDS);
      });
    }, []);
    const close = (toast) => setToasts(toasts.filter((one) => one !== toast));
    return h(
      "div",
      { className: "toasts", role: "status" },
      toasts.map((toast) =>
        h(
          "article",
          { key: toast.key, className: "toast", "data-level": toast.level },
          h("a", { href: "/alerts", onClick: (event) => open(event, toast, close) }, h("strong", null, titleOf(toast)), h("span", { className: "quiet" }, nameOf(toast.run))),
          h("button", { className: "quiet-button", "aria-label": "Close", title: "Close", onClick: () => close(toast) }, "✕"),
        ),
      ),
    );
  };

  function open(event, toast, close) {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    close(toast);
    trainboard.open(`/alerts${location.search}`);
  }

  function badge() {
    const link = document.querySelector(".page-link[href='/alerts']");
    if (!link) return;
    const count = trainboard.alerts.open();
    if (count) link.dataset.count = count > 99 ? "99+" : String(count);
    else delete link.dataset.count;
    link.title = count ? `${count} alerts that nobody acknowledged` : "";
  }
})();
