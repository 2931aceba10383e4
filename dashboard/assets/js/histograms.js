/* The Histograms page: a zoom along the steps is one for all cards, and is kept in the address. */
"use strict";
(() => {
  const ALONG_STEPS = new Set(["heat", "bands", "compare"]);
  const CLASS = "histogram-page";
  const setWindow = (value) => window.dash_clientside.set_props({ query: "histogram_window" }, { value });
  const unchanged = () => window.dash_clientside.no_update;

  (window.dash_clientside ??= {}).trainboard_histograms = {
    /** A person zoomed into a card, or out of it. */
    zoom(_, view, window_) {
      const moved = window.dash_clientside.callback_context.triggered[0]?.value;
      if (!moved || !ALONG_STEPS.has(view)) return unchanged();
      const range = moved["xaxis.range"] ?? [moved["xaxis.range[0]"], moved["xaxis.range[1]"]];
      if (range.every((end) => end !== undefined)) {
        const told = range.join(",");
        if (told !== window_) setWindow(told);
      } else if (moved["xaxis.autorange"] && window_) setWindow("");
      return unchanged();
    },

    /** The button was used, or the axis is another one, on which the window means nothing. */
    allSteps() {
      if (window.dash_clientside.callback_context.triggered.length) setWindow("");
      return unchanged();
    },

    /** What the style sheet needs to know. */
    mark: (view, window_) => `${CLASS} view-${view}${window_ ? " is-zoomed" : ""}`,

    /** Not all was drawn in one answer: ask for the rest. */
    goOn(left, id) {
      window.dash_clientside.set_props("histogram-again", { data: left });
      return id;
    },
  };
})();
