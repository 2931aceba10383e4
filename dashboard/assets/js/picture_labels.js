/* What was found in a picture: masks painted and boxes drawn over it, and which classes are shown. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef } = React;
  const GOLDEN_ANGLE = 137.508;
  const MASK_ALPHA = 0.45;
  const DASHES = [undefined, "6 3", "2 3"]; /* by group: what is, what is guessed … */

  const keyOf = (group, label) => `${group}/${label}`;
  const hidden = () => new Set(trainboard.values("media_hide"));

  /** The colour of a class: the same everywhere, and unlike its neighbours'. */
  const colorOf = (number) => `oklch(0.7 0.19 ${(30 + number * GOLDEN_ANGLE) % 360})`;

  /** All classes of a picture, each once: number, group, label. */
  trainboard.classesOf = (boxes, masks) => {
    const found = new Map();
    const add = (group, number, label) => found.set(keyOf(group, label), { group, number, label });
    for (const box of boxes) if (box.label) add(box.group, box.number, box.label);
    for (const mask of masks) for (const { number, label } of mask.labels) add(mask.group, number, label);
    return [...found.values()];
  };

  /** Pictures say which classes they have, so that a legend tells those of all pictures of a tag. */
  const known = new Map();
  trainboard.tellClasses = (tag, classes) => {
    if (!known.has(tag)) known.set(tag, new Map());
    const ofTag = known.get(tag);
    const fresh = classes.filter(({ group, label }) => !ofTag.has(keyOf(group, label)));
    for (const one of fresh) ofTag.set(keyOf(one.group, one.label), one);
    if (fresh.length) trainboard.emit("classes");
  };

  /** The classes in the pictures of a tag as buttons that show and hide them, everywhere on the page. */
  trainboard.ClassLegend = function ClassLegend({ id, tag }) {
    trainboard.useState("query", "classes");
    const off = hidden();
    const classes = [...(known.get(tag)?.values() ?? [])].sort((a, b) => a.number - b.number);
    const toggle = (key) => {
      off.has(key) ? off.delete(key) : off.add(key);
      trainboard.setValues("media_hide", [...off]);
    };
    return h("div", { id, className: "picture-classes" }, classes.map(({ group, number, label }) => {
      const key = keyOf(group, label);
      const shown = !off.has(key);
      return h("button", {
        key, type: "button", "aria-pressed": shown, onClick: () => toggle(key),
        title: `${shown ? "Hide" : "Show"} ${label}${group && ` of ${group}`}`,
      }, h("i", { style: { background: colorOf(number) } }), group ? `${label} · ${group}` : label);
    }));
  };

  /** Masks and boxes over a picture of `width` x `height` pixels, in a frame of the picture's size. */
  trainboard.PictureLabels = function PictureLabels({ width, height, boxes, masks }) {
    trainboard.useState("query");
    const off = hidden();
    const viewBox = `0 0 ${width} ${height}`;
    const groups = [...new Set(boxes.map(({ group }) => group))];
    const shown = boxes.filter((box) => !off.has(keyOf(box.group, box.label)));
    return h(React.Fragment, null,
      masks.map((mask) => h(MaskCanvas, { key: mask.src, mask, width, height, off: [...off].join("\n") })),
      h("svg", { className: "picture-boxes", viewBox, preserveAspectRatio: "none", "aria-hidden": true },
        shown.map((box, at) => h("rect", {
          key: at, x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top,
          fill: "none", stroke: colorOf(box.number), strokeWidth: 2, vectorEffect: "non-scaling-stroke",
          strokeDasharray: DASHES[groups.indexOf(box.group) % DASHES.length],
        }))),
      shown.map((box, at) => h(BoxText, { key: at, box, width, height })),
    );
  };

  function BoxText({ box, width, height }) {
    const scores = Object.entries(box.scores).map(([name, score]) => `${name} ${trainboard.format.number(score)}`);
    const text = [box.caption || box.label, ...scores].filter(Boolean).join(" ");
    if (!text) return null;
    const above = box.top / height > 0.08;
    const isRight = box.left > width / 2;
    const side = isRight ? { right: `${100 - (100 * box.right) / width}%` } : { left: `${(100 * box.left) / width}%` };
    const place = { top: `${(100 * box.top) / height}%`, transform: above ? "translateY(-100%)" : "none" };
    const style = { ...side, ...place, background: colorOf(box.number) };
    return h("span", { className: "picture-box-text", style }, text);
  }

  function MaskCanvas({ mask, width, height, off }) {
    const root = useRef(null);
    useEffect(() => {
      let isGone = false;
      const image = new Image();
      image.onload = () => !isGone && root.current && paint(root.current, image, mask);
      image.src = mask.src;
      return () => void (isGone = true);
    }, [mask.src, off]);
    return h("canvas", { ref: root, width, height, className: "picture-mask", "aria-hidden": true });
  }

  function paint(canvas, image, mask) {
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    const colors = classColors(mask);
    for (let at = 0; at < pixels.data.length; at += 4) pixels.data.set(colors[pixels.data[at]], at);
    context.putImageData(pixels, 0, 0);
  }

  /** For each class number its colour as four bytes; nothing for hidden classes and the background. */
  function classColors(mask) {
    const off = hidden();
    const named = new Map(mask.labels.map(({ number, label }) => [number, label]));
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    return Array.from({ length: 256 }, (_, number) => {
      const isBackground = number === 0 && !named.has(0);
      if (isBackground || off.has(keyOf(mask.group, named.get(number) ?? ""))) return [0, 0, 0, 0];
      context.fillStyle = colorOf(number);
      context.fillRect(0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3), 255 * MASK_ALPHA];
    });
  }
})();
