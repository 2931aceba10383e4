/* Runs before the first paint, so that a dark page never flashes white. */
"use strict";
(() => {
  const chosen = new URLSearchParams(location.search).get("theme");
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
