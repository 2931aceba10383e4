/* Moving about in a chart: Alt and the wheel zoom, Shift or Alt and a drag move what is in view. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const ZOOM = 1.0015; /* for each unit that the wheel tells */

  trainboard.steer = (plot) => {
    const { over } = plot.u;
    over.addEventListener("wheel", (event) => event.altKey && zoom(plot, event), { passive: false });
    over.addEventListener("mousedown", (event) => (event.shiftKey || event.altKey) && move(plot, event), { capture: true });
  };

  /** The range that two places, in pixels of the plot, stand for. */
  const rangeBetween = (u, scale, a, b) => [u.posToVal(a, scale), u.posToVal(b, scale)];

  function zoom(plot, event) {
    event.preventDefault();
    const { u } = plot;
    const factor = ZOOM ** event.deltaY;
    const { clientWidth: width, clientHeight: height } = u.over;
    const around = (at, size) => [at - at * factor, at + (size - at) * factor];
    const x = rangeBetween(u, "x", ...around(event.offsetX, width));
    const y = rangeBetween(u, "y", ...around(event.offsetY, height)).reverse();
    plot.setZoom({ ...plot.zoom, x, y });
  }

  function move(plot, event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    const { u } = plot;
    const { clientWidth: width, clientHeight: height } = u.over;
    let [atX, atY] = [event.clientX, event.clientY];
    let hasMoved = false;
    const follow = ({ clientX, clientY }) => {
      hasMoved = true;
      const [left, top] = [atX - clientX, atY - clientY];
      [atX, atY] = [clientX, clientY];
      plot.setZoom({ x: rangeBetween(u, "x", left, left + width), y: rangeBetween(u, "y", top + height, top) });
    };
    document.addEventListener("mousemove", follow);
    const end = () => {
      document.removeEventListener("mousemove", follow);
      if (!hasMoved) plot.pick(event);
    };
    document.addEventListener("mouseup", end, { once: true });
  }
})();
