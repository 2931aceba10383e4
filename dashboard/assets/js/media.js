/* The Media page: brightness and contrast of all its pictures, and the way back to their own. */
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

  (window.dash_clientside ??= {}).trainboard_media = {
    /** The button was used: pictures as they are. */
    resetLevels(clicks) {
      if (clicks) for (const key of Object.keys(LEVELS)) window.dash_clientside.set_props({ query: key }, { value: 100 });
      return window.dash_clientside.no_update;
    },
  };
})();
