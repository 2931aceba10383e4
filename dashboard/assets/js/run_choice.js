/* Which runs are chosen in the table: those whose boxes are checked, or all that the filter lets through. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { useEffect, useRef, useState } = React;

  /** Of AG Grid: `ids` of the chosen runs, `rows` of those that were in view, and how to choose all or none. */
  trainboard.useRunChoice = function useRunChoice(api, asked) {
    const [rows, setRows] = useState([]);
    const [every, setEvery] = useState(null);
    const known = useRef(null); /* what `every` is, for the grid's events */
    const choose = (ids) => setEvery((known.current = ids));

    useEffect(() => {
      if (!api) return undefined;
      const events = {
        selectionChanged: () => setRows(api.getSelectedRows()),
        modelUpdated: () => known.current && check(api, known.current),
        rowSelected({ node, source }) {
          if (!known.current || source === "api") return;
          const ids = new Set(known.current);
          node.isSelected() ? ids.add(node.data.id) : ids.delete(node.data.id);
          choose(ids);
        },
      };
      for (const [name, listener] of Object.entries(events)) api.addEventListener(name, listener);
      return () => {
        for (const [name, listener] of Object.entries(events)) api.removeEventListener(name, listener);
      };
    }, [api]);

    return {
      ids: every ? [...every] : rows.map((run) => run.id),
      rows,
      async all() {
        const { project, where, archived } = asked.current;
        const { ids } = await trainboard.ask("/api/v1/run-ids", { project, where, archived });
        choose(new Set(ids));
        check(api, known.current);
      },
      none() {
        choose(null);
        api.deselectAll();
      },
    };
  };

  /** Check the boxes of those rows that the grid holds. */
  function check(api, ids) {
    const nodes = [];
    api.forEachNode((node) => node.data && ids.has(node.data.id) && !node.isSelected() && nodes.push(node));
    if (nodes.length) api.setNodesSelected({ nodes, newValue: true });
  }
})();
