/* A mesh as a scene of three.js: what TensorBoard's mesh plugin takes as configuration, or quiet defaults. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const LIGHTS = [
    { cls: "HemisphereLight", color: "#ffffff", groundColor: "#8a8f98", intensity: 0.7 },
    { cls: "DirectionalLight", color: "#ffffff", intensity: 0.45, position: [1, 2, 3] },
  ];
  const MATERIAL = { cls: "MeshStandardMaterial", roughness: 0.85, metalness: 0 };
  const DOUBLE_SIDED = 2;
  const SIZES = [[5_000, 4], [50_000, 2.5], [Infinity, 1.5]]; /* pixels of a point, where there are so many */
  const FINE = 2; /* pixels of a surface for each of the screen, whose own may be as fine */
  /* Since three.js counts light in physical units it divides by this, and until then, as in TensorBoard, it did not. */
  const UNIT = Math.PI;
  const WHITE = "#ffffff";
  const FOV = 45;
  const SLOW = 100; /* milliseconds of a frame that are too many to turn by */
  const SPARSE = 50_000;
  const EVEN = 1e-6; /* so much of a radius is no difference */
  const ROOM = 1.05; /* around a mesh, so much of its size is in view */
  const HOME = { theta: 0.6, phi: 1.2, target: [0, 0, 0] };

  /** The scene of a mesh: `look` is "", "wire" or "points"; `color` is for vertices without one. */
  trainboard.createMeshScene = (THREE, mesh, look, color) => {
    const scene = new THREE.Scene();
    const isSurface = mesh.corners.length > 0 && look !== "points";
    const cloud = isSurface ? null : trainboard.createPointCloud(THREE);
    const surface = isSurface ? surfaceOf(THREE, mesh, look, color) : null;
    if (surface) scene.add(surface);
    else scene.add(cloudOf(THREE, mesh, cloud, color));
    for (const light of mesh.config.lights ?? LIGHTS) scene.add(lightOf(THREE, asLogged(light)));
    const camera = cameraOf(THREE, mesh.config.camera);
    const whole = surface ?? cloud.points;
    const pace = createPace(mesh.positions.length / 3);
    let sparse = null;
    return {
      scene, camera, surface, pace,
      /** Draw it; while it turns, if all takes too long, only some of its points. */
      render(context, width, height, paper, ratio, isTurning) {
        const isSparse = isTurning && pace.isSlow();
        if (isSparse && !sparse) {
          sparse = trainboard.createPointCloud(THREE);
          scene.add(cloudOf(THREE, thinned(mesh), sparse, color));
        }
        whole.visible = !isSparse;
        if (sparse) sparse.points.visible = isSparse;
        for (const points of [cloud, sparse]) points?.light(ratio, paper, 0, 1e9, height / 2);
        const began = performance.now();
        if (trainboard.render(context, scene, camera, surface && ratio < FINE ? FINE : 1)) {
          if (!isSparse) pace.note(context, began);
          return;
        }
        const plain = cloud ?? trainboard.createPointCloud(THREE);
        if (!cloud) fill(THREE, plain, mesh, color);
        plain.paintPlain(context, camera, width, height);
        if (!cloud) plain.close();
      },
      close() {
        cloud?.close();
        sparse?.close();
        surface?.geometry.dispose();
        surface?.material.dispose();
      },
    };
  };

  /** How long a frame of so many points takes, of which the second one tells: the first one gets all ready. */
  function createPace(points) {
    let [frames, took] = [0, 0];
    return {
      isSlow: () => took > SLOW,
      /** In words, or none. */
      words: () => (took > SLOW ? `Turned as ${SPARSE.toLocaleString("en")} points: this browser takes ${(took / 1000).toFixed(1)} s to draw all.` : ""),
      note(context, began) {
        frames += 1;
        if (points <= SPARSE || frames !== 2) return;
        context.getImageData(0, 0, 1, 1); /* waits until it is drawn */
        took = performance.now() - began;
      },
    };
  }

  /** A mesh of some of the points of another, evenly spread. */
  function thinned({ positions, colors, config }) {
    const step = positions.length / 3 / SPARSE;
    const some = (from) => from && from.constructor.from({ length: 3 * SPARSE }, (_, at) => from[3 * Math.floor(Math.floor(at / 3) * step) + (at % 3)]);
    return { positions: some(positions), colors: some(colors), config };
  }

  function surfaceOf(THREE, mesh, look, color) {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(mesh.positions, 3));
    if (mesh.colors) geometry.setAttribute("color", new THREE.BufferAttribute(mesh.colors, 3, true));
    geometry.setIndex(new THREE.BufferAttribute(mesh.corners, 1));
    geometry.computeVertexNormals();
    const { cls, ...settings } = mesh.config.material ?? MATERIAL;
    const usual = cls === "PointsMaterial" ? MATERIAL.cls : cls;
    const tint = mesh.colors ? WHITE : color;
    const material = new THREE[usual]({ side: DOUBLE_SIDED, ...(usual === "MeshNormalMaterial" ? {} : { color: tint, vertexColors: Boolean(mesh.colors) }), ...ofClass(settings, usual) });
    if (look === "wire") material.wireframe = true;
    return new THREE.Mesh(geometry, material);
  }

  /** Without settings that another class has: three.js would complain of each. */
  const ofClass = (settings, cls) =>
    Object.fromEntries(Object.entries(settings).filter(([name]) => !["size", "sizeAttenuation", "vertexColors"].includes(name) && (cls === "MeshStandardMaterial" || cls === "MeshPhysicalMaterial" || !["roughness", "metalness"].includes(name))));

  function cloudOf(THREE, mesh, cloud, color) {
    fill(THREE, cloud, mesh, color);
    return cloud.points;
  }

  /** A colour of three.js, a name or a number, as it is on the screen. */
  function bytesOf(THREE, color) {
    const hex = new THREE.Color(color).getHex();
    return [hex >> 16, (hex >> 8) & 255, hex & 255];
  }

  function fill(THREE, cloud, mesh, color) {
    const count = mesh.positions.length / 3;
    const { size, sizeAttenuation, color: own } = mesh.config.material ?? {};
    const plain = own === undefined ? [1, 3, 5].map((at) => parseInt((color || "#226dc9").slice(at, at + 2), 16)) : bytesOf(THREE, own);
    const colors = mesh.colors ?? new Uint8Array(3 * count).map((_, at) => plain[at % 3]);
    cloud.place(mesh.positions, new Float32Array(count));
    const isFixed = size !== undefined && sizeAttenuation === false;
    cloud.paint(colors, new Float32Array(count).fill(isFixed ? size : SIZES.find(([most]) => count <= most)[1]));
    cloud.measure(isFixed ? 0 : (size ?? 0));
  }

  /** A light as TensorBoard's version of three.js takes it: one without a distance does not fade. */
  const asLogged = (light) => ({ ...light, intensity: (light.intensity ?? 1) * UNIT, decay: light.distance ? (light.decay ?? 1) : 0 });

  function lightOf(THREE, { cls, position, color, skyColor, intensity, ...settings }) {
    const light = cls === "HemisphereLight" ? new THREE[cls](skyColor ?? color, settings.groundColor, intensity) : new THREE[cls](color, intensity);
    for (const name of ["distance", "decay", "angle", "penumbra"]) if (name in settings && name in light) light[name] = settings[name];
    if (position) light.position.set(...position);
    return light;
  }

  function cameraOf(THREE, given = { cls: "PerspectiveCamera" }) {
    return given.cls === "OrthographicCamera" ? new THREE.OrthographicCamera() : new THREE.PerspectiveCamera(given.fov ?? FOV);
  }

  /** The sphere around the middle of a mesh's box that holds all of it: {centre, radius}. */
  trainboard.frameOf = ({ positions }) => {
    const low = [Infinity, Infinity, Infinity];
    const high = [-Infinity, -Infinity, -Infinity];
    for (let at = 0; at < positions.length; at += 1) {
      const axis = at % 3;
      if (positions[at] < low[axis]) low[axis] = positions[at];
      if (positions[at] > high[axis]) high[axis] = positions[at];
    }
    const centre = low.map((from, axis) => (from + high[axis]) / 2);
    let squared = 0;
    for (let at = 0; at < positions.length; at += 3) {
      const [x, y, z] = [positions[at] - centre[0], positions[at + 1] - centre[1], positions[at + 2] - centre[2]];
      squared = Math.max(squared, x * x + y * y + z * z);
    }
    return { centre, radius: Math.sqrt(squared) || 1 };
  };

  /** The smallest frame around two; the first of them if it holds the other. */
  trainboard.frameAround = (one, other) => {
    const apart = other.centre.map((at, axis) => at - one.centre[axis]);
    const away = Math.hypot(...apart);
    if (away + other.radius <= one.radius * (1 + EVEN)) return one;
    if (away + one.radius <= other.radius) return other;
    const radius = (away + one.radius + other.radius) / 2;
    return { centre: one.centre.map((at, axis) => at + (apart[axis] * (radius - one.radius)) / away), radius };
  };

  /** Where a camera begins, in radii around the frame: where the configuration puts it, or a little above. */
  trainboard.meshHome = ({ config: { camera = {} } }, frame) => {
    const whole = ROOM / Math.sin((Math.min(camera.fov ?? FOV, 120) * Math.PI) / 360);
    if (!camera.position) return { ...HOME, distance: whole };
    const target = (camera.lookAt ?? camera.target ?? frame.centre).map((at, axis) => (at - frame.centre[axis]) / frame.radius);
    const away = camera.position.map((at, axis) => (at - frame.centre[axis]) / frame.radius - target[axis]);
    const distance = Math.hypot(...away) || whole;
    return { theta: Math.atan2(away[0], away[2]), phi: Math.acos(away[1] / distance), distance, target };
  };

  /** Place a camera as a state in radii says; what is nearer or farther than the mesh is cut away. */
  trainboard.placeMeshCamera = (camera, state, frame, given, width, height) => {
    const { centre, radius } = frame;
    const distance = state.distance * radius;
    camera.near = given?.near ?? Math.max(distance - 4 * radius, distance / 500);
    camera.far = given?.far ?? distance + 20 * radius;
    trainboard.placeCamera(camera, { ...state, distance, target: state.target.map((at, axis) => centre[axis] + at * radius) }, width, height);
  };
})();
