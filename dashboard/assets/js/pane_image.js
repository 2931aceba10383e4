/* Images of windows and their histories: zoomed about the pointer, dragged, and clicked on for their program. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useLayoutEffect, useRef, useState } = React;
  const CLICK_PIXELS = 4; /* whoever moves further drags */
  const ZOOM_STEP = 1.25;
  const ZOOMS = [0.25, 32];

  function Image({ pane, tell }) {
    const history = Array.isArray(pane.content) ? pane.content : [pane.content];
    const [chosen, setChosen] = useState(null);
    const at = Math.min(chosen ?? pane.selected ?? history.length - 1, history.length - 1);
    const image = history[at] ?? {};
    return h(
      "div",
      { className: "pane-images" },
      h(Picture, { source: safe(image.src), name: image.caption || pane.title || "", tell }),
      image.caption && h("p", { className: "quiet" }, image.caption),
      history.length > 1 &&
        pane.show_slider !== false &&
        h(
          "label",
          { className: "pane-history" },
          h("input", {
            type: "range",
            "aria-label": "Image of the history",
            min: 0,
            max: history.length - 1,
            value: at,
            onChange: (event) => setChosen(Number(event.target.value)),
          }),
          h("span", { className: "quiet" }, `${at + 1} of ${history.length}`),
        ),
    );
  }

  const safe = (source) => (/^data:image\//.test(source ?? "") ? source : undefined);

  function Picture({ source, name, tell }) {
    const place = useRef(null);
    const [zoom, reset] = useZoom(place);
    const [spot, setSpot] = useState(null); /* where the pointer is, while Alt is held */
    const dragged = useRef(0); /* pixels since the button went down */
    const move = ({ altKey, buttons, clientX, clientY, movementX, movementY, target }) => {
      setSpot(altKey && target.naturalWidth ? pixelOf(target, clientX, clientY) : null);
      if (buttons !== 1) return;
      dragged.current += Math.abs(movementX) + Math.abs(movementY);
      place.current.scrollBy(-movementX, -movementY);
    };
    const click = ({ altKey, clientX, clientY, target }) => {
      const pixel = pixelOf(target, clientX, clientY);
      if (!pixel || dragged.current > CLICK_PIXELS) return;
      const visibility = altKey ? "visible" : "hidden"; /* of the coordinates */
      tell({ event_type: "Click", image_coord: { ...pixel, visibility } });
    };
    const size = `${100 * zoom}%`;
    return h(
      "div",
      { className: "pane-picture" },
      h(
        "div",
        {
          className: "pane-image",
          ref: place,
          onDoubleClick: reset,
          onPointerDown: () => void (dragged.current = 0),
          onPointerMove: move,
          onPointerLeave: () => setSpot(null),
        },
        h("img", { src: source, alt: name, draggable: false, onClick: click, style: { width: size, height: size } }),
      ),
      spot && h("output", { className: "pane-spot" }, `${Math.floor(spot.x)}, ${Math.floor(spot.y)}`),
    );
  }

  /** Where on an image, in its own pixels, a place on the screen is; null beside it. */
  function pixelOf(shown, clientX, clientY) {
    const { left, top, width, height } = shown.getBoundingClientRect();
    const { naturalWidth, naturalHeight } = shown;
    const scale = Math.min(width / naturalWidth, height / naturalHeight);
    const x = (clientX - left - (width - naturalWidth * scale) / 2) / scale;
    const y = (clientY - top - (height - naturalHeight * scale) / 2) / scale;
    return 0 <= x && x < naturalWidth && 0 <= y && y < naturalHeight ? { x, y } : null;
  }

  /** A hook: how much larger than its place an image is, which Ctrl and the wheel change about the pointer. */
  function useZoom(place) {
    const [{ zoom, scroll }, set] = useState({ zoom: 1, scroll: [0, 0] });
    useEffect(() => {
      const wheel = (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        const box = place.current.getBoundingClientRect();
        const pointer = [event.clientX - box.left, event.clientY - box.top];
        const begun = [place.current.scrollLeft, place.current.scrollTop];
        set((now) => {
          const wanted = now.zoom * (event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP);
          const next = Math.min(ZOOMS[1], Math.max(ZOOMS[0], wanted));
          return { zoom: next, scroll: pointer.map((at, axis) => ((begun[axis] + at) * next) / now.zoom - at) };
        });
      };
      place.current.addEventListener("wheel", wheel, { passive: false });
      return () => place.current?.removeEventListener("wheel", wheel);
    }, []);
    useLayoutEffect(() => void place.current.scrollTo(...scroll), [scroll]);
    return [zoom, () => set({ zoom: 1, scroll: [0, 0] })];
  }

  trainboard.paneKinds = { ...trainboard.paneKinds, image: Image, image_history: Image };
})();
