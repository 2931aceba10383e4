/* Several environments on one board: windows of the same title become one, its lines named by environment. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});

  /** The cards of a board: one for each window, or for each title that at least two environments plot. */
  trainboard.paneCards = (windows, names) => {
    if (names.length === 1) {
      return (windows[names[0]] ?? []).map((one) => card(one.id, one.title, [{ env: names[0], ...one }]));
    }
    const byTitle = new Map();
    for (const env of names) {
      for (const one of windows[env] ?? []) {
        if (one.type !== "plot" || !one.title) continue;
        if (!byTitle.has(one.title)) byTitle.set(one.title, []);
        byTitle.get(one.title).push({ env, ...one });
      }
    }
    return [...byTitle]
      .filter(([, parts]) => new Set(parts.map((part) => part.env)).size > 1)
      .map(([title, parts]) => card(`compare ${title}`, title, parts));
  };

  const card = (key, title, parts) => ({
    key,
    title: title || "",
    type: parts[0].type,
    parts,
    size: [parts[0].width, parts[0].height],
    version: parts.map((part) => part.version).join(),
  });

  /** One pane out of those of several environments. */
  trainboard.mergePanes = (panes, parts) => {
    if (panes.length === 1) return panes[0];
    const data = panes.flatMap((pane, at) =>
      pane.content.data.map((trace) => ({ ...trace, name: `${parts[at].env} ${trace.name ?? ""}`.trim() })),
    );
    const layout = { ...panes[0].content.layout, showlegend: true };
    return { ...panes[0], content: { data, layout } };
  };
})();
