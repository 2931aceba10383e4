// The canvas of the Graph page: what a person does on it, and where it looks.
(function () {
  "use strict";

  const FIT_PADDING = 24;
  const BUTTONS = 48;
  const READABLE = { least: 0.55, most: 1.15 };

  function idOf(type, pane) {
    return JSON.stringify({ pane: pane, type: type });
  }

  function canvas(pane) {
    const element = document.getElementById(idOf("graph-canvas", pane));
    return element && element._cyreg ? element._cyreg.cy : null;
  }

  function tell(type, pane, data) {
    window.dash_clientside.set_props({ pane: pane, type: type }, { data: data });
  }

  // The whole graph if that is readable; otherwise its top, at a size that is.
  function show(cy) {
    const box = cy.elements().boundingBox();
    const fitting = Math.min(
      (cy.width() - 2 * FIT_PADDING) / box.w,
      (cy.height() - FIT_PADDING - BUTTONS) / box.h
    );
    const zoom = Math.min(Math.max(fitting, READABLE.least), READABLE.most);
    const top = Math.max((cy.height() - BUTTONS - box.h * zoom) / 2, FIT_PADDING);
    cy.viewport({
      zoom: zoom,
      pan: { x: cy.width() / 2 - (box.x1 + box.w / 2) * zoom, y: top - box.y1 * zoom },
    });
  }

  function toggle(cy, pane, node) {
    const place = node.position();
    tell("graph-toggle", pane, {
      path: node.data("path"),
      id: node.id(),
      x: place.x,
      top: place.y - node.height() / 2,
      at: Date.now(),
    });
  }

  function select(cy, node) {
    cy.batch(function () {
      cy.elements().unselect();
      cy.edges().removeClass("touched");
      if (node) {
        node.select();
        node.connectedEdges().addClass("touched");
      }
    });
  }

  function listen(cy, pane) {
    if (cy.scratch("_trainboard")) return;
    cy.scratch("_trainboard", {});
    cy.on("dbltap", "node", function (event) {
      if (event.target.data("path")) toggle(cy, pane, event.target);
    });
    cy.on("tap", function (event) {
      const node = event.target !== cy && event.target.isNode() ? event.target : null;
      select(cy, node);
      tell("graph-selected", pane, node ? node.id() : null);
    });
    cy.on("mouseover", "node", function (event) {
      cy.container().style.cursor = "pointer";
    });
    cy.on("mouseout", "node", function (event) {
      cy.container().style.cursor = "";
    });
  }

  // Run `then` once the canvas holds the elements that were just sent.
  function whenDrawn(pane, elements, then) {
    let tries = 120;
    (function attempt() {
      const cy = canvas(pane);
      if (cy && cy.width() > 0 && cy.elements().length === elements.length) return then(cy);
      if (tries-- > 0) window.requestAnimationFrame(attempt);
    })();
  }

  function reveal(cy, id) {
    const node = cy.getElementById(id);
    if (node.empty()) return;
    select(cy, node);
    cy.viewport({ zoom: Math.max(cy.zoom(), 0.9) });
    cy.center(node);
  }

  function pressed() {
    return window.dash_clientside.callback_context.triggered_id;
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.trainboard_graph = {
    // After new elements: look at the graph from the start, at what was searched for, or where one was.
    drawn: function (elements, state) {
      if (!elements || !state) return window.dash_clientside.no_update;
      const pane = pressed() ? pressed().pane : 0;
      whenDrawn(pane, elements, function (cy) {
        listen(cy, pane);
        // What stands above the canvas has just moved it; Cytoscape would notice too late for a quick click.
        cy.resize();
        if (cy.scratch("_trainboard").graph !== state.graph) {
          cy.scratch("_trainboard", { graph: state.graph });
          show(cy);
        }
        if (state.reveal) reveal(cy, state.reveal);
      });
      return window.dash_clientside.no_update;
    },
    zoom: function () {
      const button = pressed();
      const cy = button ? canvas(button.pane) : null;
      if (cy && button.action === "fit") cy.fit(undefined, FIT_PADDING);
      const factor = { in: 1.3, out: 1 / 1.3 }[button ? button.action : ""];
      if (cy && factor) {
        cy.zoom({ level: cy.zoom() * factor, renderedPosition: { x: cy.width() / 2, y: cy.height() / 2 } });
      }
      return window.dash_clientside.no_update;
    },
    picture: function (clicks, run) {
      const button = pressed();
      const cy = button && clicks ? canvas(button.pane) : null;
      if (!cy) return window.dash_clientside.no_update;
      const paper = getComputedStyle(document.body).backgroundColor;
      const blob = cy.png({ output: "blob", full: true, scale: 2, bg: paper, maxWidth: 8000, maxHeight: 8000 });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = ((run && run.name) || "graph").replace(/[^\w.-]+/g, "_") + ".png";
      link.click();
      window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
      return window.dash_clientside.no_update;
    },
  };
})();
