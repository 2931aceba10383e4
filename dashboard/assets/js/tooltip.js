/* The tooltip of the chart under the pointer: its runs at the cursor, the nearest first. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const ROWS = 14;
  const REACH = 40; /* pixels along x beyond which a line has no point here */
  const CLOSE = 30; /* pixels along y within which a line stands out */
  const MARK_REACH = 6;
  const MARKS = 3;
  const collator = new Intl.Collator("en", { numeric: true });
  const finite = (y) => (Number.isFinite(y) ? y : Infinity); /* what is not comes last */
  const ORDERS = {
    name: (a, b) => collator.compare(a.curve.name, b.curve.name),
    ascending: (a, b) => finite(a.y) - finite(b.y) || 0,
    descending: (a, b) => finite(-a.y) - finite(-b.y) || 0,
  };
  let over = null;
  let box = null;
  let dot = null;

  const element = (name, attributes = {}, ...children) => {
    const made = Object.assign(document.createElement(name), attributes);
    made.append(...children);
    return made;
  };

  trainboard.tooltip = {
    enter(plot) {
      over = plot;
      dot?.remove();
      dot = element("div", { className: "plot-dot", hidden: true });
      plot.u.over.append(dot);
    },
    leave(plot) {
      if (over !== plot) return;
      over = null;
      trainboard.highlight(null);
      dot?.remove();
      if (box) box.hidden = true;
    },
    isOver: (plot) => over === plot,
    refresh(plot) {
      if (over === plot && box && !box.hidden) show(plot);
    },
    move(plot) {
      if (over === plot) show(plot);
    },
  };

  function show(plot) {
    const { left, top } = plot.u.cursor;
    if (left === undefined || left < 0) {
      if (box) box.hidden = true;
      return;
    }
    const near = nearest(plot, left, top);
    box ??= document.body.appendChild(element("div", { id: "tooltip", hidden: true }));
    box.hidden = near.length === 0;
    dot.hidden = near.length === 0 || !Number.isFinite(near[0].y);
    const isClose = near.length > 0 && Math.abs(near[0].top - top) <= CLOSE;
    trainboard.highlight(isClose ? near[0].curve.run : null);
    if (near.length === 0) return;
    dot.style.left = `${near[0].left}px`;
    dot.style.top = `${near[0].top}px`;
    dot.style.background = near[0].curve.color;
    fill(plot, near);
    place(plot.u.over.getBoundingClientRect(), left, top);
  }

  /** For each curve its point nearest along x, sorted by the distance to the pointer. */
  function nearest(plot, left, top) {
    const { u, curves } = plot;
    const at = u.posToVal(left, "x");
    const scale = devicePixelRatio;
    const px = trainboard.projection(u, "x");
    const found = [];
    for (const curve of curves) {
      if (curve.x.length === 0 || curve.faint) continue;
      const py = trainboard.projection(u, curve.scale ?? "y");
      let i = Math.min(trainboard.lowerBound(curve.x, at), curve.x.length - 1);
      if (i > 0 && at - curve.x[i - 1] <= curve.x[i] - at) i -= 1;
      const point = {
        curve,
        i,
        y: curve.y[i],
        left: (px(curve.x[i]) - u.bbox.left) / scale,
        top: (py(curve.y[i]) - u.bbox.top) / scale,
      };
      if (Math.abs(point.left - left) <= REACH) found.push(point);
    }
    const distance = (point) => (Number.isFinite(point.top) ? Math.abs(point.top - top) : Infinity);
    return found.sort((a, b) => distance(a) - distance(b) || Math.abs(a.left - left) - Math.abs(b.left - left));
  }

  function fill(plot, near) {
    const { number, integer, duration, time } = trainboard.format;
    const { axis, along, smoothing } = plot.look;
    const thinned = near.some(({ curve }) => !curve.exact);
    const heads = ["", "Run", ...(smoothing > 0 ? ["Smoothed"] : []), thinned ? "Mean" : "Value", "Step"];
    if (along) heads.push(along);
    const times = timesOf(axis);
    heads.push(...times);
    const ranked = near.some(({ curve }) => curve.several);
    if (ranked) heads.push("Lowest", "Highest", "Ranks");
    const nearest = near[0];
    const rows = ordered(near).slice(0, ROWS).map((point) => {
      const { curve, i, y } = point;
      const swatch = element("i");
      swatch.style.background = curve.color;
      const cells = [swatch, curve.name];
      if (smoothing > 0) cells.push(number(y));
      cells.push(number(curve.value[i]), integer(curve.step[i]));
      if (along) cells.push(number(curve.x[i]));
      cells.push(...times.map((name) => (name === "Time" ? time(curve.wall[i]) : duration(curve.wall[i] - curve.first))));
      if (ranked) cells.push(...(curve.several ? ofRanks(curve, i) : ["", "", ""]));
      const row = element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
      row.toggleAttribute("data-near", point === nearest);
      return row;
    });
    const head = element("tr", {}, ...heads.map((text) => element("th", {}, text)));
    const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
    const rest = near.length - rows.length;
    const notes = [...marksHere(plot), ...(rest > 0 ? [`${rest} more runs`] : [])];
    box.replaceChildren(table, ...notes.map((text) => element("p", { className: "more" }, text)));
  }

  /** When a point was logged: after the run's first, and the time of day. Groups have what lies along x. */
  function timesOf(axis) {
    if (!trainboard.bands.isOn()) return ["After", "Time"];
    return { step: [], relative: ["After"], wall: ["Time"] }[axis];
  }

  /** The rows as the address asks for them; `near` has the nearest first. */
  function ordered(near) {
    const order = ORDERS[trainboard.value("tooltip")];
    return order ? [...near].sort(order) : near;
  }

  /** What happened near the cursor. */
  function marksHere(plot) {
    const { u, marks } = plot;
    const px = trainboard.projection(u, "x");
    const isHere = (mark) => {
      const x = trainboard.placeOfMark(mark, plot);
      return x !== null && Math.abs((px(x) - u.bbox.left) / devicePixelRatio - u.cursor.left) <= MARK_REACH;
    };
    return marks.filter(isHere).slice(0, MARKS).map(({ name, step, title }) => `${name}, step ${trainboard.format.integer(step)}: ${title}`);
  }

  /** The ranks that have the extremes, or the one that has the value; and how many have a point here. */
  function ofRanks({ low, high, low_rank, high_rank, ranks, several }, i) {
    const end = (value, rank) => (rank < 0 ? "" : `rank ${rank}: ${trainboard.format.number(value)}`);
    return [end(low[i], low_rank[i]), end(high[i], high_rank[i]), `${ranks[i]} of ${several}`];
  }

  /** Beside the pointer, inside the window. */
  function place(frame, left, top) {
    const { offsetWidth: width, offsetHeight: height } = box;
    const x = frame.left + left;
    const right = x + 16 + width < innerWidth;
    box.style.left = `${Math.max(4, right ? x + 16 : x - 16 - width)}px`;
    box.style.top = `${Math.max(4, Math.min(frame.top + top + 12, innerHeight - height - 4))}px`;
  }
})();
