/* Which step a person pins by moving a slider. At its end nothing is pinned, and the newest is followed.
   The server says where the slider belongs for the pin it knew; once another is pinned that is of no interest. */
"use strict";
(() => {
  /** The pin after the slider came to `value`; undefined where it stands for the pin there is. */
  function pinOf(value, placed, pin) {
    if (!placed || !Number.isInteger(value) || (placed.pin === pin && placed.value === value)) return undefined;
    const step = value >= Math.max(placed.steps.length - 1, 1) ? null : (placed.steps[value] ?? null);
    return step === pin ? undefined : step;
  }

  /** The slider's maximum and value. */
  function placeFor(placed, pin) {
    const { no_update } = window.dash_clientside;
    if (!placed || placed.pin !== pin) return [no_update, no_update];
    return [Math.max(placed.steps.length - 1, 1), placed.value];
  }

  const fromText = (text) => (text ? Number(text) : null);

  (window.dash_clientside ??= {}).trainboard_steps = {
    pin(value, placed, pin) {
      const step = pinOf(value, placed, pin ?? null);
      return step === undefined ? window.dash_clientside.no_update : step;
    },
    place: (placed, pin) => placeFor(placed, pin ?? null),

    /* The same for a pin that is kept in the address, as text. */
    pinInAddress(value, placed, text) {
      const step = pinOf(value, placed, fromText(text));
      if (step !== undefined) {
        window.dash_clientside.set_props({ query: "histogram_step" }, { value: step === null ? "" : String(step) });
      }
      return window.dash_clientside.no_update;
    },
    placeFromAddress: (placed, text) => placeFor(placed, fromText(text)),
  };
})();
