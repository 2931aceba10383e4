/* A picture on the Media page: its pixels can be read under the cursor, and a click opens it. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const read = new WeakMap();

  /** The pixels of a loaded image as a 2-D context; null before it is there. */
  trainboard.pixelsOf = (image) => {
    if (!image.complete || !image.naturalWidth) return null;
    const known = read.get(image);
    if (known?.src === image.src) return known.context;
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    read.set(image, { src: image.src, context });
    return context;
  };

  /** The pixel of an image under the mouse: its place and its red, green, blue and alpha. */
  trainboard.pixelAt = (image, event) => {
    const area = image.getBoundingClientRect();
    const x = Math.floor(((event.clientX - area.left) / area.width) * image.naturalWidth);
    const y = Math.floor(((event.clientY - area.top) / area.height) * image.naturalHeight);
    const inside = x >= 0 && y >= 0 && x < image.naturalWidth && y < image.naturalHeight;
    const context = inside ? trainboard.pixelsOf(image) : null;
    return context && { x, y, levels: [...context.getImageData(x, y, 1, 1).data] };
  };

  /** Levels in words: one number of a grey pixel, and alpha only where it says something. */
  trainboard.levelsText = ([red, green, blue, alpha]) => {
    const color = red === green && green === blue ? `${red}` : `${red} ${green} ${blue}`;
    return alpha === 255 ? color : `${color} · alpha ${alpha}`;
  };

  trainboard.Picture = function Picture({ id, src, width, height, alt, title, where, boxes = [], masks = [] }) {
    const image = useRef(null);
    const [pixel, setPixel] = useState(null);
    const open = () => trainboard.inspect({ src, width, height, title, where, boxes, masks });
    useEffect(() => trainboard.tellClasses(where.tag, trainboard.classesOf(boxes, masks)), [src]);
    const told = pixel ? `${pixel.x}, ${pixel.y}: ${trainboard.levelsText(pixel.levels)}` : `${width} × ${height}`;
    return h("div", { id, className: "picture" },
      h("button", {
        type: "button", className: "image-frame", title: "Open: zoom, compare, read pixels", onClick: open,
        onMouseMove: (event) => setPixel(trainboard.pixelAt(image.current, event)), onMouseLeave: () => setPixel(null),
      },
        h("span", { className: "picture-stack" },
          h("img", { ref: image, src, alt, width, height, draggable: false, loading: "lazy" }),
          h(trainboard.PictureLabels, { width, height, boxes, masks }))),
      h("div", { className: "picture-pixel" }, told));
  };
})();
