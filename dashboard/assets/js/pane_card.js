/* A window on the board: its bar, what is in it, and what can be done with it. It asks for itself when it
   changed, and never for two answers at a time. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const MOVES = /^(Tab|Page|Home|End|F\d)/; /* keys that are the browser's own */
  const FILES = {
    plot: ["svg", "png", "csv", "json"],
    text: ["txt", "json"],
    image: ["image", "json"],
    image_history: ["image", "json"],
  };

  trainboard.PaneCard = function PaneCard({ card, maximised, maximise, close, readOnly }) {
    const [span, setSpan] = useState(null); /* the first and the last x to tell of long lines; null: all */
    const frame = useRef(null);
    const { pane, problem } = usePane(card, span, useSeen(frame));
    const [reset, setReset] = useState(0);
    const [look, setLook] = useState(trainboard.paneLook);
    const [looking, setLooking] = useState(false);
    const owner = card.parts[0];
    const title = card.title || pane?.content?.layout?.title?.text;
    const tell = (event) =>
      readOnly || trainboard.panes.event(owner.env, owner.id, event).catch((error) => alert(error.message));
    const key = (event) => {
      if (event.target !== frame.current || event.ctrlKey || event.metaKey) return;
      event.stopPropagation(); /* it is meant for the program, not for the page */
      if (!MOVES.test(event.key)) event.preventDefault();
      tell({ event_type: "KeyPress", key: event.key, key_code: event.keyCode });
    };
    /* The browser would do it, but what moves windows by their bars keeps it from that. */
    const focus = (event) =>
      event.target.closest("button, select, input, textarea, a, audio, video, [tabindex]") === frame.current &&
      frame.current.focus({ preventScroll: true });
    const begin = () => {
      setSpan(null);
      setLook(trainboard.paneLook);
      setReset(reset + 1);
    };
    const classes = ["grid-stack-item", card.hidden && "pane-hidden", maximised && "pane-maximised"];
    return h(
      "div",
      { className: classes.filter(Boolean).join(" "), "gs-id": card.key },
      h(
        "section",
        {
          className: "grid-stack-item-content pane",
          "aria-label": title || owner.id,
          ref: frame,
          tabIndex: 0,
          onKeyDown: key,
          onClick: focus,
        },
        h(
          "div",
          { className: "pane-bar" },
          h("h2", { title: owner.id, className: title ? "" : "pane-untitled" }, title || owner.id),
          pane && h(Save, { card, pane, frame }),
          pane?.type === "plot" && h(Tool, { label: "Look", sign: "✎", pressed: looking, onClick: () => setLooking(!looking) }),
          h(Tool, { label: "Reset", sign: "↺", onClick: begin }),
          h(Tool, { label: maximised ? "Restore" : "Maximise", sign: maximised ? "▫" : "□", onClick: maximise }),
          card.parts.length === 1 && !readOnly && h(Tool, { label: "Close", sign: "×", onClick: close }),
        ),
        problem && h("p", { role: "alert", className: "problem" }, problem),
        looking && pane?.type === "plot" && h(trainboard.PaneLook, { content: pane.content, look, change: setLook }),
        pane && h(trainboard.PaneContent, { pane: { ...pane, reset, env: owner.env }, tell, zoom: setSpan, look, key: `${pane.type} ${reset}` }),
      ),
    );
  };

  function Tool({ label, sign, onClick, pressed }) {
    return h("button", { className: "quiet-button", title: label, "aria-label": label, "aria-pressed": pressed, onClick }, sign);
  }

  /** A hook: whether an element has been on the screen, or nearly. */
  function useSeen(place) {
    const [seen, setSeen] = useState(false);
    useEffect(() => {
      const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && setSeen(true), { rootMargin: "250px" });
      observer.observe(place.current);
      return () => observer.disconnect();
    }, []);
    return seen;
  }

  /** A hook: the window as the server has it, asked for anew when it changed or was zoomed. */
  function usePane(card, span, seen) {
    const [state, setState] = useState({ pane: null, problem: null });
    const asked = useRef({ busy: false, wanted: null, alive: true, span: undefined });
    useEffect(() => {
      asked.current.alive = true;
      return () => void (asked.current.alive = false);
    }, []);
    useEffect(() => {
      if (!seen) return;
      asked.current.wanted = { card, span };
      if (!asked.current.busy) load(asked.current, setState);
    }, [card.version, span, seen]);
    return state;
  }

  async function load(asked, setState) {
    asked.busy = true;
    while (asked.wanted && asked.alive) {
      if (asked.wanted.span === asked.span) await trainboard.panes.rest(); /* nobody waits for it */
      const { card, span } = asked.wanted;
      asked.span = span;
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
