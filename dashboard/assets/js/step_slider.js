/* Which step a person pins by moving a slider. At its end nothing is pinned, and the newest is followed. */
"use strict";
(() => {
  /** The pin after the slider came to `value`; undefined where it was the server that put it there. */
  function pinOf(value, placed) {
    if (!placed || value === placed.value || !Number.isInteger(value)) return undefined;
    return value >= Math.max(placed.steps.length - 1, 1) ? null : (placed.steps[value] ?? null);
  }

  (window.dash_clientside ??= {}).trainboard_steps = {
    pin(value, placed) {
      const step = pinOf(value, placed);
      return step === undefined ? window.dash_clientside.no_update : step;
    },

    /** The same for a pin that is kept in the address, as text. */
    pinInAddress(value, placed) {
      const step = pinOf(value, placed);
      if (step !== undefined) {
        window.dash_clientside.set_props({ query: "histogram_step" }, { value: step === null ? "" : String(step) });
      }
      return window.dash_clientside.no_update;
    },
  };
})();
