/* The shown runs as lanes of one time line, with a mark for each event. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const LANE = 20;
  const MOST_LANES = 16;
  const NAME = 130;
  const AXIS = 18;
  const TICKS = 6;
  const SIZE = 4;
  const ORDER = ["info", "warning", "error"];

  trainboard.EventStrip = function EventStrip({ events, runs }) {
    const root = useRef(null);
    const [width, setWidth] = useState(0);
    useEffect(() => {
      const observer = new ResizeObserver(([entry]) => setWidth(entry.contentRect.width));
      observer.observe(root.current);
      return () => observer.disconnect();
    }, []);
    const axis = trainboard.value("event_axis");
    const beginnings = new Map([...runs].map(([id, run]) => [id, run.created_at]));
    const place = { wall: (event) => event.time, relative: (event) => event.time - beginnings.get(event.run), step: (event) => event.step }[axis] ?? ((event) => event.time);
    const placed = events.map((event) => ({ event, x: place(event) })).filter(({ x }) => Number.isFinite(x));
    const lanes = [...new Set(placed.map(({ event }) => event.run))];
    return h(
      "figure",
      { className: "event-strip", ref: root, "aria-label": "Time line" },
      width > 0 && placed.length > 0 && h(Lanes, { placed, lanes: lanes.slice(0, MOST_LANES), runs, width, axis }),
      lanes.length > MOST_LANES && h("figcaption", { className: "quiet" }, `${lanes.length - MOST_LANES} more runs have events`),
    );
  };

  function Lanes({ placed, lanes, runs, width, axis }) {
    const name = Math.min(NAME, width / 3);
    const values = placed.map(({ x }) => x);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const span = high - low || 1;
    const left = name + 2 * SIZE;
    const px = (x) => left + ((x - low) / span) * (width - left - 3 * SIZE);
    const top = new Map(lanes.map((run, i) => [run, i * LANE + LANE / 2]));
    const marks = placed.filter(({ event }) => top.has(event.run)).sort((a, b) => ORDER.indexOf(a.event.level) - ORDER.indexOf(b.event.level));
    const bottom = lanes.length * LANE;
    const ticks = width > 0 ? ticksOf(low, high, Math.max(2, Math.min(TICKS, Math.floor((width - left) / 110)))) : [];
    return h(
      "svg",
      { width, height: bottom + AXIS, role: "img", "aria-label": `${placed.length} events of ${lanes.length} runs` },
      lanes.map((run) =>
        h(
          "g",
          { key: run },
          h("circle", { cx: 6, cy: top.get(run), r: 4, fill: runs.get(run)?.color }),
          h("text", { x: 16, y: top.get(run) + 4, className: "strip-name" }, shortened(runs.get(run)?.name ?? run, name)),
          h("line", { x1: left, x2: width, y1: top.get(run), y2: top.get(run) }),
        ),
      ),
      spread(marks, px).map(({ event, x, count }) => h(Mark, { key: `${event.run} ${event.level} ${x}`, event, x, y: top.get(event.run), count })),
      ticks.map((x, i) => h("text", { key: x, x: px(x), y: bottom + 13, className: "strip-tick", textAnchor: i === 0 ? "start" : i === ticks.length - 1 ? "end" : "middle" }, label(x, axis, span))),
    );
  }

  /** One mark for all that fall on the same place: as many as there are pixels, however many events. */
  function spread(marks, px) {
    const places = new Map();
    for (const { event, x } of marks) {
      const at = Math.round(px(x) / 2) * 2;
      const key = `${event.run} ${event.level} ${at}`;
      if (places.has(key)) places.get(key).count += 1;
      else places.set(key, { event, x: at, count: 1 });
    }
    return [...places.values()];
  }

  function Mark({ event, x, y, count }) {
    const step = event.step === null ? "" : `, step ${trainboard.format.integer(event.step)}`;
    const words = `${event.title}${count > 1 ? ` × ${count}` : ""}${step}, ${trainboard.format.time(event.time)}`;
    const shape =
      event.level === "error" ? h("path", { d: `M${x - SIZE} ${y}l${SIZE} ${-SIZE - 1}l${SIZE} ${SIZE + 1}l${-SIZE} ${SIZE + 1}z` })
      : event.level === "warning" ? h("path", { d: `M${x - SIZE} ${y + SIZE}l${SIZE} ${-2 * SIZE}l${SIZE} ${2 * SIZE}z` })
      : h("circle", { cx: x, cy: y, r: event.what === "run" ? 2.5 : SIZE - 0.5 });
    return h("g", { className: "strip-mark", "data-level": event.level, "data-open": event.open || undefined }, h("title", null, words), shape);
  }

  const shortened = (name, width) => (name.length * 6.2 > width - 18 ? `${name.slice(0, Math.max(3, Math.floor((width - 24) / 6.2)))}…` : name);
  const ticksOf = (low, high, count) => (high === low ? [low] : Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1)));

  function label(x, axis, span) {
    if (axis === "step") return trainboard.format.integer(x);
    if (axis === "relative") return trainboard.format.short(x);
    const date = new Date(1000 * x);
    if (span < 86_400) return date.toLocaleTimeString([], span < 600 ? undefined : { hour: "2-digit", minute: "2-digit" });
    return date.toLocaleDateString([], { month: "short", day: "numeric" });
  }
})();
