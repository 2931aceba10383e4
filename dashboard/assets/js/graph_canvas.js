/* The canvas of a graph: boxes and links as the server placed them, panning, zooming, keys, and a map of all. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useLayoutEffect, useMemo, useRef } = React;
  const PADDING = 24;
  const BUTTONS = 44;
  const ZOOM = { least: 0.03, most: 4, step: 1.3, wheel: 0.0016 };
  const READABLE = { least: 0.55, most: 1.15 };
  const ROUNDING = 9;
  const LINE = 15;
  const FALLBACK = "var(--graph-line)";
  const MOVING_MILLISECONDS = 220;
  const DOUBLE_CLICK_MILLISECONDS = 400;

  /** `commands` is filled with what buttons outside can do: fit, zoom, reveal, keep. */
  trainboard.GraphCanvas = function GraphCanvas({ picture, label, look, selected, select, toggle, commands }) {
    const host = useRef(null);
    const world = useRef(null);
    const frame = useRef(null);
    const at = useRef({ x: 0, y: 0, zoom: 1 });
    const last = useRef(null);
    const boxes = useMemo(() => new Map(picture.boxes.map((box) => [box.id, box])), [picture]);

    const apply = () => {
      const { x, y, zoom } = at.current;
      world.current.style.transform = `translate(${x}px, ${y}px) scale(${zoom})`;
      showFrame(frame.current, host.current, picture, at.current);
    };
    const zoomAt = (factor, x, y) => {
      const zoom = Math.min(Math.max(at.current.zoom * factor, ZOOM.least), ZOOM.most);
      const ratio = zoom / at.current.zoom;
      at.current = { x: x - (x - at.current.x) * ratio, y: y - (y - at.current.y) * ratio, zoom };
      apply();
    };
    const lookAt = (box) => {
      const { clientWidth: width, clientHeight: height } = host.current;
      const zoom = Math.max(at.current.zoom, 0.9);
      at.current = { x: width / 2 - (box.x + box.width / 2) * zoom, y: height / 2 - (box.y + Math.min(box.height / 2, 60)) * zoom, zoom };
      apply();
    };
    Object.assign(commands.current, {
      fit: () => ((at.current = fitted(host.current, picture, 0, READABLE.most)), apply()),
      zoom: (factor) => zoomAt(factor, host.current.clientWidth / 2, host.current.clientHeight / 2),
      world: () => world.current,
    });

    /* A new picture: what was clicked stays where it is; a first one is looked at from its start. */
    useLayoutEffect(() => {
      const before = last.current;
      last.current = { boxes, key: picture.key };
      const anchor = picture.anchor && before?.boxes.get(picture.anchor);
      const now = picture.anchor && boxes.get(picture.anchor);
      if (before?.key !== picture.key) at.current = fitted(host.current, picture, READABLE.least, READABLE.most);
      else if (anchor && now) {
        const { zoom } = at.current;
        at.current.x += (anchor.x + anchor.width / 2 - now.x - now.width / 2) * zoom;
        at.current.y += (anchor.y - now.y) * zoom;
        animate(world.current);
      }
      apply();
      if (picture.reveal && boxes.has(picture.reveal)) lookAt(boxes.get(picture.reveal));
    }, [picture]);

    useEffect(() => {
      const sized = new ResizeObserver(() => apply());
      sized.observe(host.current);
      const stop = listenToPointer(host.current, at, apply, zoomAt);
      return () => (sized.disconnect(), stop());
    }, [picture]);

    /* What was chosen comes out from under its details, but not before a double-click is over. */
    useEffect(() => {
      const box = boxes.get(selected);
      if (!box) return undefined;
      const timer = setTimeout(() => showWithin(host.current, at, box, () => (animate(world.current), apply())), DOUBLE_CLICK_MILLISECONDS);
      return () => clearTimeout(timer);
    }, [selected, picture]);

    const keys = (event) => {
      const way = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
      const box = boxes.get(selected);
      const act = {
        Enter: () => box && box.kind !== "operation" && toggle(box),
        " ": () => box && box.kind !== "operation" && toggle(box),
        "+": () => commands.current.zoom(ZOOM.step),
        "=": () => commands.current.zoom(ZOOM.step),
        "-": () => commands.current.zoom(1 / ZOOM.step),
        0: () => commands.current.fit(),
        Escape: () => select(null),
      }[event.key];
      const next = way && neighbour(picture.boxes, box, way);
      if (!act && !next) return;
      event.preventDefault();
      event.stopPropagation();
      if (act) return void act();
      select(next.id);
    };

    return h(
      React.Fragment,
      null,
      h(
        "svg",
        { className: `graph-canvas graph-by-${look.color}${look.trace ? " graph-tracing" : ""}`, ref: host, role: "group", tabIndex: 0, "aria-label": label, onKeyDown: keys },
        h(
          "g",
          { className: "graph-world", ref: world },
          picture.boxes.filter((box) => box.kind === "open").map((box) => h(Box, { key: box.id, box, selected: box.id === selected, select, toggle })),
          h("g", { className: "graph-links" }, picture.links.map((link) => h(Link, { key: `${link.source}\n${link.target}`, link, touched: selected && (link.source === selected || link.target === selected) }))),
          picture.boxes.filter((box) => box.kind !== "open").map((box) => h(Box, { key: box.id, box, selected: box.id === selected, select, toggle })),
        ),
      ),
      h(Overview, { picture, frame, go: (x, y) => ((at.current.x = host.current.clientWidth / 2 - x * at.current.zoom), (at.current.y = host.current.clientHeight / 2 - y * at.current.zoom), apply()) }),
    );
  };

  const Box = React.memo(function Box({ box, selected, select, toggle }) {
    const classes = ["graph-box", `graph-${box.kind}`, box.way !== undefined && `way-${box.way || "none"}`, box.change && `change-${box.change}`, box.matches && "graph-match", box.shade === "bad" && "graph-bad", box.shares && "graph-sharing", selected && "graph-selected"];
    const middle = box.kind === "open" ? 0 : box.width / 2;
    const first = box.kind === "open" ? 20 : box.height / 2 + 4 - ((box.lines.length - 1) * LINE) / 2;
    const openable = box.kind !== "operation";
    return h(
      "g",
      {
        className: classes.filter(Boolean).join(" "),
        style: { transform: `translate(${box.x}px, ${box.y}px)`, "--hue": box.hue ?? FALLBACK, "--shade": typeof box.shade === "number" ? box.shade : 0 },
        role: "button",
        "aria-label": said(box),
        "aria-expanded": openable ? box.kind === "open" : undefined,
        "aria-pressed": openable ? undefined : selected,
        "data-box": box.id,
        onClick: (event) => (event.stopPropagation(), select(box.id)),
        onDoubleClick: (event) => (event.stopPropagation(), openable && toggle(box)),
      },
      h("title", null, box.amount ? `${box.title}: ${box.amount}` : box.title),
      h("rect", { width: box.width, height: box.height, rx: 5 }),
      box.kind === "closed" && h("rect", { className: "graph-inner", x: 2.5, y: 2.5, width: box.width - 5, height: box.height - 5, rx: 3 }),
      h("text", { textAnchor: middle ? "middle" : "start" }, box.lines.map((line, index) => h("tspan", { key: index, x: middle || 12, y: first + index * LINE }, line))),
      box.shares && h("path", { className: "graph-shared-mark", d: `M${box.width - 13} 4h6v6h-6zM${box.width - 10} 7h6v6h-6z` }),
      openable && h("g", { className: "graph-fold-mark", onClick: (event) => (event.stopPropagation(), toggle(box)) }, h("rect", { x: 0, y: 0, width: 22, height: box.kind === "open" ? 28 : box.height, rx: 4 })),
    );
  });

  const said = (box) =>
    [box.title, ...box.lines.slice(1), box.amount, box.change, box.shares && "shares its parameters", box.matches && `${box.matches} found`].filter(Boolean).join(", ");

  const Link = React.memo(function Link({ link, touched }) {
    const classes = ["graph-link", link.count > 1 && "graph-merged", touched && "graph-touched", link.way !== undefined && `way-${link.way || "none"}`, link.change && `change-${link.change}`];
    const [first, second] = link.points;
    const x = (first[0] + second[0]) / 2;
    const y = (first[1] + second[1]) / 2;
    const [ex, ey] = link.points.at(-1);
    return h(
      "g",
      { className: classes.filter(Boolean).join(" ") },
      h("path", { d: curve(link.points) }),
      h("path", { className: "graph-arrow", d: `M${ex} ${ey}l-3.5 -7h7z` }),
      link.label && h("text", { x, y: y + 3, textAnchor: "middle" }, link.label),
    );
  });

  /** From point to point, leaving and arriving straight down. */
  function curve(points) {
    let path = `M${points[0][0]} ${points[0][1]}`;
    for (let index = 1; index < points.length; index++) {
      const [x0, y0] = points[index - 1];
      const [x1, y1] = points[index];
      const bend = x0 === x1 ? 0 : Math.max(Math.abs(y1 - y0) / 2, ROUNDING);
      path += bend ? `C${x0} ${y0 + bend} ${x1} ${y1 - bend} ${x1} ${y1}` : `L${x1} ${y1}`;
    }
    return path;
  }

  function Overview({ picture, frame, go }) {
    const jump = (event) => {
      if (event.buttons !== 1) return;
      const inverse = event.currentTarget.getScreenCTM().inverse();
      const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(inverse);
      go(x, y);
    };
    return h(
      "svg",
      { className: "graph-map", "aria-hidden": true, viewBox: `-10 -10 ${picture.width + 20} ${picture.height + 20}`, onPointerDown: jump, onPointerMove: jump },
      picture.boxes.map((box) => h("rect", { key: box.id, className: `graph-${box.kind}${box.matches ? " graph-match" : ""}${box.change ? ` change-${box.change}` : ""}`, style: { "--hue": box.hue ?? FALLBACK }, x: box.x, y: box.y, width: box.width, height: box.height })),
      h("rect", { className: "graph-frame", ref: frame }),
    );
  }

  /** Where the whole picture is seen, or its top at a size that can be read. */
  function fitted(host, picture, least, most) {
    const { clientWidth: width, clientHeight: height } = host;
    const whole = Math.min((width - 2 * PADDING) / (picture.width || 1), (height - PADDING - BUTTONS) / (picture.height || 1));
    const zoom = Math.min(Math.max(whole, least, ZOOM.least), most);
    const y = Math.max((height - BUTTONS - picture.height * zoom) / 2, PADDING);
    return { x: (width - picture.width * zoom) / 2, y, zoom };
  }

  function showFrame(frame, host, picture, { x, y, zoom }) {
    const width = host.clientWidth / zoom;
    const height = host.clientHeight / zoom;
    const whole = x >= 0 && y >= 0 && picture.width * zoom + x <= host.clientWidth && picture.height * zoom + y <= host.clientHeight;
    frame.parentNode.toggleAttribute("hidden", whole);
    Object.entries({ x: -x / zoom, y: -y / zoom, width, height }).forEach(([name, value]) => frame.setAttribute(name, value));
  }

  function animate(world) {
    world.classList.add("graph-moving");
    setTimeout(() => world.classList.remove("graph-moving"), MOVING_MILLISECONDS);
  }

  /** Drag moves, the wheel and two fingers zoom. Returns what stops it. */
  function listenToPointer(host, at, apply, zoomAt) {
    const pointers = new Map();
    const place = (event) => {
      const { left, top } = host.getBoundingClientRect();
      return { x: event.clientX - left, y: event.clientY - top };
    };
    const handlers = {
      pointerdown: (event) => event.button === 0 && pointers.set(event.pointerId, place(event)),
      pointermove: (event) => {
        const before = pointers.get(event.pointerId);
        if (!before) return;
        const now = place(event);
        if (pointers.size === 1) {
          if (!host.hasPointerCapture(event.pointerId)) {
            if (Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
            host.setPointerCapture(event.pointerId); /* only of a drag: a click must reach its box */
          }
          at.current.x += now.x - before.x;
          at.current.y += now.y - before.y;
          apply();
        } else {
          const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
          const spread = (one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
          zoomAt(spread(now) / spread(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
        }
        pointers.set(event.pointerId, now);
      },
      pointerup: (event) => pointers.delete(event.pointerId),
      pointercancel: (event) => pointers.delete(event.pointerId),
      wheel: (event) => {
        event.preventDefault();
        const { x, y } = place(event);
        zoomAt(Math.exp(-event.deltaY * ZOOM.wheel), x, y);
      },
    };
    for (const [name, handler] of Object.entries(handlers)) host.addEventListener(name, handler, { passive: false });
    return () => Object.entries(handlers).forEach(([name, handler]) => host.removeEventListener(name, handler));
  }

  /** The nearest box in a direction, those straight ahead first; the first box if none is selected. */
  function neighbour(boxes, from, [dx, dy]) {
    if (!from) return boxes.find((box) => box.kind !== "open") ?? boxes[0];
    const centre = (box) => [box.x + box.width / 2, box.kind === "open" ? box.y + 14 : box.y + box.height / 2];
    const [x, y] = centre(from);
    let best = null;
    for (const box of boxes) {
      const [bx, by] = centre(box);
      const ahead = (bx - x) * dx + (by - y) * dy;
      const aside = Math.abs((bx - x) * dy) + Math.abs((by - y) * dx);
      if (box.id !== from.id && ahead > 1 && (!best || ahead + 2 * aside < best.distance)) best = { box, distance: ahead + 2 * aside };
    }
    return best?.box;
  }

  /** Move the picture as little as brings a box into the part of the canvas that nothing covers. */
  function showWithin(host, at, box, apply) {
    const { zoom } = at.current;
    const panel = host.parentNode.querySelector(".graph-details");
    const beside = panel && panel.offsetTop === 0;
    const width = beside ? panel.offsetLeft : host.clientWidth;
    const height = (panel && !beside ? panel.offsetTop : host.clientHeight) - BUTTONS;
    const left = at.current.x + box.x * zoom;
    const top = at.current.y + box.y * zoom;
    const across = moved(left, Math.min(box.width * zoom, width - 2 * PADDING), width);
    const down = moved(top, Math.min(box.height * zoom, 80), height);
    if (!across && !down) return;
    at.current.x += across;
    at.current.y += down;
    apply();
  }

  /** By how much something of a size must move to lie between the margins of a whole; 0 if it does. */
  function moved(low, size, whole) {
    if (low < PADDING) return PADDING - low;
    return Math.min(whole - PADDING - size - low, 0);
  }
})();
