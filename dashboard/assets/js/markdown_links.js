/* A link in a logged Markdown text may lead to another page, and do nothing else: no script, no file. */
"use strict";
(() => {
  const ALLOWED = new Set(["http:", "https:", "mailto:"]);

  function check(event) {
    const link = event.target.closest?.(".text-markdown a");
    if (link && !ALLOWED.has(link.protocol)) event.preventDefault();
  }

  document.addEventListener("click", check, true);
  document.addEventListener("auxclick", check, true);
})();
