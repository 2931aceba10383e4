/* What is in a window: a figure, or properties. Whatever else a program sent is shown as JSON. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;

  trainboard.PaneContent = function PaneContent({ pane, ...rest }) {
    const Kind = trainboard.paneKinds[pane.type] ?? Raw;
    return h(Kind, { pane, ...rest });
  };

  const USUAL_MARGIN = 60;

  /** Room for what is there: the program's client asks for 60 pixels on each side, titles or none. */
  function marginOf({ margin, title, xaxis, yaxis }) {
    if (!margin || ["t", "b", "l"].some((side) => margin[side] !== USUAL_MARGIN)) return margin;
    if (trainboard.hasFormula([title, xaxis?.title, yaxis?.title])) return margin; /* which is taller than words */
    return { ...margin, t: title?.text ? 40 : 16, b: xaxis?.title?.text ? 48 : 32, l: yaxis?.title?.text ? 56 : 40, r: 24 };
  }

  /** What a figure has where its program says nothing: the card as its background, and the theme's colours. */
  trainboard.paneGround = () => {
    const dark = trainboard.state.theme === "dark";
    const axis = { gridcolor: dark ? "#2a2e35" : "#eceef0", zerolinecolor: dark ? "#59606a" : "#8b9199" };
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: dark ? "#e6e8eb" : "#1c2024", size: 11 },
      template: { layout: { xaxis: axis, yaxis: axis, scene: { xaxis: axis, yaxis: axis, zaxis: axis } } },
    };
  };

  const layoutOf = (pane, { width, height, ...layout }) => ({
    ...trainboard.paneGround(),
    ...layout,
    margin: marginOf(layout),
    autosize: true,
    uirevision: `${pane.id} ${pane.reset ?? 0}`,
  });

  function Plot({ pane, zoom, look }) {
    const place = useRef(null);
    const [problem, setProblem] = useState(null);
    const follow = (drawn) => {
      drawn.removeAllListeners("plotly_relayout");
      drawn.on("plotly_relayout", (event) => zoomed(event, pane.content.data, zoom));
    };
    useEffect(() => {
      let gone = false;
      Promise.all([trainboard.panes.plotly(), trainboard.formulas(pane.content)])
        .then(([Plotly]) => {
          if (gone) return null;
          const config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["sendDataToCloud"] };
          const colors = (place.current._fullData ?? []).map((trace) => trace.line?.color);
          const { data, layout } = trainboard.looked(pane.content, look, colors);
          const again = place.current.data !== undefined;
          const begun = performance.now();
          return Plotly.react(place.current, data, layoutOf(pane, layout), config).then((drawn) => {
            if (again) trainboard.panes.drew(performance.now() - begun);
            follow(drawn);
          });
        })
        .then(() => setProblem(null))
        .catch((error) => setProblem(String(error.message ?? error)));
      return () => void (gone = true);
    }, [pane.contentID, pane.reset, look, trainboard.state.theme]);
    useEffect(() => {
      const watcher = new ResizeObserver(() => place.current?.data && window.Plotly?.Plots.resize(place.current));
      watcher.observe(place.current);
      return () => {
        watcher.disconnect();
        if (place.current) window.Plotly?.purge(place.current);
      };
    }, []);
    return h(
      "div",
      { className: "pane-plot" },
      problem && h("p", { role: "alert", className: "problem" }, problem),
      h("div", { ref: place, className: "pane-figure" }),
    );
  }

  /** Ask for the points of what a person zooms to, where a line has more than were told. */
  function zoomed(event, data, zoom) {
    const [low, high] = event["xaxis.range"] ?? [event["xaxis.range[0]"], event["xaxis.range[1]"]];
    if (event["xaxis.autorange"]) return zoom(null);
    const isLong = data.some((trace) => "thinned" in trace);
    if (isLong && typeof low === "number" && typeof high === "number") zoom([low, high]);
  }

  function Properties({ pane, tell }) {
    const update = (id, value) => tell({ event_type: "PropertyUpdate", propertyId: id, value });
    return h(
      "form",
      { className: "pane-properties", onSubmit: (event) => event.preventDefault() },
      (pane.content ?? []).map((property, id) => h(Property, { key: id, property, update: (value) => update(id, value) })),
    );
  }

  function Property({ property, update }) {
    const [text, setText] = useState(null);
    const { type, name, value, values = [] } = property;
    useEffect(() => setText(null), [value]);
    const send = () => text !== null && update(text);
    const inputs = {
      button: () => h("button", { type: "button", onClick: () => update("clicked") }, String(value)),
      checkbox: () =>
        h("input", { type: "checkbox", checked: Boolean(value), onChange: (event) => update(event.target.checked) }),
      select: () =>
        h(
          "select",
          { value: String(value), onChange: (event) => update(event.target.value) },
          values.map((one, at) => h("option", { key: at, value: String(at) }, String(one))),
        ),
    };
    const field = () =>
      h("input", {
        type: type === "number" ? "number" : "text",
        step: "any",
        value: text ?? String(value ?? ""),
        onChange: (event) => setText(event.target.value),
        onBlur: send,
        onKeyDown: (event) => event.key === "Enter" && send(),
      });
    /* A label would give a button its own name instead of what is on it. */
    return h(type === "button" ? "div" : "label", { className: "pane-property" }, h("span", null, String(name)), (inputs[type] ?? field)());
  }

  function Raw({ pane }) {
    return h("pre", { className: "pane-raw" }, JSON.stringify(pane.content, null, 1));
  }

  trainboard.paneKinds = { ...trainboard.paneKinds, plot: Plot, properties: Properties };
})();
