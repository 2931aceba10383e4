/* Where cards are: a grid of twelve columns that people rearrange, kept with the environment by name of view. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { useEffect, useRef } = React;
  const COLUMNS = 12;
  const NARROW = 600; /* pixels */
  const CELL = 40;
  const USUAL = { w: 4, h: 8 };
  const FRAME = 10; /* pixels of gap and border around a card */
  const AROUND = { image: 52, image_history: 76 }; /* pixels of bar, caption and slider */
  const BAR = 30;

  /** The place of a card that was never moved: as large as the program asked. */
  function usual(card, width) {
    const [w, h] = card.size;
    return {
      w: w ? Math.min(COLUMNS, Math.max(2, Math.ceil(((w + FRAME) / width) * COLUMNS))) : USUAL.w,
      h: h ? Math.max(3, Math.ceil((h + FRAME + (AROUND[card.type] ?? BAR)) / CELL)) : USUAL.h,
    };
  }

  /** A hook: keeps a gridstack in step with the cards, and calls `moved` with places that a person changed.
      While cards are hidden the others close up, and what moves then is not kept. */
  trainboard.usePaneGrid = (cards, places, moved) => {
    const host = useRef(null);
    const grid = useRef(null);
    const whole = useRef(null); /* where all cards were before some were hidden */
    const told = useRef(moved);
    told.current = (changed) => whole.current === null && moved(changed);
    const shown = useRef(cards);
    shown.current = cards;

    useEffect(() => {
      const made = GridStack.init(
        { auto: false, column: COLUMNS, columnOpts: { breakpoints: [{ w: NARROW, c: 1 }], layout: "list" }, cellHeight: CELL, margin: 4, handle: ".pane-bar", animate: false },
        host.current,
      );
      grid.current = made;
      made.on("dragstop resizestop", () => keep(made, told.current));
      const corner = ({ target }) => {
        const item = target.closest(".ui-resizable-handle")?.closest(".grid-stack-item");
        const card = item && shown.current.find(({ key }) => key === item.getAttribute("gs-id"));
        if (!card) return;
        made.update(item, usual(card, host.current.clientWidth));
        keep(made, told.current);
      };
      host.current.addEventListener("dblclick", corner);
      return () => made.destroy(false);
    }, []);

    useEffect(() => {
      const shownCards = new Map(cards.filter((card) => !card.hidden).map((card) => [card.key, card]));
      const isFiltered = shownCards.size < cards.length;
      if (isFiltered) whole.current ??= placesOf(grid.current);
      grid.current.batchUpdate();
      const gone = grid.current.engine.nodes.filter((node) => !node.el.isConnected || !shownCards.has(node.id));
      for (const node of gone) grid.current.removeWidget(node.el, false);
      for (const item of host.current.querySelectorAll(":scope > .grid-stack-item")) {
        const id = item.getAttribute("gs-id");
        if (item.gridstackNode || !shownCards.has(id)) continue;
        const place = whole.current?.[id] ?? places[id] ?? usual(shownCards.get(id), host.current.clientWidth);
        grid.current.makeWidget(item, { ...place, id, minW: 1, minH: 2 });
      }
      grid.current.batchUpdate(false);
      if (isFiltered) grid.current.compact("compact");
      else if (whole.current) {
        put(grid.current, { ...places, ...whole.current });
        whole.current = null;
      }
    }, [cards.map((card) => `${card.key} ${card.hidden}`).join("\n")]);

    return {
      host,
      /** Put every card at its place of another view. */
      arrange(view) {
        if (whole.current) Object.assign(whole.current, view);
        else put(grid.current, view);
      },
      /** Close the gaps. */
      repack() {
        grid.current.compact("compact");
        keep(grid.current, told.current);
      },
    };
  };

  /** Every card to its place, from the top: what is in the way moves down, where its turn is yet to come. */
  function put(grid, view) {
    const placed = grid.getGridItems().flatMap((item) => {
      const place = view[item.getAttribute("gs-id")];
      return place ? [{ item, place }] : [];
    });
    placed.sort((a, b) => a.place.y - b.place.y || a.place.x - b.place.x);
    grid.batchUpdate();
    for (const { item, place } of placed) grid.update(item, place);
    grid.batchUpdate(false);
  }

  /** Places in one column, where there is no room for more, are not what a person wants elsewhere. */
  function keep(grid, moved) {
    if (grid.getColumn() === COLUMNS) moved(placesOf(grid));
  }

  const placesOf = (grid) =>
    Object.fromEntries(
      grid.getGridItems().map((item) => {
        const { x, y, w, h } = item.gridstackNode;
        return [item.getAttribute("gs-id"), { x, y, w, h }];
      }),
    );
})();
