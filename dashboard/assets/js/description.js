/* What the shown runs say of a tag, in Markdown, behind a button beside its name. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useId, useRef, useState } = React;
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
    useEffect(() => {
      const follow = (event) => setOpen(event.newState === "open");
      popup.current?.addEventListener("toggle", follow); /* React's own onToggle is for <details> alone */
      return () => popup.current?.removeEventListener("toggle", follow);
    }, [Boolean(text)]);
    useEffect(() => {
      if (!isOpen) return undefined;
      const observer = new ResizeObserver(() => place(popup.current)); /* Markdown is drawn a moment later */
      observer.observe(popup.current);
      return () => observer.disconnect();
    }, [isOpen]);
    if (!text) return null;
    return h(
      "span",
      { id, className: "description" },
      h("button", { type: "button", className: "description-button", popoverTarget: target, title: "What its program says of this", "aria-label": `What its program says of ${tag}` }, "i"),
      h("div", { id: target, popover: "auto", className: "description-text", ref: popup }, isOpen && h(Markdown, { text })),
    );
  };

  /** Below its button, or above where there is no room. */
  function place(popup) {
    const button = popup.previousSibling.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = popup;
    const below = button.bottom + EDGE / 2;
    const top = below + height < innerHeight ? below : Math.max(EDGE, button.top - EDGE / 2 - height);
    const left = Math.max(EDGE, Math.min(button.left, innerWidth - width - EDGE));
    Object.assign(popup.style, { top: `${top}px`, left: `${left}px` });
  }

  const Markdown = ({ text }) =>
    h(window.dash_core_components.Markdown, { children: text, dangerously_allow_html: false, link_target: "_blank", className: "text-markdown" });
})();
