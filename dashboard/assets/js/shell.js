/* The shell's clientside callbacks, its buttons and its keys. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const THEMES = ["auto", "light", "dark"];
  const SERVER_LOST = "The server cannot be reached. Reconnecting…";
  const STORE_GONE = "The store was deleted or moved away. Waiting for it to come back…";
  const NARROW = "(max-width: 760px)";
  let afterG = false;

  (window.dash_clientside ??= {}).trainboard_shell = {
    read_address(search, defaults) {
      trainboard.state.defaults = defaults;
      trainboard.state.ready = true;
      dash_clientside.set_props("theme", { data: trainboard.state.theme });
      const query = trainboard.parseQuery(search);
      trainboard.applyQuery(query);
      trainboard.live.start();
      return query;
    },

    /** A control with the id {"query": key} was used: its value goes to the address. */
    follow_controls(values, checks) {
      const { triggered, inputs_list } = window.dash_clientside.callback_context;
      const changed = new Set(triggered.map(({ prop_id }) => prop_id));
      const changes = {};
      for (const input of inputs_list.flat()) {
        const name = `${JSON.stringify(input.id)}.${input.property}`;
        if (changed.has(name) && input.value !== undefined) changes[input.id.query] = asText(input.value);
      }
      return trainboard.parseQuery(new URLSearchParams({ ...trainboard.state.query, ...changes }));
    },

    write_address(query) {
      if (query) trainboard.applyQuery(query);
      return trainboard.state.theme;
    },

    /** Slider and number follow one another; kinds that are no averages say how many points they look at. */
    smooth(slider, typed, kind) {
      const isTyped = dash_clientside.callback_context.triggered.some(({ prop_id }) => prop_id === "smoothing-weight.value");
      const weight = isTyped && typed !== "" && Number.isFinite(Number(typed)) ? Number(typed) : slider;
      const reach = ["average", "distance"].includes(kind) ? "" : `${2 * trainboard.reachOf(weight) + 1} pts`;
      const unlessSame = (known) => (Number(known) === weight ? dash_clientside.no_update : weight);
      return [unlessSame(slider), isTyped ? dash_clientside.no_update : unlessSame(typed), reach];
    },

    mark_page(pathname) {
      for (const link of document.querySelectorAll(".page-link")) {
        const isHere = new URL(link.href).pathname === pathname;
        link.toggleAttribute("data-here", isHere);
        isHere ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
        if (!isHere) continue;
        document.title = `${link.textContent} · trainboard`;
      }
      shownHere.observe(document.getElementById("pages"));
      return window.dash_clientside.no_update;
    },
  };

  /* What stands beside the row of pages comes and goes, and narrows it. */
  const shownHere = new ResizeObserver(() => {
    document.querySelector(".page-link[data-here]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  function asText(value) {
    if (value === true || value === false) return value ? "1" : "0";
    return Array.isArray(value) ? value.join(",") : String(value ?? "");
  }

  /** Go to a page; the address keeps its query, and the shell stays as it is. */
  function go(path) {
    if (path !== location.pathname) trainboard.open(path + location.search);
  }

  /** Go to an address, path and query, of ours. */
  trainboard.open = (address) => {
    history.pushState(null, "", address);
    window.dispatchEvent(new PopStateEvent("popstate"));
  };

  function nextTheme() {
    const at = THEMES.indexOf(trainboard.value("theme"));
    trainboard.setQuery({ theme: THEMES[(at + 1) % THEMES.length] });
  }

  function toggleSidebar() {
    const root = document.documentElement;
    const open = matchMedia(NARROW).matches ? root.dataset.sidebar === "open" : root.dataset.sidebar !== "closed";
    root.dataset.sidebar = open ? "closed" : "open";
    document.getElementById("sidebar-toggle")?.setAttribute("aria-expanded", String(!open));
  }

  function focus(selector) {
    const field = document.querySelector(selector);
    field?.focus();
    field?.select?.();
  }

  const showKeys = () => document.getElementById("keys").showModal();
  const KEYS = {
    "?": showKeys,
    t: nextTheme,
    b: toggleSidebar,
    "/": () => focus('[id=\'{"query":"filter"}\'], #run-filter, .graph-find input'),
    r: () => focus("#run-search"),
    s: () => trainboard.showViews?.(),
    x: () => trainboard.nextAxis?.(),
    n: () => document.getElementById("new-chart")?.click(),
    v: () => document.querySelector("#chart-view > summary")?.click(),
    Escape: () => trainboard.plots().forEach((plot) => plot.setZoom(null)),
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.page-link, .notice a[href='/']");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      go(new URL(link.href).pathname);
    }
    const outside = !event.target.closest("#sidebar, #sidebar-toggle");
    if (outside && matchMedia(NARROW).matches) document.documentElement.dataset.sidebar = "closed";
    if (event.target.closest("#theme-toggle")) nextTheme();
    if (event.target.closest("#sidebar-toggle")) toggleSidebar();
    if (event.target.closest("#edit-layout")) trainboard.emit("edit-layout");
    if (event.target.closest("#new-chart")) trainboard.editChart(null);
    if (event.target.closest("#keys-button")) showKeys();
    if (event.target.closest("#keys-close")) document.getElementById("keys").close();
  });

  document.addEventListener("scroll", ({ target }) => target.id === "pages" && target.toggleAttribute("data-scrolled", target.scrollLeft > 0), true);

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && typing) typing.blur();
    if (typing?.type === "checkbox" ? event.key === " " : typing) return;
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], :popover-open")) return;
    if (trainboard.state.runs === null) return; /* not there yet */
    const page = afterG && [...document.querySelectorAll(".page-link")].find(({ dataset }) => dataset.key === event.key);
    const action = page ? () => go(new URL(page.href).pathname) : KEYS[event.key];
    afterG = event.key === "g" && !afterG;
    if (!action) return;
    event.preventDefault();
    action();
  });

  /* The sidebar's width, by mouse or by arrow keys. */
  function setWidth(pixels) {
    const width = Math.min(Math.max(pixels, 160), 600);
    document.documentElement.style.setProperty("--sidebar", `${width}px`);
    document.getElementById("resizer").setAttribute("aria-valuenow", width);
  }
  document.addEventListener("pointerdown", (event) => {
    if (event.target.id !== "resizer") return;
    event.preventDefault();
    const move = (moved) => setWidth(moved.clientX);
    document.addEventListener("pointermove", move);
    document.addEventListener("pointerup", () => document.removeEventListener("pointermove", move), { once: true });
  });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
    if (event.target.id !== "resizer" || !step) return;
    setWidth(document.getElementById("sidebar").offsetWidth + step);
  });

  /* The line in the header that says how alive the page is. */
  function sayLive() {
    const { connected, storeGone, behind, read, runs } = trainboard.state;
    const root = document.documentElement;
    root.toggleAttribute("data-lost", !connected);
    root.toggleAttribute("data-empty", runs !== null && trainboard.state.projects.length === 0);
    const running = (runs ?? []).filter((run) => run.status === "running").length;
    const words = !connected ? "Reconnecting" : running ? `${running} running` : "Up to date";
    const line = document.getElementById("live");
    if (!line) return;
    line.dataset.state = !connected ? "lost" : running ? "running" : "idle";
    say(line, words);
    say(document.getElementById("lost"), connected ? "" : storeGone ? STORE_GONE : SERVER_LOST);
    say(document.getElementById("behind"), typeof read === "number" ? sayRead(read) : behind ? sayBehind(behind) : "");
  }

  const say = (element, words) => element.textContent === words || (element.textContent = words);
  const sayBehind = ({ spools, seconds }) =>
    spools === 1 ? `1 spool is behind: ${seconds} s` : `${spools} spools are behind: up to ${seconds} s`;
  const sayRead = (share) => `${Math.floor(100 * share)} % of logs read`;
  trainboard.on("runs", sayLive);
  trainboard.on("connected", sayLive);
})();
