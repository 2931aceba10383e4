/* Which step a person pins by moving a slider. At its end nothing is pinned, and the newest is followed.
   The server says where the slider belongs for the pin it knew; once another is pinned that is of no interest. */
"use strict";
(() => {
  /* By slider, the value that was last put there or heard. Any other was chosen since and is about to be
     heard: an answer that comes just then must not take it back. */
  const heard = new Map();
  const named = ({ id }) => JSON.stringify(id);

  /** The pin after the slider came to `value`; undefined where it stands for the pin there is. */
  function pinOf(value, placed, pin) {
    heard.set(named(window.dash_clientside.callback_context.inputs_list[0]), value);
    if (!placed || !Number.isInteger(value) || (placed.pin === pin && placed.value === value)) return undefined;
    const step = value >= Math.max(placed.steps.length - 1, 1) ? null : (placed.steps[value] ?? null);
    return step === pin ? undefined : step;
  }

  /** The slider's maximum and value, and whether there is no step to choose: then only the step is told. */
  function placeFor(placed, pin, value) {
    const { no_update, callback_context } = window.dash_clientside;
    if (!placed || placed.pin !== pin) return [no_update, no_update, no_update];
    const last = Math.max(placed.steps.length - 1, 1);
    const isAlone = placed.steps.length < 2;
    const slider = named(callback_context.outputs_list[1]);
    if (Number.isInteger(value) && heard.has(slider) && heard.get(slider) !== value) return [last, no_update, isAlone];
    heard.set(slider, placed.value);
    return [last, placed.value, isAlone];
  }

  /** Let every section of the Media page show this step, and the address tell it. */
  function pinAll(step) {
    for (const section of document.querySelectorAll(".media-section")) {
      const { kind, tag } = JSON.parse(section.id);
      window.dash_clientside.set_props({ type: "media-pin", kind, tag }, { data: step });
    }
    window.trainboard.setQuery({ media_step: step === null ? "" : String(step) });
  }

  const fromText = (text) => (text ? Number(text) : null);

  (window.dash_clientside ??= {}).trainboard_steps = {
    pin(value, placed, pin) {
      const step = pinOf(value, placed, pin ?? null);
      if (step === undefined) return window.dash_clientside.no_update;
      if (window.trainboard.value("media_link") === "1") pinAll(step);
      return step;
    },
    place: (placed, pin, value) => placeFor(placed, pin ?? null, value),

    /* The same for a pin that is kept in the address, as text. */
    pinInAddress(value, placed, text) {
      const step = pinOf(value, placed, fromText(text));
      if (step !== undefined) {
        window.dash_clientside.set_props({ query: "histogram_step" }, { value: step === null ? "" : String(step) });
      }
      return window.dash_clientside.no_update;
    },
    placeFromAddress: (placed, text, value) => placeFor(placed, fromText(text), value),
  };
})();
