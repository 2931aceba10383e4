/* Plays the steps of a slider: the next one as soon as the one before is on the screen. */
"use strict";
(() => {
  const SHORTEST_MILLISECONDS = 250;
  const LONGEST_MILLISECONDS = 4000;
  const LOOK_MILLISECONDS = 40;
  const playing = new Map();

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(".step-play");
    if (button) playing.has(button) ? stop(button) : start(button);
  });

  function start(button) {
    playing.set(button, true);
    show(button, "❚❚", "Stop");
    play(button, button.closest(".step-field"));
  }

  function stop(button) {
    playing.delete(button);
    show(button, "▶", "Play the steps");
  }

  function show(button, sign, words) {
    button.textContent = sign;
    button.title = words;
    button.setAttribute("aria-label", words);
  }

  async function play(button, field) {
    const { value, last } = placeOf(field);
    if (value >= last) await go(field, 0);
    while (playing.has(button) && button.isConnected) {
      const now = placeOf(field);
      if (now.value >= now.last) break;
      await go(field, now.value + 1);
    }
    stop(button);
  }

  function placeOf(field) {
    const thumb = field.querySelector("[role=slider]");
    return { value: Number(thumb.ariaValueNow), last: Number(thumb.ariaValueMax) };
  }

  /** Go to a place, and wait until it is shown: the step is told, and all pictures of it are there. */
  async function go(field, value) {
    const section = field.closest(".media-section, #page");
    const words = field.querySelector(".step-text");
    const before = words.textContent;
    const { id } = field.querySelector(".step-slider");
    const began = performance.now();
    window.dash_clientside.set_props(id.startsWith("{") ? JSON.parse(id) : id, { value });
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
      const passed = performance.now() - began;
      const isShown = words.textContent !== before && [...section.querySelectorAll("img")].every((img) => img.complete);
      if ((isShown && passed >= SHORTEST_MILLISECONDS) || passed > LONGEST_MILLISECONDS) return;
    }
  }
})();
