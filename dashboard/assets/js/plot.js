/* One line chart: uPlot for axes, cursor and selection, our own curves, zoom and tooltip. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const FONT = "11px system-ui, sans-serif";
  const AXIS_WIDTH = 50;
  const AXIS_HEIGHT = 24;
  const TIME_AXIS_HEIGHT = 38; /* uPlot writes the date below the time */
  const UNIFORM_DRAG = 24;
  const PADDING = 0.06;
  const MINUTE = 60;
  const HOUR = 3600;
  const DAY = 86400;
  const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE,
    30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 50 * DAY, 100 * DAY];

  const drawn = new Set();

  /** The charts on the page, in the order in which they came into view. */
  trainboard.plots = () => [...drawn];

  /** `look`: {axis: "step" | "relative" | "wall", smoothing, log, outliers}; `onZoom(zoom or null)`. */
  trainboard.Plot = class Plot {
    constructor(root, look, onZoom) {
      Object.assign(this, { root, look, onZoom, curves: [], zoom: null });
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

    /** Show these lines ({id, name, color, step, wall, value, low?, high?, bad?}); the zoom stays. */
    setLines(lines) {
      this.lines = lines;
      this.curves = lines.map((line) => curveOf(line, this.look));
      this.redraw();
      trainboard.tooltip.refresh(this);
    }

    setLook(look) {
      const rebuilt = look.axis !== this.look.axis || look.log !== this.look.log;
      if (look.axis !== this.look.axis) this.setZoom(null);
      this.look = look;
      if (rebuilt) this.build();
      this.setLines(this.lines ?? []);
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
      this.u = new uPlot(this.options(clientWidth || 300, clientHeight || 200), [[0, 1], [null, null]], this.root);
      old?.destroy();
      const { over } = this.u;
      this.overlay = over.appendChild(document.createElement("canvas"));
      over.addEventListener("mouseenter", () => trainboard.tooltip.enter(this));
      over.addEventListener("mouseleave", () => trainboard.tooltip.leave(this));
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
      const { x, y } = this.ranges();
      this.u.batch(() => {
        this.u.setScale("x", { min: x[0], max: x[1] });
        this.u.setScale("y", { min: y[0], max: y[1] });
        this.u.redraw(false);
      });
    }

    ranges() {
      const x = this.zoom?.x ?? padded(extent(this.curves.map((curve) => curve.x)), 0);
      const y = this.zoom?.y ?? this.yRange(x);
      return { x, y };
    }

    yRange([low, high]) {
      const { log, outliers } = this.look;
      const parts = this.curves.flatMap(({ x, y, low: lowest, high: highest, raw }) => {
        const from = trainboard.lowerBound(x, low);
        const last = trainboard.lowerBound(x, high);
        const to = x[last] <= high ? last + 1 : last;
        const columns = lowest && !raw ? [lowest, highest] : [y];
        return columns.map((column) => column.slice(from, to));
      });
      const range = outliers ? trainboard.innerRange(parts, log) : extent(parts, log ? 0 : -Infinity);
      return log ? [range[0] / 1.2, range[1] * 1.2] : padded(range, PADDING);
    }

    options(width, height) {
      const style = getComputedStyle(document.documentElement);
      const [quiet, grid] = ["--quiet", "--grid"].map((name) => style.getPropertyValue(name));
      const common = { stroke: quiet, font: FONT, ticks: { show: false }, grid: { stroke: grid, width: 1 } };
      const { axis, log } = this.look;
      const x = { ...common, size: axis === "wall" ? TIME_AXIS_HEIGHT : AXIS_HEIGHT, space: 56, gap: 4 };
      if (axis === "step") x.values = (u, splits) => splits.map(trainboard.format.tick);
      if (axis === "relative") {
        x.incrs = SECONDS;
        x.values = (u, splits) => splits.map((value) => (value === 0 ? "0" : trainboard.format.short(value)));
      }
      const y = { ...common, size: AXIS_WIDTH, space: 30, gap: 4, values: (u, splits) => ticks(splits, log) };
      return {
        width,
        height,
        padding: [8, 12, 2, 0],
        legend: { show: false },
        scales: { x: { time: axis === "wall", auto: false }, y: { auto: false, distr: log ? 3 : 1 } },
        axes: [x, y],
        series: [{}, { show: true, paths: () => null, points: { show: false } }],
        cursor: this.cursor(),
        hooks: {
          draw: [(u) => trainboard.drawCurves(u, this.curves), () => this.overlay && this.drawHighlight()],
          setSelect: [(u) => this.selected(u)],
          setCursor: [() => trainboard.tooltip.move(this)],
        },
      };
    }

    cursor() {
      return {
        y: false,
        points: { show: false },
        drag: { x: true, y: true, uni: UNIFORM_DRAG, setScale: false },
        sync: { key: `trainboard-${this.look.axis}`, scales: ["x", null], setSeries: false },
        bind: { dblclick: () => () => this.setZoom(null) },
      };
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

  /** A line as drawn: x on the chosen axis; with smoothing, y smoothed over the raw values. */
  function curveOf(line, { axis, smoothing }) {
    const first = line.first ?? line.wall[0];
    const x = axis === "step" ? line.step : axis === "wall" ? line.wall : line.wall.map((wall) => wall - first);
    const curve = { ...line, first, x, y: line.value, raw: null };
    if (smoothing > 0) Object.assign(curve, { raw: line.value, y: trainboard.smooth(line.value, smoothing) });
    return curve;
  }

  /** The least and the greatest finite value above a bound; where there is none, a range to look at. */
  function extent(columns, above = -Infinity) {
    let low = Infinity;
    let high = -Infinity;
    for (const column of columns) {
      for (let i = 0; i < column.length; i++) {
        const value = column[i];
        if (value < low && value > above) low = value;
        if (value > high && value < Infinity) high = value;
      }
    }
    return low <= high ? [low, high] : above === 0 ? [0.1, 1] : [0, 1];
  }

  function padded([low, high], share) {
    if (low === high) {
      const around = Math.abs(low) * 0.1 || 1;
      return [low - around, high + around];
    }
    const pad = (high - low) * share;
    return [low - pad, high + pad];
  }

  /** The words beside the y axis; on a logarithmic one only 1, 2 and 5 of each decade, or 1 where they crowd. */
  function ticks(splits, log) {
    const spoken = splits.length > 20 ? [1] : [1, 2, 5];
    return splits.map((value) => {
      if (value === null) return "";
      const digit = Number(value.toExponential(0)[0]);
      return !log || spoken.includes(digit) ? trainboard.format.tick(value) : "";
    });
  }
})();
