// Which cards are on the screen, so that the server draws only these.
(function () {
  "use strict";

  const MARGIN = "250px";
  const SETTLE_MS = 80;
  let observer = null;
  let timer = null;
  const seen = new Set();

  function report() {
    timer = null;
    const present = Array.from(seen).filter(function (element) { return element.isConnected; });
    window.dash_clientside.set_props("in-view", {
      data: present.map(function (element) { return JSON.parse(element.id); }),
    });
  }

  function changed(entries) {
    entries.forEach(function (entry) {
      if (entry.isIntersecting) seen.add(entry.target);
      else seen.delete(entry.target);
    });
    if (timer === null) timer = window.setTimeout(report, SETTLE_MS);
  }

  function watch(root) {
    if (observer) observer.disconnect();
    seen.clear();
    observer = new IntersectionObserver(changed, { root: root.closest("main"), rootMargin: MARGIN });
    root.querySelectorAll(".lazy").forEach(function (element) { observer.observe(element); });
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.trainboard_view = {
    // Called whenever the cards below an element were laid out anew.
    watch: function (signature, id) {
      window.requestAnimationFrame(function () {
        const root = document.getElementById(id);
        if (root) watch(root);
      });
      return window.dash_clientside.no_update;
    },
  };
})();
