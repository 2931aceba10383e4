/* The menu of a card: pin it, make another chart of it, take it with you. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useId, useRef, useState } = React;
  const GAP = 4;

  trainboard.CardMenu = function CardMenu({ chart, plotRef }) {
    const id = useId();
    const menu = useRef(null);
    const [problem, setProblem] = useState("");
    const isOwn = trainboard.isOwn(chart);
    const isPinned = trainboard.values("pins").includes(chart.id);
    const item = (name, press) =>
      h("button", { key: name, onClick: () => { menu.current.hidePopover(); press(); } }, name);
    const take = (form) =>
      h("button", { key: form, onClick: async () => setProblem(await trainboard.takeAway(form, chart, plotRef.current)) }, form);
    return h(
      React.Fragment,
      null,
      h("button", { title: "More", "aria-label": `More for ${chart.title}`, popovertarget: id, onClick: (event) => place(menu.current, event.currentTarget) }, "⋯"),
      h(
        "div",
        { className: "card-menu", id, ref: menu, popover: "auto", "aria-label": `More for ${chart.title}` },
        !isOwn && item(isPinned ? "Unpin" : "Pin to the top", () => trainboard.toggleValue("pins", chart.id)),
        item(isOwn ? "Change this chart" : "Combine with other tags", () => trainboard.editChart(chart)),
        isOwn && item("Remove this chart", () => trainboard.setOwnChart(chart.id, null)),
        h("label", null, "Y scale", h(Scale, { chart })),
        h("p", null, "Picture"),
        h("div", null, ["SVG", "PNG", "PDF"].map(take)),
        h("p", null, "Every point"),
        h("div", null, ["CSV", "JSON", "Parquet"].map(take)),
        h("p", null, "Program that draws it"),
        h("div", null, ["Python"].map(take)),
        h("p", { className: "menu-problem", role: "alert" }, problem),
      ),
    );
  };

  function Scale({ chart }) {
    const change = (event) => trainboard.setOwnScale(chart, event.target.value);
    const option = (value, name) => h("option", { key: value, value }, name);
    return h(
      "select",
      { "aria-label": `Y scale of ${chart.title}`, value: trainboard.ownScale(chart), onChange: change },
      [option("", "As all charts"), option("linear", "Linear"), option("log", "Log"), option("symlog", "Symlog")],
    );
  }

  /** Below its button, inside the window. */
  function place(menu, button) {
    const { left, right, bottom } = button.getBoundingClientRect();
    const isRight = left > innerWidth / 2;
    Object.assign(menu.style, {
      top: `${Math.min(bottom + GAP, innerHeight - 340)}px`,
      left: isRight ? "auto" : `${left}px`,
      right: isRight ? `${innerWidth - right}px` : "auto",
    });
  }
})();
