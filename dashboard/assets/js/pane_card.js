/* A window on the board: its bar, what is in it, and what can be done with it. It asks for itself when it
   changed, and never for two answers at a time. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const FILES = {
    plot: ["svg", "png", "csv", "json"],
    text: ["txt", "json"],
    image: ["image", "json"],
    image_history: ["image", "json"],
  };

  trainboard.PaneCard = function PaneCard({ card, hidden, maximised, maximise, close }) {
    const [span, setSpan] = useState(null); /* the first and the last x to tell of long lines; null: all */
    const { pane, problem } = usePane(card, span);
    const [reset, setReset] = useState(0);
    const frame = useRef(null);
    const owner = card.parts[0];
    const tell = (event) => trainboard.panes.event(owner.env, owner.id, event).catch((error) => alert(error.message));
    const key = (event) => {
      if (event.target !== frame.current) return; /* a field of the window's own */
      tell({ event_type: "KeyPress", key: event.key, key_code: event.keyCode });
    };
    const classes = ["grid-stack-item", hidden && "pane-hidden", maximised && "pane-maximised"];
    return h(
      "div",
      { className: classes.filter(Boolean).join(" "), "gs-id": card.key },
      h(
        "section",
        { className: "grid-stack-item-content pane", "aria-label": card.title || owner.id, ref: frame, tabIndex: 0, onKeyDown: key },
        h(
          "div",
          { className: "pane-bar" },
          h("h2", { title: owner.id }, card.title || owner.id),
          pane && h(Save, { card, pane, frame }),
          h(Tool, { label: "Reset", sign: "↺", onClick: () => (setSpan(null), setReset(reset + 1)) }),
          h(Tool, { label: maximised ? "Restore" : "Maximise", sign: maximised ? "🗗" : "🗖", onClick: maximise }),
          card.parts.length === 1 && h(Tool, { label: "Close", sign: "×", onClick: close }),
        ),
        problem && h("p", { role: "alert", className: "problem" }, problem),
        pane && h(trainboard.PaneContent, { pane: { ...pane, reset, env: owner.env }, tell, zoom: setSpan, key: `${pane.type} ${reset}` }),
      ),
    );
  };

  function Tool({ label, sign, onClick }) {
    return h("button", { className: "quiet-button", title: label, "aria-label": label, onClick }, sign);
  }

  /** A hook: the window as the server has it, asked for anew when it changed or was zoomed. */
  function usePane(card, span) {
    const [state, setState] = useState({ pane: null, problem: null });
    const asked = useRef({ busy: false, wanted: null, alive: true });
    useEffect(() => {
      asked.current.alive = true;
      return () => void (asked.current.alive = false);
    }, []);
    useEffect(() => {
      asked.current.wanted = { card, span };
      if (!asked.current.busy) load(asked.current, setState);
    }, [card.version, span]);
    return state;
  }

  async function load(asked, setState) {
    asked.busy = true;
    while (asked.wanted && asked.alive) {
      const { card, span } = asked.wanted;
      const more = span ? { from: span[0], to: span[1] } : {};
      asked.wanted = null;
      try {
        const panes = await Promise.all(card.parts.map(({ env, id }) => trainboard.panes.window(env, id, more)));
        const contentID = [...panes.map((pane) => pane.contentID), span].join();
        if (asked.alive) setState({ pane: { ...trainboard.mergePanes(panes, card.parts), contentID }, problem: null });
      } catch (error) {
        if (asked.alive && error.status !== 404) setState((now) => ({ ...now, problem: error.message }));
      }
    }
    asked.busy = false;
  }

  function Save({ card, pane, frame }) {
    const kinds = FILES[pane.type] ?? ["json"];
    const choose = (event) => {
      const kind = event.target.value;
      event.target.value = "";
      save(kind, card, pane, frame.current).catch((error) => alert(error.message));
    };
    return h(
      "select",
      { "aria-label": "Save", title: "Save", defaultValue: "", onChange: choose },
      h("option", { value: "", disabled: true }, "Save"),
      kinds.map((kind) => h("option", { key: kind, value: kind }, kind.toUpperCase())),
    );
  }

  async function save(kind, card, pane, frame) {
    const name = (card.title || pane.id).replace(/[^\w.-]+/g, "_");
    const figure = frame.querySelector(".js-plotly-plot");
    if (kind === "svg" || kind === "png") {
      const format = { format: kind, width: figure.clientWidth, height: figure.clientHeight };
      return download(await window.Plotly.toImage(figure, format), `${name}.${kind}`);
    }
    if (kind === "image") {
      const source = frame.querySelector(".pane-image img").src;
      return download(source, `${name}.${/^data:image\/(\w+)/.exec(source)?.[1] ?? "png"}`);
    }
    const texts = { csv: () => table(pane.content.data), txt: plain, json: () => JSON.stringify(pane, null, 1) };
    const url = URL.createObjectURL(new Blob([texts[kind](pane)]));
    download(url, `${name}.${kind}`);
    URL.revokeObjectURL(url);
  }

  function download(href, file) {
    Object.assign(document.createElement("a"), { href, download: file }).click();
  }

  /** The words of an HTML text; nothing in it is run or loaded. */
  const plain = (pane) => {
    const lines = String(pane.content).replace(/<br\s*\/?>/gi, "\n");
    return new DOMParser().parseFromString(lines, "text/html").body.textContent;
  };

  const quoted = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

  function table(data) {
    const rows = data.flatMap((trace, at) =>
      (trace.y ?? []).map((y, row) => [trace.name ?? at, trace.x?.[row] ?? row, y, trace.z?.[row] ?? ""]),
    );
    return [["trace", "x", "y", "z"], ...rows].map((row) => row.map((value) => quoted(String(value ?? ""))).join(",")).join("\n");
  }
})();
