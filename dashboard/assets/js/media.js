/* The Media page: brightness and contrast of all its pictures, and the way back to their own; players that fail. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const LEVELS = { media_brightness: "--brightness", media_contrast: "--contrast" };

  trainboard.on("query", () => {
    for (const [key, name] of Object.entries(LEVELS)) {
      const level = Number(trainboard.value(key) || 100);
      document.documentElement.style.setProperty(name, String(level / 100));
    }
  });

  /* These events do not bubble, but are seen on their way down. */
  const note = (isBad) => ({ target }) => target instanceof HTMLMediaElement && target.toggleAttribute("data-unplayable", isBad);
  document.addEventListener("error", note(true), true);
  document.addEventListener("loadedmetadata", note(false), true);

  (window.dash_clientside ??= {}).trainboard_media = {
    /** The button was used: pictures as they are. */
    resetLevels(clicks) {
      if (clicks) for (const key of Object.keys(LEVELS)) window.dash_clientside.set_props({ query: key }, { value: 100 });
      return window.dash_clientside.no_update;
    },
  };
})();
