/* One WebGL context for everything in three dimensions. Browsers allow about sixteen and take the oldest away,
   so each view has a canvas of its own, into which the picture that the one renderer made is copied. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const LIBRARY = "/assets/vendor/three/three.module.min.js";
  const views = new Set();
  let loading = null;
  let renderer = null;
  let lost = false;

  async function load() {
    const THREE = await import(LIBRARY);
    try {
      renderer = new THREE.WebGLRenderer({ alpha: true });
      renderer.setPixelRatio(1);
      /* Colours are mixed as they are written, as in TensorBoard, whose three.js is of a time before it did otherwise. */
      THREE.ColorManagement.enabled = false;
      renderer.outputColorSpace = THREE.LinearSRGBColorSpace;
      const told = (isLost) => () => {
        lost = isLost;
        views.forEach((view) => view.draw());
      };
      renderer.domElement.addEventListener("webglcontextlost", told(true));
      renderer.domElement.addEventListener("webglcontextrestored", told(false));
    } catch {
      /* without WebGL, or after it was taken away, points are painted on the plain canvas */
    }
    return THREE;
  }

  /** The library three.js, loaded when the first view needs it. */
  trainboard.three = () => (loading ??= load());
  trainboard.hasWebgl = () => renderer !== null && !lost && !renderer.getContext().isContextLost();

  /** What draws into a canvas whenever it is told to, at most once a frame. `paint(context, width, height)`
      gets pixels of the screen, and calls `trainboard.render` for what is in three dimensions. */
  trainboard.createView = (canvas, paint) => {
    let frame = null;
    const context = canvas.getContext("2d");
    const now = () => {
      frame = null;
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      const [width, height] = [canvas.clientWidth, canvas.clientHeight];
      if (!width || !height) return;
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
      if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
      paint(context, width, height);
    };
    const view = { draw: () => (frame ??= requestAnimationFrame(now)) };
    const sized = new ResizeObserver(view.draw);
    sized.observe(canvas);
    views.add(view);
    view.close = () => {
      cancelAnimationFrame(frame);
      sized.disconnect();
      views.delete(view);
    };
    return view;
  };

  /** Render a scene and copy it into a canvas; false without WebGL. It is drawn `fine` times as large and made
      smaller, where edges are to be smooth: that costs no more than WebGL's own smoothing, which all would pay. */
  trainboard.render = (context, scene, camera, fine = 1) => {
    if (!trainboard.hasWebgl()) return false;
    const { width, height } = context.canvas;
    const { domElement } = renderer;
    if (domElement.width !== fine * width || domElement.height !== fine * height) renderer.setSize(fine * width, fine * height, false);
    renderer.render(scene, camera);
    context.save();
    context.resetTransform();
    context.drawImage(domElement, 0, 0, width, height);
    context.restore();
    return true;
  };

  /** The widest picture that a texture can hold. */
  trainboard.maxTexture = () => renderer?.capabilities.maxTextureSize ?? 0;
})();
