/* A camera that is turned around a place, by mouse, fingers or keys. Its state is a few numbers, so it can be
   kept in the address and shared by views. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const STEP = Math.PI / 36;
  const SPEED = 0.006;
  const ZOOM = 1.2;
  const EDGE = 0.01;
  const CLICK = 4;
  const DIGITS = 4;
  const KEYS = {
    ArrowLeft: (orbit) => orbit.turn(-STEP, 0),
    ArrowRight: (orbit) => orbit.turn(STEP, 0),
    ArrowUp: (orbit) => orbit.turn(0, -STEP),
    ArrowDown: (orbit) => orbit.turn(0, STEP),
    "+": (orbit) => orbit.zoom(1 / ZOOM),
    "-": (orbit) => orbit.zoom(ZOOM),
    0: (orbit) => orbit.reset(),
  };

  /** Where a camera is: turned by `theta` and `phi`, at a `distance` from a `target`. */
  trainboard.orbitFrom = (text) => {
    const numbers = (text || "").split(",").map(Number);
    if (numbers.length !== 6 || !numbers.every(Number.isFinite) || numbers[2] <= 0) return null;
    const [theta, phi, distance, ...target] = numbers;
    return { theta, phi, distance, target };
  };
  trainboard.orbitText = ({ theta, phi, distance, target }) =>
    [theta, phi, distance, ...target].map((number) => String(Number(number.toFixed(DIGITS)))).join(",");

  /** Place a camera of three.js. */
  trainboard.placeCamera = (camera, { theta, phi, distance, target }, width, height) => {
    const flat = distance * Math.sin(phi);
    camera.position.set(
      target[0] + flat * Math.sin(theta), target[1] + distance * Math.cos(phi), target[2] + flat * Math.cos(theta),
    );
    camera.lookAt(...target);
    const aspect = width / height;
    if (camera.isPerspectiveCamera) {
      camera.aspect = aspect;
    } else {
      const half = distance * Math.tan(Math.PI / 8);
      Object.assign(camera, { left: -half * aspect, right: half * aspect, top: half, bottom: -half });
    }
    camera.updateProjectionMatrix();
    camera.updateMatrixWorld();
  };

  /** Listen to a canvas; `get` and `set` are for the state, `home` for where `0` and a double click lead.
      `isFlat()`: it is moved, not turned. `takes(event)`: whether a drag is the camera's. */
  trainboard.listenToOrbit = (canvas, { get, set, home, isFlat = () => false, takes = () => true, wheelAlways = false, onClick }) => {
    const pointers = new Map();
    let moved = 0;
    let span = null;

    const orbit = {
      turn(theta, phi) {
        const state = get();
        if (isFlat()) return orbit.pan((theta / SPEED), (phi / SPEED));
        const bounded = Math.min(Math.max(state.phi + phi, EDGE), Math.PI - EDGE);
        set({ ...state, theta: state.theta + theta, phi: bounded });
      },
      zoom: (factor) => set({ ...get(), distance: Math.min(Math.max(get().distance * factor, 1e-4), 1e6) }),
      pan(x, y) {
        const state = get();
        const unit = (2 * state.distance * Math.tan(Math.PI / 8)) / canvas.clientHeight;
        const { theta, phi } = state;
        const right = [Math.cos(theta), 0, -Math.sin(theta)];
        const up = [-Math.cos(phi) * Math.sin(theta), Math.sin(phi), -Math.cos(phi) * Math.cos(theta)];
        set({ ...state, target: state.target.map((at, axis) => at + unit * (y * up[axis] - x * right[axis])) });
      },
      reset: () => set(home()),
    };

    const down = (event) => {
      if (!takes(event)) return;
      moved = 0;
      pointers.set(event.pointerId, event);
      canvas.setPointerCapture(event.pointerId);
    };
    const move = (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const [x, y] = [event.clientX - before.clientX, event.clientY - before.clientY];
      moved += Math.abs(x) + Math.abs(y);
      pointers.set(event.pointerId, event);
      if (pointers.size === 2) return pinch();
      if (isFlat() || event.shiftKey || event.buttons & 2) orbit.pan(x, y);
      else orbit.turn(-x * SPEED, -y * SPEED);
    };
    const pinch = () => {
      const [a, b] = [...pointers.values()];
      const wide = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
      if (span) orbit.zoom(span / Math.max(wide, 1));
      span = wide;
    };
    const up = (event) => {
      if (pointers.delete(event.pointerId) && moved < CLICK && event.type === "pointerup") onClick?.(event);
      span = null;
    };
    const wheel = (event) => {
      if (!wheelAlways && document.activeElement !== canvas) return;
      event.preventDefault();
      orbit.zoom(ZOOM ** Math.sign(event.deltaY));
    };
    const key = (event) => {
      if (!KEYS[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      KEYS[event.key](orbit);
    };
    const listeners = {
      pointerdown: down, pointermove: move, pointerup: up, pointercancel: up, keydown: key,
      dblclick: orbit.reset, contextmenu: (event) => event.preventDefault(),
    };
    for (const [name, listener] of Object.entries(listeners)) canvas.addEventListener(name, listener);
    canvas.addEventListener("wheel", wheel, { passive: false });
    return () => {
      for (const [name, listener] of Object.entries(listeners)) canvas.removeEventListener(name, listener);
      canvas.removeEventListener("wheel", wheel);
    };
  };
})();
