/* Texts of windows. One of formatting, and of sound and films that it brings along, becomes elements of the page,
   so that it can be typed at, keeps its place when it grows, and may play by itself; any other HTML is shown in a
   frame that runs nothing. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useMemo } = React;
  const FORMATTING = new Set(
    "B BR CODE DIV EM H1 H2 H3 H4 H5 H6 HR I LI OL P PRE S SMALL SPAN STRONG SUB SUP TABLE TBODY TD TH THEAD TR U UL".split(" "),
  );

  const FLAGS = { autoplay: "autoPlay", controls: "controls", loop: "loop", muted: "muted" };
  const PLAYERS = new Set(["AUDIO", "VIDEO"]);

  /** The elements of an HTML text, or null if it has any but formatting and players, or attributes of other use. */
  function elements(html) {
    const { head, body } = new DOMParser().parseFromString(html, "text/html");
    if (head.childNodes.length || body.attributes.length || ![...body.querySelectorAll("*")].every(isKnown)) return null;
    return made(body);
  }

  function isKnown({ tagName, attributes }) {
    if (PLAYERS.has(tagName)) return [...attributes].every(({ name }) => name in FLAGS);
    if (tagName === "SOURCE") return [...attributes].every(({ name, value }) => name === "type" || (name === "src" && value.startsWith("data:")));
    return FORMATTING.has(tagName) && !attributes.length;
  }

  const made = (parent) =>
    [...parent.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE || node.nodeType === Node.ELEMENT_NODE)
      .map((node, key) => (node.nodeType === Node.TEXT_NODE ? node.data : h(node.tagName.toLowerCase(), { key, ...properties(node) }, ...made(node))));

  const properties = ({ attributes }) =>
    Object.fromEntries([...attributes].map(({ name, value }) => (name in FLAGS ? [FLAGS[name], true] : [name, value])));

  function Text({ pane }) {
    const html = String(pane.content ?? "");
    const plain = useMemo(() => elements(html), [html]);
    if (plain) return h("div", { className: "pane-text pane-words" }, ...plain);
    const dark = trainboard.state.theme === "dark";
    const style = `<style>body{margin:8px;font:13px/1.4 system-ui,sans-serif;color:${dark ? "#e6e8eb" : "#1c2024"}}</style>`;
    /* No script, no form, no link out, and no way to this page: that is what an empty sandbox means. */
    return h("iframe", { className: "pane-text", sandbox: "", title: pane.title || "Text", srcDoc: style + html });
  }

  trainboard.paneKinds = { ...trainboard.paneKinds, text: Text };
})();
