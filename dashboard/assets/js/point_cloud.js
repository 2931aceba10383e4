/* Many points in space: drawn with WebGL, or painted on a plain canvas where there is none; found under the mouse. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const PICTURE = 26; /* pixels of a point that is a small picture */
  const NEAR = 8; /* pixels within which the mouse means a point */
  const VERTEX = `
    attribute vec3 tint;
    attribute float size;
    attribute float cell;
    attribute float fade;
    uniform float ratio;
    uniform vec2 grid;
    uniform vec2 fog;
    uniform float world;
    uniform float halfHeight;
    varying vec3 shade;
    varying vec2 corner;
    varying float far;
    varying float rim;
    varying float pale;
    void main() {
      pale = fade;
      vec4 seen = modelViewMatrix * vec4(position, 1.0);
      gl_Position = projectionMatrix * seen;
      gl_PointSize = (world > 0.0 ? max(world * halfHeight / -seen.z, 1.0) : size) * ratio;
      if (size <= 0.0) gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
      shade = tint;
      corner = vec2(mod(cell, grid.x), floor(cell / grid.x));
      rim = 0.5 - 1.0 / gl_PointSize;
      far = clamp((-seen.z - fog.x) / fog.y, 0.0, 0.6);
    }`;
  const FRAGMENT = `
    uniform vec3 paper;
    uniform vec2 grid;
    uniform sampler2D sheet;
    uniform bool pictured;
    varying vec3 shade;
    varying vec2 corner;
    varying float far;
    varying float rim;
    varying float pale;
    void main() {
      float cover = 1.0;
      vec3 color = shade;
      if (pictured) {
        vec2 at = abs(gl_PointCoord - 0.5);
        if (max(at.x, at.y) < 0.45) color = mix(texture2D(sheet, (corner + gl_PointCoord) / grid).rgb, paper, 0.82 * pale);
      } else {
        cover = 1.0 - smoothstep(rim, 0.5, length(gl_PointCoord - 0.5));
        if (cover == 0.0) discard;
      }
      gl_FragColor = vec4(mix(color, paper, far), cover);
    }`;

  /** A cloud for a scene of three.js: `place` positions, `paint` them, `find` one of them. */
  trainboard.createPointCloud = (THREE) => {
    const geometry = new THREE.BufferGeometry();
    const uniforms = {
      ratio: { value: 1 }, grid: { value: new THREE.Vector2(1, 1) }, fog: { value: new THREE.Vector2(1, 10) },
      paper: { value: new THREE.Vector3(1, 1, 1) }, sheet: { value: null }, pictured: { value: false }, world: { value: 0 }, halfHeight: { value: 1 },
    };
    const material = new THREE.ShaderMaterial({ uniforms, vertexShader: VERTEX, fragmentShader: FRAGMENT, transparent: true });
    const points = new THREE.Points(geometry, material);
    points.frustumCulled = false;
    const matrix = new THREE.Matrix4();
    const set = (name, array, width, normalized = false) => {
      const known = geometry.getAttribute(name);
      if (known?.array.length !== array.length) return geometry.setAttribute(name, new THREE.BufferAttribute(array, width, normalized));
      known.array.set(array);
      known.needsUpdate = true;
    };
    let sizes = new Float32Array();
    let tints = new Uint8Array();

    const cloud = {
      points,
      get positions() {
        return geometry.getAttribute("position")?.array ?? new Float32Array();
      },

      /** Where the points are, 3 numbers each, and which picture of the sheet each has. */
      place(positions, cells) {
        if (positions.length !== cloud.positions.length) geometry.dispose();
        set("position", positions, 3);
        set("cell", Float32Array.from(cells), 1);
      },

      /** How the points look: 3 bytes of colour and a diameter each, 0 hides one; whose pictures fade have a 1. */
      paint(colors, diameters, fades = new Float32Array(diameters.length)) {
        [tints, sizes] = [colors, diameters];
        set("fade", fades, 1);
        set("tint", colors, 3, true);
        set("size", diameters, 1);
      },

      /** The sheet of small pictures, so many to a row; null: dots. */
      picture(image, columns, rows) {
        uniforms.sheet.value?.dispose();
        uniforms.sheet.value = image && new THREE.Texture(image);
        uniforms.pictured.value = Boolean(image);
        if (!image) return;
        Object.assign(uniforms.sheet.value, { flipY: false, generateMipmaps: false, minFilter: THREE.LinearFilter, needsUpdate: true });
        uniforms.grid.value.set(columns, rows);
      },

      /** How large points are where they are, so that near ones look larger; 0: as large as they are painted. */
      measure(size) {
        uniforms.world.value = size;
      },

      /** What a frame needs to know: pixels a pixel, the paper's colour, between which distances it fades, and
          half the height of the picture. */
      light(ratio, paper, near, depth, halfHeight = 1) {
        uniforms.ratio.value = ratio;
        uniforms.halfHeight.value = halfHeight;
        uniforms.paper.value.set(...paper.map((part) => part / 255));
        uniforms.fog.value.set(near, Math.max(depth, 1e-6));
      },

      /** The pixel of each point, x and y, and NaN for those behind the camera. */
      project(camera, width, height) {
        const m = matrix.multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse).elements;
        const { positions } = cloud;
        const pixels = new Float32Array((positions.length / 3) * 2);
        for (let from = 0, to = 0; from < positions.length; from += 3, to += 2) {
          const [x, y, z] = [positions[from], positions[from + 1], positions[from + 2]];
          const w = m[3] * x + m[7] * y + m[11] * z + m[15];
          pixels[to] = w > 0 && sizes[from / 3] > 0 ? ((m[0] * x + m[4] * y + m[8] * z + m[12]) / w + 1) * 0.5 * width : NaN;
          pixels[to + 1] = (1 - (m[1] * x + m[5] * y + m[9] * z + m[13]) / w) * 0.5 * height;
        }
        return pixels;
      },

      /** The number of the point at a pixel, or -1. */
      find(camera, width, height, x, y) {
        const pixels = cloud.project(camera, width, height);
        let [nearest, best] = [-1, NEAR];
        for (let at = 0; at < pixels.length; at += 2) {
          const away = Math.hypot(pixels[at] - x, pixels[at + 1] - y) - sizes[at / 2] / 2 + 3;
          if (away < best) [nearest, best] = [at / 2, away];
        }
        return nearest;
      },

      /** Paint the points without WebGL: squares, the last ones on top. */
      paintPlain(context, camera, width, height) {
        const pixels = cloud.project(camera, width, height);
        for (let at = 0; at < pixels.length; at += 2) {
          if (!(pixels[at] >= 0 && pixels[at] <= width)) continue;
          const [size, color] = [sizes[at / 2], (at / 2) * 3];
          context.fillStyle = `rgb(${tints[color]},${tints[color + 1]},${tints[color + 2]})`;
          context.fillRect(pixels[at] - size / 2, pixels[at + 1] - size / 2, size, size);
        }
      },

      close() {
        geometry.dispose();
        material.dispose();
        uniforms.sheet.value?.dispose();
      },
    };
    return cloud;
  };
  trainboard.PICTURE_SIZE = PICTURE;
})();
