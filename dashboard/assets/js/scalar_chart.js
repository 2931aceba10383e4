/* The React component around one Plot, and its words for those who do not see it. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useLayoutEffect, useRef } = React; /* so that a chart and its words are of the same lines at any moment */
  const TOLD = 20;

  /** `lines` and `marks` as `Plot` takes them; `label` names the chart; `onZoom` and `onPick` as of `Plot`. */
  trainboard.ScalarChart = function ScalarChart({ id, lines = [], marks, label, height, look = trainboard.plainLook, plotRef, card, ...told }) {
    const root = useRef(null);
    const plot = useRef(null);
    useLayoutEffect(() => {
      plot.current = new trainboard.Plot(root.current, look, told);
      if (plotRef) plotRef.current = plot.current;
      return () => plot.current.destroy();
    }, []);
    useLayoutEffect(() => void (plot.current.card = card), [card]);
    useLayoutEffect(() => plot.current.setLook(look), Object.values(look));
    useLayoutEffect(() => plot.current.setLines(lines), [lines]);
    useLayoutEffect(() => marks && plot.current.setMarks(marks), [marks]);
    return h(
      "div",
      { id, className: "card-body", style: height && { height }, role: "group", "aria-label": label },
      h("div", { className: "plot", ref: root, "aria-hidden": true }),
      h("p", { className: "visually-hidden" }, inWords(lines)),
    );
  };

  /** The chart in words: of each run the last value, and where. */
  function inWords(lines) {
    const { number, integer } = trainboard.format;
    const clear = lines.filter(({ faint }) => !faint);
    const told = clear.slice(-TOLD).map((line) => {
      const last = line.step.length - 1;
      if (last < 0) return `${line.name}: no points.`;
      const points = line.total === 1 ? "1 point" : `${integer(line.total)} points`;
      return `${line.name}: ${points}, last ${number(line.value[last])} at step ${integer(line.step[last])}.`;
    });
    const rest = clear.length - told.length;
    return told.join(" ") + (rest > 0 ? ` And ${rest} more runs.` : "") || "No points yet.";
  }
})();
