/* Formulas in the words of a figure, such as $\alpha$: Plotly has MathJax draw them where it finds it. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const LIBRARY = "/assets/vendor/mathjax/tex-svg-full.js";
  const FORMULA = /\$[^$]+\$/;
  let loading = null;

  /** Whether there is a formula in any of the words of a figure, or of a part of it. */
  trainboard.hasFormula = (part) => {
    if (typeof part === "string") return FORMULA.test(part);
    if (ArrayBuffer.isView(part) || typeof part?.[0] === "number") return false; /* values, of which there may be millions */
    return part !== null && typeof part === "object" && Object.values(part).some(trainboard.hasFormula);
  };

  function load() {
    /* No menu, no attempt on the words of the page, and no commands for links, styles and other files. */
    window.MathJax = { startup: { typeset: false }, options: { enableMenu: false }, tex: { packages: { "[-]": ["html", "require"] } } };
    return new Promise((resolve) => {
      const script = document.createElement("script");
      script.src = LIBRARY;
      script.onload = () => resolve(window.MathJax.startup.promise);
      script.onerror = resolve; /* formulas are then shown as they are written */
      document.head.append(script);
    });
  }

  /** Loads MathJax when the first figure that has formulas is to be drawn. */
  trainboard.formulas = async (figure) => {
    if (loading || trainboard.hasFormula(figure)) await (loading ??= load());
  };
})();
