/* The canvas of the Projector page: points, what they are called, and what a person does with them. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const DOT = { few: 8, some: 6, many: 4 };
  const MOST_LABELS = 400;
  const TELL_CAMERA = 250; /* milliseconds of rest before the address is told */
  const HOME = { theta: 0.7, phi: 1.15, distance: 3.1, target: [0, 0, 0] };
  const HOME_FLAT = { theta: 0, phi: Math.PI / 2, distance: 2.7, target: [0, 0, 0] };

  /** `drawn`: {positions, colors, label(at), meant, hidden, near, point, sheet, labels}, each for the points in
      order. `meant`, `hidden` and `near` are sets of their numbers; of `meant` null means all. */
  trainboard.ProjectorCanvas = function ProjectorCanvas({ drawn, flat, tool, camera, onCamera, onPick, onSelect, label }) {
    const canvas = useRef(null);
    const world = useRef(null);
    const now = useRef({});
    const [problem, setProblem] = useState("");
    now.current = { drawn, flat, tool, onCamera, onPick, onSelect };

    useEffect(() => {
      let over = false;
      let close = () => {};
      trainboard
        .three()
        .then((THREE) => {
          if (over) return;
          world.current = createWorld(THREE, canvas.current, now, camera);
          close = world.current.close;
          world.current.update();
          if (!trainboard.hasWebgl()) setProblem("This browser has no WebGL: points are painted more slowly, as squares.");
        })
        .catch(() => setProblem("The drawing library cannot be loaded."));
      return () => {
        over = true;
        close();
        world.current = null;
      };
    }, []);
    useEffect(() => world.current?.update(), [drawn]);
    useEffect(() => world.current?.look(camera), [camera, flat]);

    return h(
      React.Fragment,
      null,
      h("canvas", { ref: canvas, tabIndex: 0, role: "application", "aria-label": label, "data-tool": tool, "data-points": drawn ? drawn.positions.length / 3 : 0 }),
      problem && h("p", { className: "projector-note", role: "status" }, problem),
    );
  };

  function createWorld(THREE, canvas, now, cameraText) {
    const scene = new THREE.Scene();
    const cloud = trainboard.createPointCloud(THREE);
    const camera = new THREE.PerspectiveCamera(45, 1, 0.001, 1000);
    const axes = axesOf(THREE);
    scene.add(cloud.points, axes);
    const home = () => (now.current.flat ? HOME_FLAT : HOME);
    let state = trainboard.orbitFrom(cameraText) ?? home();
    let [hovered, outline, timer, told] = [-1, null, null, cameraText];
    let shownSheet = null;

    const view = trainboard.createView(canvas, (context, width, height) => {
      const { drawn, flat } = now.current;
      if (!drawn) return;
      trainboard.placeCamera(camera, state, width, height);
      cloud.light(canvas.width / width, trainboard.paperOf(canvas), state.distance - (flat ? 0 : 0.9), flat ? 1e6 : 3);
      axes.material.color.setStyle(getComputedStyle(canvas).borderColor);
      if (!trainboard.render(context, scene, camera)) cloud.paintPlain(context, camera, width, height);
      writeLabels(context, cloud.project(camera, width, height), drawn, hovered, width, height);
      if (outline) drawOutline(context, outline, canvas);
    });

    const set = (next) => {
      state = next;
      view.draw();
      clearTimeout(timer);
      timer = setTimeout(() => {
        told = next === home() ? "" : trainboard.orbitText(next);
        now.current.onCamera(told);
      }, TELL_CAMERA);
    };
    const find = ({ offsetX, offsetY }) => cloud.find(camera, canvas.clientWidth, canvas.clientHeight, offsetX, offsetY);
    const hover = (event) => {
      if (event.buttons) return;
      const found = find(event);
      if (found === hovered) return;
      hovered = found;
      canvas.style.cursor = found >= 0 ? "pointer" : "";
      view.draw();
    };
    const leave = () => {
      hovered = -1;
      view.draw();
    };
    canvas.addEventListener("pointermove", hover);
    canvas.addEventListener("pointerleave", leave);
    const stops = [
      trainboard.listenToOrbit(canvas, {
        get: () => state, set, home, isFlat: () => now.current.flat, wheelAlways: true,
        takes: (event) => now.current.tool === "turn" || event.button !== 0,
        onClick: (event) => now.current.onPick(find(event)),
      }),
      trainboard.listenToOutline(canvas, {
        shape: () => (now.current.tool === "turn" ? null : now.current.tool),
        draw: (next) => {
          outline = next;
          view.draw();
        },
        done: (polygon) => now.current.onSelect(trainboard.insideOutline(polygon, cloud.project(camera, canvas.clientWidth, canvas.clientHeight))),
      }),
      trainboard.on("theme", () => requestAnimationFrame(() => world.update())),
    ];

    const world = {
      update() {
        const { drawn } = now.current;
        if (!drawn) return view.draw();
        const count = drawn.positions.length / 3;
        if (drawn.positions !== world.placed) cloud.place(drawn.positions, drawn.rows);
        world.placed = drawn.positions;
        if (drawn.sheet !== shownSheet) cloud.picture(drawn.sheet?.image ?? null, drawn.sheet?.columns, drawn.sheet?.rows);
        shownSheet = drawn.sheet;
        const paper = trainboard.paperOf(canvas);
        const isMeant = (at) => drawn.meant === null || drawn.meant.has(at);
        cloud.paint(trainboard.fadeColors(drawn.colors, isMeant, paper), diametersOf(drawn, count), Float32Array.from({ length: count }, (_, at) => (isMeant(at) ? 0 : 1)));
        view.draw();
      },
      look(text) {
        if (text === told) return view.draw();
        told = text;
        state = trainboard.orbitFrom(text) ?? home();
        view.draw();
      },
      close() {
        clearTimeout(timer);
        stops.forEach((stop) => stop());
        canvas.removeEventListener("pointermove", hover);
        canvas.removeEventListener("pointerleave", leave);
        view.close();
        cloud.close();
        axes.geometry.dispose();
        axes.material.dispose();
      },
    };
    /* For measurements and tests: where a point is on the canvas, and a frame of its own. */
    canvas.trainboard = {
      pixelOf: (at) => [...cloud.project(camera, canvas.clientWidth, canvas.clientHeight).slice(2 * at, 2 * at + 2)],
      turn: (angle) => set({ ...state, theta: state.theta + angle }),
    };
    return world;
  }

  /** Lines through the middle, so that one sees how it is turned. */
  function axesOf(THREE) {
    const ends = [-1, 0, 0, 1, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, -1, 0, 0, 1];
    const geometry = new THREE.BufferGeometry().setAttribute("position", new THREE.Float32BufferAttribute(ends, 3));
    return new THREE.LineSegments(geometry, new THREE.LineBasicMaterial());
  }

  function diametersOf(drawn, count) {
    const usual = drawn.sheet ? trainboard.PICTURE_SIZE : count > 10_000 ? DOT.many : count > 1_500 ? DOT.some : DOT.few;
    const diameters = new Float32Array(count).fill(usual);
    drawn.hidden?.forEach((at) => (diameters[at] = 0));
    drawn.near.forEach((at) => (diameters[at] = diameters[at] && usual + 3));
    if (drawn.point >= 0) diameters[drawn.point] = diameters[drawn.point] && usual + 6;
    return diameters;
  }

  /** Names of points: of the one under the mouse, the chosen one and its neighbours, then of all there is room for. */
  function writeLabels(context, pixels, drawn, hovered, width, height) {
    const taken = new Set();
    const style = getComputedStyle(context.canvas);
    context.font = `12px ${style.fontFamily}`;
    context.textBaseline = "middle";
    context.lineJoin = "round";
    const write = (at, isStrong) => {
      const [x, y] = [pixels[2 * at], pixels[2 * at + 1]];
      if (!(x >= 0 && x <= width && y >= 0 && y <= height)) return;
      const text = drawn.label(at);
      if (!text) return;
      const long = text.length > 40 ? `${text.slice(0, 39)}…` : text;
      const wide = context.measureText(long).width;
      const cells = [];
      for (let column = Math.floor(x / 24); column <= Math.floor((x + wide + 12) / 24); column += 1) cells.push(`${column} ${Math.floor((y - 6) / 12)}`, `${column} ${Math.floor((y + 6) / 12)}`);
      if (!isStrong && cells.some((cell) => taken.has(cell))) return;
      cells.forEach((cell) => taken.add(cell));
      const left = x + 10 + wide > width ? x - 10 - wide : x + 10;
      Object.assign(context, { lineWidth: 3, strokeStyle: style.backgroundColor, fillStyle: style.color, globalAlpha: isStrong ? 1 : 0.85 });
      context.strokeText(long, left, y);
      context.fillText(long, left, y);
      context.globalAlpha = 1;
    };
    if (hovered >= 0) write(hovered, true);
    if (drawn.point >= 0) write(drawn.point, true);
    drawn.near.forEach((at) => write(at, false));
    if (drawn.meant && drawn.meant.size <= MOST_LABELS) drawn.meant.forEach((at) => write(at, false));
    if (!drawn.labels) return;
    const stride = Math.max(1, Math.floor(pixels.length / 2 / 4_000));
    for (let at = 0; at < pixels.length / 2 && taken.size < 12 * MOST_LABELS; at += stride) {
      if (drawn.meant === null || drawn.meant.has(at)) write(at, false);
    }
  }

  function drawOutline(context, polygon, canvas) {
    const style = getComputedStyle(canvas);
    context.beginPath();
    polygon.forEach(([x, y]) => context.lineTo(x, y));
    context.closePath();
    Object.assign(context, { strokeStyle: style.outlineColor, fillStyle: "rgb(120 150 200 / 15%)", lineWidth: 1 });
    context.fill();
    context.stroke();
  }
})();
