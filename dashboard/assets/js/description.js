/* What the shown runs say of a tag, in Markdown, behind a button beside its name. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useId, useRef, useState } = React;
  const AGAIN_MILLISECONDS = 5_000;
  const EDGE = 8;
  let known = {};
  let asked = null; /* the runs that what is known is of */
  let askedAt = 0;
  let timer = null;

  async function ask() {
    clearTimeout(timer);
    const runs = trainboard.state.shown.map((run) => run.id).join(",");
    [asked, askedAt] = [runs, performance.now()];
    try {
      const { descriptions } = runs ? await trainboard.json(`/api/v1/descriptions?${new URLSearchParams({ runs })}`) : { descriptions: {} };
      if (asked !== runs || JSON.stringify(descriptions) === JSON.stringify(known)) return;
      known = descriptions;
      trainboard.emit("descriptions");
    } catch {
      timer = setTimeout(ask, AGAIN_MILLISECONDS);
    }
  }

  trainboard.on("shown", ask);
  trainboard.on("tick", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, Math.max(0, askedAt + AGAIN_MILLISECONDS - performance.now()));
  });

  trainboard.Description = function Description({ id, tag }) {
    trainboard.useState("descriptions");
    const popup = useRef(null);
    const [isOpen, setOpen] = useState(false);
    const target = useId();
    const text = Object.hasOwn(known, tag) ? known[tag] : "";
    if (!text) return null;
    const place = (event) => {
      setOpen(event.newState === "open");
      if (event.newState !== "open") return;
      const box = event.currentTarget.previousSibling.getBoundingClientRect();
      const left = Math.min(box.left, innerWidth - popup.current.offsetWidth - EDGE);
      const below = box.bottom + EDGE / 2;
      const fits = below + popup.current.offsetHeight < innerHeight;
      Object.assign(popup.current.style, { left: `${Math.max(EDGE, left)}px`, top: `${fits ? below : Math.max(EDGE, box.top - EDGE / 2 - popup.current.offsetHeight)}px` });
    };
    return h(
      "span",
      { id, className: "description" },
      h("button", { type: "button", className: "description-button", popoverTarget: target, title: "What its program says of this", "aria-label": `What its program says of ${tag}` }, "i"),
      h("div", { id: target, popover: "auto", className: "description-text", ref: popup, onToggle: place }, isOpen && h(Markdown, { text })),
    );
  };

  const Markdown = ({ text }) =>
    h(window.dash_core_components.Markdown, { children: text, dangerously_allow_html: false, link_target: "_blank", className: "text-markdown" });
})();
