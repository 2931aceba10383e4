/* Cards of the Charts page that hold no curves: the histograms, or the images, of a tag of all shown runs. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { state } = trainboard;
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const MOST_RUNS = 12;
  const PLOTLY_CONFIG = { displayModeBar: false, responsive: true };
  const PATHS = { histogram: "/histograms", image: "/media" };
  const FILTERS = { histogram: "histogram_filter", image: "media_filter" };

  trainboard.RecordCard = function RecordCard({ chart, title, isWide }) {
    trainboard.useState("shown", "query", "theme", "catalog");
    const all = trainboard.holdersOf(chart);
    const runs = all.slice(0, MOST_RUNS);
    const [pin, setPin] = useState(null);
    const linked = trainboard.stepsOf(trainboard.value("steps"))?.to;
    const step = Number.isFinite(linked) ? linked : pin;
    const asked = new URLSearchParams({ tag: chart.title, runs: runs.map(({ id }) => id).join(), colors: runs.map(({ color }) => color.slice(1)).join() });
    if (step !== null) asked.set("step", step);
    if (chart.kind === "histogram") asked.set("theme", state.theme);
    const { answer, problem } = trainboard.useAnswer(`/api/v1/charts/${chart.kind}s?${asked}`, runs.map(({ id }) => id), { isPartial: ({ read }) => read < 1 });
    const Body = chart.kind === "histogram" ? Histograms : Images;
    return h(
      React.Fragment,
      null,
      h(
        trainboard.CardHead,
        { chart, title, note: [all.length > runs.length && `${runs.length} of ${all.length} runs`, stepOf(answer?.images)].filter(Boolean).join(" · "), about: "The runs drawn here, and the step" },
        h("a", { className: "card-link", href: `${PATHS[chart.kind]}?${new URLSearchParams({ ...state.query, [FILTERS[chart.kind]]: chart.title })}`, title: "Open on its own page", "aria-label": `Open ${chart.title} on its own page` }, "↗"),
        h("button", { title: "Pin to the top", "aria-label": `Pin ${chart.title} to the top`, "aria-pressed": trainboard.values("pins").includes(chart.id), onClick: () => trainboard.toggleValue("pins", chart.id) }, trainboard.values("pins").includes(chart.id) ? "★" : "☆"),
        h(trainboard.WidthButton, { chart, isWide }),
      ),
      problem && h("p", { className: "card-problem", role: "alert" }, problem),
      answer ? h(Body, { answer, step, pin: Number.isFinite(linked) ? undefined : pin, setPin, label: chart.title }) : h("div", { className: "card-body" }),
    );
  };

  /** The step of these images in words, where they are all of one. */
  function stepOf(images = []) {
    const steps = new Set(images.map(({ step }) => step).filter((step) => step !== null));
    return steps.size === 1 ? `step ${trainboard.format.integer([...steps][0])}` : "";
  }

  function Histograms({ answer, label }) {
    const place = useRef(null);
    useEffect(() => {
      let gone = false;
      trainboard.panes.plotly().then((Plotly) => !gone && Plotly.react(place.current, answer.figure.data, answer.figure.layout, PLOTLY_CONFIG));
      return () => void (gone = true);
    }, [answer]);
    useEffect(() => () => place.current && window.Plotly?.purge(place.current), []);
    return h("div", { className: "card-body", ref: place, role: "group", "aria-label": `Histograms of ${label}` });
  }

  /** A picture of each run, at the same step: `pin` is that of the slider, null at its right end, where the newest
      is followed, and undefined where the step tables say which. */
  function Images({ answer: { images, steps }, pin, setPin, label }) {
    const last = steps.length - 1;
    const at = pin === null || pin === undefined ? last : Math.max(steps.findLastIndex((step) => step <= pin), 0);
    return h(
      React.Fragment,
      null,
      h("div", { className: "card-body record-strip", tabIndex: 0, role: "group", "aria-label": `Images of ${label}` }, images.map((image) => h(OneImage, { key: image.run, image, isApart: !stepOf(images) }))),
      pin !== undefined &&
        last > 0 &&
        h("input", { type: "range", className: "record-step", min: 0, max: last, value: at, "aria-label": `Step of ${label}`, "aria-valuetext": `step ${steps[at]}`, title: "At its right end the newest step is followed", onChange: ({ target }) => setPin(Number(target.value) === last ? null : steps[target.value]) }),
    );
  }

  function OneImage({ image: { name, color, step, picture, problem }, isApart }) {
    return h(
      "figure",
      { className: "record-image" },
      picture ? h(trainboard.Picture, { ...picture, key: picture.src }) : h("div", { className: "card-nothing" }, problem),
      h("figcaption", { title: name }, h("i", { style: { background: color } }), h("span", null, name), isApart && step !== null && h("span", { className: "quiet" }, `step ${trainboard.format.integer(step)}`)),
    );
  }
})();
