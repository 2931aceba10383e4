/* The whole picture of a graph as a file: as SVG with the styles it has on the page, and as PNG of that. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const SVG = "http://www.w3.org/2000/svg";
  const MARGIN = 16;
  const SCALE = 2;
  const MOST_PIXELS = 8_000;
  const STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "opacity", "font-family", "font-size", "font-weight", "paint-order", "transform"];

  trainboard.saveGraph = async (format, world, picture, name) => {
    const [width, height] = [picture.width + 2 * MARGIN, picture.height + 2 * MARGIN];
    const text = drawn(world, width, height);
    const blob = new Blob([text], { type: "image/svg+xml" });
    const file = `${name.replace(/[^\w.-]+/g, "_") || "graph"}.${format}`;
    save(format === "svg" ? blob : await painted(blob, width, height), file);
  };

  function drawn(world, width, height) {
    const svg = document.createElementNS(SVG, "svg");
    Object.entries({ xmlns: SVG, width, height, viewBox: `${-MARGIN} ${-MARGIN} ${width} ${height}` }).forEach(([key, value]) => svg.setAttribute(key, value));
    const paper = document.createElementNS(SVG, "rect");
    Object.entries({ x: -MARGIN, y: -MARGIN, width, height, fill: getComputedStyle(document.body).backgroundColor }).forEach(([key, value]) => paper.setAttribute(key, value));
    const copy = world.cloneNode(true);
    styled(world, copy);
    copy.removeAttribute("transform"); /* of where one looks */
    copy.querySelectorAll(".graph-fold-mark").forEach((mark) => mark.remove());
    svg.append(paper, copy);
    return new XMLSerializer().serializeToString(svg);
  }

  /** Write what the page's style sheet says of an element, and of all inside it, into its copy. */
  function styled(element, copy) {
    const style = getComputedStyle(element);
    copy.removeAttribute("class");
    copy.removeAttribute("style");
    for (const name of STYLES) {
      const value = style.getPropertyValue(name);
      if (value && value !== "none" && name !== "transform") copy.setAttribute(name, value);
      else if (name === "fill") copy.setAttribute(name, "none");
      else if (name === "transform" && value !== "none") copy.setAttribute(name, value);
    }
    [...element.children].forEach((child, index) => styled(child, copy.children[index]));
  }

  async function painted(blob, width, height) {
    const scale = Math.min(SCALE, MOST_PIXELS / Math.max(width, height));
    const image = new Image();
    image.src = URL.createObjectURL(blob);
    await image.decode();
    URL.revokeObjectURL(image.src);
    const canvas = Object.assign(document.createElement("canvas"), { width: Math.ceil(width * scale), height: Math.ceil(height * scale) });
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => canvas.toBlob(done, "image/png"));
  }

  function save(blob, file) {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: file });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }
})();
