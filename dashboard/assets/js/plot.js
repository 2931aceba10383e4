/* One line chart: uPlot for axes, cursor and selection, our own curves, zoom and tooltip. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const FONT = "11px system-ui, sans-serif";
  const AXIS_WIDTH = 50;
  const AXIS_HEIGHT = 24;
  const TIME_AXIS_HEIGHT = 38; /* uPlot writes the date below the time */
  const UNIFORM_DRAG = 24;
  const MINUTE = 60;
  const HOUR = 3600;
  const DAY = 86400;
  const EXPONENTS = Array.from({ length: 341 }, (_, i) => i - 32);
  const INCREMENTS = EXPONENTS.flatMap((exponent) => [1, 2, 2.5, 5].map((digit) => Number(`${digit}e${exponent}`))); /* uPlot's end at 5e31 */
  const WHOLE = INCREMENTS.filter(Number.isInteger);
  const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE,
    30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 50 * DAY, 100 * DAY];

  const drawn = new Set();

  /** The charts on the page, in the order in which they came into view. */
  trainboard.plots = () => [...drawn];

  /** `look` as in look.js; `onZoom(zoom or null)` and `onPick(step, whether it ends a range)` tell what people do. */
  trainboard.Plot = class Plot {
    constructor(root, look, { onZoom, onPick } = {}) {
      Object.assign(this, { root, look, onZoom, onPick, curves: [], marks: [], zoom: null, sides: ["y"] });
      this.resized = new ResizeObserver(() => this.resize());
      this.build();
      this.resized.observe(root);
      drawn.add(this);
      const stops = [
        trainboard.on("theme", () => this.build()),
        trainboard.on("highlight", () => this.drawHighlight()),
      ];
      this.stop = () => stops.forEach((stop) => stop());
    }

    destroy() {
      drawn.delete(this);
      this.stop();
      this.resized.disconnect();
      trainboard.tooltip.leave(this);
      this.u.destroy();
    }

    /** Show these lines (see `curvesOf`), each on the scale "y" or "y2"; the zoom stays. */
    setLines(lines) {
      this.lines = lines;
      this.curves = trainboard.curvesOf(lines, this.look);
      const sides = this.curves.some((curve) => curve.scale === "y2") ? ["y", "y2"] : ["y"];
      if (sides.length !== this.sides.length) {
        this.sides = sides;
        this.build();
      } else this.redraw();
      trainboard.tooltip.refresh(this);
    }

    setLook(look) {
      const differs = (...keys) => keys.some((key) => look[key] !== this.look[key]);
      const rebuilt = differs("axis", "along", "xscale", "yscale");
      if (differs("axis", "along")) this.setZoom(null);
      this.look = look;
      if (rebuilt) this.build();
      this.setLines(this.lines ?? []);
    }

    /** Vertical lines at what happened: {run, color, step, wall, title, level}. */
    setMarks(marks) {
      this.marks = marks;
      this.redraw();
    }

    setZoom(zoom) {
      if (zoom === null && this.zoom === null) return;
      this.zoom = zoom;
      this.onZoom?.(zoom);
      this.redraw();
    }

    build() {
      const old = this.u;
      const { clientWidth, clientHeight } = this.root;
      this.u = new uPlot(this.options(clientWidth || 300, clientHeight || 200), [[0, 1], ...this.sides.map(() => [null, null])], this.root);
      old?.destroy();
      const { over } = this.u;
      this.overlay = over.appendChild(document.createElement("canvas"));
      over.addEventListener("mouseenter", () => trainboard.tooltip.enter(this));
      over.addEventListener("mouseleave", () => trainboard.tooltip.leave(this));
      over.addEventListener("click", (event) => this.pick(event));
      trainboard.steer(this);
      this.redraw();
    }

    resize() {
      const { clientWidth: width, clientHeight: height } = this.root;
      if (width > 0 && height > 0 && (width !== this.u.width || height !== this.u.height)) {
        this.u.setSize({ width, height });
      }
    }

    drawHighlight() {
      const run = this.curves.length > 1 ? trainboard.state.highlighted : null;
      const curve = run && this.curves.find((one) => one.run === run);
      const halo = getComputedStyle(document.documentElement).getPropertyValue("--surface");
      trainboard.drawHighlight(this.u, this.overlay, curve, halo);
    }

    redraw() {
      const x = this.zoom?.x ?? trainboard.rangeOf(this.curves.map((curve) => curve.x), this.look.xscale, { tight: true });
      this.u.batch(() => {
        trainboard.setRange(this.u, "x", x);
        for (const side of this.sides) trainboard.setRange(this.u, side, (side === "y" && this.zoom?.y) || this.yRange(x, side));
        this.u.redraw(false);
      });
    }

    yRange([low, high], side) {
      const { yscale, outliers } = this.look;
      const parts = this.curves.flatMap(({ x, y, low: lowest, high: highest, raw, scale = "y" }) => {
        if (scale !== side) return [];
        const from = trainboard.lowerBound(x, low);
        const last = trainboard.lowerBound(x, high);
        const to = x[last] <= high ? last + 1 : last;
        const columns = lowest && !raw ? [lowest, highest] : [y];
        return columns.map((column) => column.slice(from, to));
      });
      return trainboard.rangeOf(parts, yscale, { inner: outliers });
    }

    options(width, height) {
      const { axis, xscale, yscale } = this.look;
      return {
        width,
        height,
        padding: [8, this.sides.length > 1 ? 0 : 16, 2, 0],
        legend: { show: false },
        scales: {
          x: trainboard.uplotScale(xscale, { time: axis === "wall" }),
          ...Object.fromEntries(this.sides.map((side) => [side, trainboard.uplotScale(yscale)])),
        },
        axes: this.axes(),
        series: [{}, ...this.sides.map((scale) => ({ show: true, scale, paths: () => null, points: { show: false } }))],
        cursor: this.cursor(),
        hooks: {
          draw: [(u) => this.draw(u), () => this.overlay && this.drawHighlight()],
          setSelect: [(u) => this.selected(u)],
          setCursor: [() => trainboard.tooltip.move(this)],
        },
      };
    }

    axes() {
      const style = getComputedStyle(document.documentElement);
      const [quiet, grid] = ["--quiet", "--grid"].map((name) => style.getPropertyValue(name));
      const common = { stroke: quiet, font: FONT, ticks: { show: false }, grid: { stroke: grid, width: 1 } };
      const { axis, along, xscale, yscale } = this.look;
      const x = { ...common, size: axis === "wall" ? TIME_AXIS_HEIGHT : AXIS_HEIGHT, space: 56, gap: 4 };
      if (axis === "step" && !along && xscale === "linear") x.incrs = WHOLE;
      if (axis === "step") x.values = (u, splits) => trainboard.ticks(splits, xscale);
      if (axis === "relative") {
        if (xscale === "linear") x.incrs = SECONDS;
        x.values = (u, splits) => splits.map((value) => (value === null ? "" : value === 0 ? "0" : trainboard.format.short(value)));
      }
      const values = (u, splits) => trainboard.ticks(splits, yscale);
      const y = { ...common, size: AXIS_WIDTH, space: 30, gap: 4, values, ...(yscale === "linear" && { incrs: INCREMENTS }) };
      const right = { ...y, scale: "y2", side: 1, grid: { show: false } };
      return this.sides.length > 1 ? [x, y, right] : [x, y];
    }

    draw(u) {
      if (u !== this.u) return; /* it was replaced, with a drawing still to come */
      trainboard.drawMoments(u, this);
      trainboard.drawCurves(u, this.curves);
      trainboard.drawBest(u, this);
    }

    cursor() {
      const { axis, along, xscale } = this.look;
      return {
        y: false,
        points: { show: false },
        drag: { x: true, y: true, uni: UNIFORM_DRAG, setScale: false },
        sync: { key: ["trainboard", axis, along, xscale].join(" "), scales: ["x", null], setSeries: false },
        bind: { dblclick: () => () => this.setZoom(null) },
      };
    }

    /** A click chooses the step of the nearest point. */
    pick(event) {
      const at = this.u.posToVal(event.offsetX, "x");
      const near = this.curves.flatMap(({ x, step }) => {
        const i = trainboard.lowerBound(x, at);
        return [i - 1, i].filter((j) => j >= 0 && j < x.length).map((j) => [Math.abs(x[j] - at), step[j]]);
      });
      if (near.length > 0) this.onPick?.(near.reduce((a, b) => (b[0] < a[0] ? b : a))[1], event.shiftKey);
    }

    /** A dragged box zooms; one as wide or as high as the plot leaves that direction as it is. */
    selected(u) {
      const { left, top, width, height } = u.select;
      if (width <= 2 && height <= 2) return;
      const zoom = { ...this.zoom };
      if (width > 2 && width < u.over.clientWidth) zoom.x = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
      if (height > 2 && height < u.over.clientHeight) zoom.y = [u.posToVal(top + height, "y"), u.posToVal(top, "y")];
      u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
      if (trainboard.tooltip.isOver(this)) this.setZoom(zoom);
    }
  };
})();
