/* Windows of points that can be chosen: embeddings, and graphs laid out by their edges. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useMemo, useRef } = React;
  const SIZE = 400;
  const ROUNDS = 150;

  function Embeddings({ pane, tell }) {
    const place = useRef(null);
    const { data, isLoading, selected, has_previous: hasPrevious } = pane.content ?? {};
    const points = data ?? [];
    useEffect(() => {
      if (!points.length) return;
      const spot = place.current;
      trainboard.panes.plotly().then(async (Plotly) => {
        await Plotly.react(spot, traces(points), { ...trainboard.paneGround(), showlegend: true, dragmode: "lasso", selections: [], uirevision: pane.id, selectionrevision: pane.contentID, margin: { t: 8, b: 24, l: 24, r: 8 } }, { displaylogo: false });
        spot.removeAllListeners?.("plotly_click");
        spot.removeAllListeners?.("plotly_selected");
        spot.on("plotly_click", ({ points: [hit] }) =>
          tell({ event_type: "EntitySelected", entityId: hit.id, idx: hit.customdata, pane_data: false }),
        );
        spot.on("plotly_selected", (chosen) => {
          const selectedIdxs = (chosen?.points ?? []).map((point) => point.customdata);
          if (selectedIdxs.length) tell({ event_type: "RegionSelected", selectedIdxs, pane_data: false });
        });
      });
    }, [pane.contentID, trainboard.state.theme]);
    useEffect(() => {
      if (isLoading) return undefined;
      const watcher = new ResizeObserver(() => place.current?.data && window.Plotly?.Plots.resize(place.current));
      watcher.observe(place.current);
      return () => watcher.disconnect();
    }, [isLoading]);
    if (isLoading) return h("p", { className: "quiet" }, "Computing…");
    const back = () => trainboard.panes.change("back", { env: pane.env, win: pane.id });
    return h(
      "div",
      { className: "pane-plot" },
      hasPrevious && h("button", { className: "quiet-button", onClick: back }, "Back to all points"),
      h("div", { ref: place, className: "pane-figure" }),
      selected?.html && h("iframe", { className: "pane-entity", sandbox: "", title: "Selected point", srcDoc: selected.html }),
    );
  }

  /** A trace for each group of points. */
  function traces(points) {
    const groups = new Map();
    points.forEach((point, at) => {
      if (!groups.has(point.group)) groups.set(point.group, []);
      groups.get(point.group).push(at);
    });
    return [...groups].map(([group, found]) => ({
      type: "scatter",
      mode: "markers",
      name: String(points[found[0]].label ?? group),
      x: found.map((at) => points[at].position[0]),
      y: found.map((at) => points[at].position[1]),
      text: found.map((at) => String(points[at].label ?? points[at].name ?? at)),
      customdata: found.map((at) => points[at].idx ?? at) /* its own among all, of which a region shows some */,
      ids: found.map((at) => points[at].name),
    }));
  }

  function Network({ pane }) {
    const { nodes = [], edges = [] } = pane.content ?? {};
    const places = useMemo(() => spread(nodes.length, edges), [pane.contentID]);
    const of = (name) => (typeof name === "number" ? name : nodes.findIndex((node) => node.name === name));
    const arrow = `arrow-${pane.contentID}`;
    const label = (shown, x, y, text, textAnchor) =>
      shown !== "none" && h("text", { x, y, textAnchor, className: shown === "hover" ? "on-hover" : "" }, String(text ?? ""));
    const beside = ([x, y], text) => {
      const isAtEdge = x > 0.75 * SIZE; /* where there is more room on the left */
      return label(pane.showVertexLabels, isAtEdge ? x - 9 : x + 9, y + 4, text, isAtEdge ? "end" : "start");
    };
    return h(
      "svg",
      { className: "pane-network", viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": pane.title || "Graph" },
      h(
        "marker",
        { id: arrow, viewBox: "0 0 8 8", refX: 16, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
        h("path", { d: "M0 0 L8 4 L0 8 z" }),
      ),
      edges.map((edge, key) => {
        const [a, b] = [places[of(edge.source)], places[of(edge.target)]];
        if (!a || !b) return null;
        const line = { x1: a[0], y1: a[1], x2: b[0], y2: b[1], markerEnd: pane.directed ? `url(#${arrow})` : undefined };
        const text = label(pane.showEdgeLabels, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2, edge.label);
        return h("g", { key }, h("line", line), text);
      }),
      nodes.map((node, key) =>
        h(
          "g",
          { key },
          h("circle", { cx: places[key][0], cy: places[key][1], r: 7, className: `club-${(node.club ?? 0) % 8}` }),
          beside(places[key], node.label),
        ),
      ),
    );
  }

  /** Places of nodes: from a circle, those joined by an edge are drawn together and all others pushed apart. */
  function spread(count, edges) {
    const angle = (at) => (2 * Math.PI * at) / Math.max(count, 1);
    const places = Array.from({ length: count }, (_, at) => [SIZE / 2 + 120 * Math.cos(angle(at)), SIZE / 2 + 120 * Math.sin(angle(at))]);
    const ideal = (0.8 * SIZE) / Math.sqrt(Math.max(count, 1));
    for (let round = 0; round < (count > 300 ? 0 : ROUNDS); round++) {
      const heat = 10 * (1 - round / ROUNDS);
      const moves = places.map(([x, y]) => [(SIZE / 2 - x) * 0.02, (SIZE / 2 - y) * 0.02]);
      const push = (a, b, strength) => {
        const [dx, dy] = [places[b][0] - places[a][0], places[b][1] - places[a][1]];
        const distance = Math.hypot(dx, dy) || 0.1;
        const force = strength(distance) / distance;
        for (const [at, sign] of [[a, -1], [b, 1]]) {
          moves[at][0] += sign * dx * force;
          moves[at][1] += sign * dy * force;
        }
      };
      for (let a = 0; a < count; a++) for (let b = a + 1; b < count; b++) push(a, b, (d) => (ideal * ideal) / d / 10);
      for (const { source, target } of edges) if (places[source] && places[target]) push(source, target, (d) => (-d * d) / ideal / 10);
      places.forEach((place, at) => {
        const length = Math.hypot(...moves[at]) || 1;
        for (const axis of [0, 1]) place[axis] = Math.min(SIZE - 16, Math.max(16, place[axis] + (moves[at][axis] / length) * Math.min(length, heat)));
      });
    }
    return places;
  }

  trainboard.paneKinds = { ...trainboard.paneKinds, embeddings: Embeddings, network: Network };
})();
