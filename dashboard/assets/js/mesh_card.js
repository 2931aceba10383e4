/* A card of the Mesh page: one run's mesh at a step. It holds what it draws only while it is in view. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const MARGIN = "200px";
  const REST = 300; /* milliseconds without a turn, after which all of a mesh is drawn again */

  /** A hook: a ref, and whether its element is on the screen, or near it. */
  function useInView() {
    const element = useRef(null);
    const [inView, setInView] = useState(false);
    useEffect(() => {
      const observer = new IntersectionObserver(([entry]) => setInView(entry.isIntersecting), { rootMargin: MARGIN });
      observer.observe(element.current);
      return () => observer.disconnect();
    }, []);
    return [element, inView];
  }

  /** A hook: the mesh at a place, {mesh, problem}; the one before until it is there. */
  function useMesh(place, inView) {
    const [told, tell] = useState({ mesh: null, problem: "" });
    const address = `/api/v1/mesh?${new URLSearchParams(place)}`;
    useEffect(() => {
      if (!inView || place.index === null) return tell({ mesh: null, problem: "" });
      const stop = new AbortController();
      read(address, stop.signal)
        .then((mesh) => tell({ mesh, problem: "" }))
        .catch((error) => stop.signal.aborted || tell({ mesh: null, problem: error.message }));
      return () => stop.abort();
    }, [address, inView]);
    return told;
  }

  async function read(address, signal) {
    const answer = await fetch(address, { signal });
    if (!answer.ok) throw new Error((await answer.json()).message);
    return trainboard.unpacked(await answer.arrayBuffer());
  }

  /** `cameras` is shared by all cards of the page; `view` is "share", "keep" or "fit". */
  trainboard.MeshCard = function MeshCard({ one, run, index, step, view, look, cameras }) {
    const [element, inView] = useInView();
    const canvas = useRef(null);
    const drawing = useRef(null);
    const { mesh, problem } = useMesh({ run: one.run, tag: one.tag, rank: one.rank, index }, inView);
    const [failed, setFailed] = useState("");
    const [pace, setPace] = useState("");
    const name = `${one.run} ${one.tag} ${one.rank}`;

    useEffect(() => {
      if (!mesh || mesh.positions.length === 0) return;
      let over = false;
      trainboard
        .three()
        .then((THREE) => {
          if (over) return;
          drawing.current = draw(THREE, canvas.current, mesh, { name, tag: one.tag, view, look, color: run.color, cameras, tellPace: setPace });
        })
        .catch(() => setFailed("The drawing library cannot be loaded."));
      return () => {
        over = true;
        drawing.current?.close();
        drawing.current = null;
      };
    }, [mesh, view, look, run.color]);

    const counts = mesh && `${mesh.vertices.toLocaleString("en")} vertices${mesh.faces ? `, ${mesh.faces.toLocaleString("en")} faces` : ""}`;
    const nothing = problem || failed || (mesh && mesh.positions.length === 0 ? "Nothing to draw: this mesh has no vertices that are finite." : "");
    return h(
      "figure",
      { className: "mesh-card", ref: element, "data-drawn": mesh ? step : undefined },
      h("figcaption", null, h("span", { className: "swatch", style: { background: run.color } }), h("span", { className: "mesh-run" }, run.name + (one.rank ? ` · rank ${one.rank}` : "")), h("span", { className: "quiet" }, step === null ? "" : `step ${step.toLocaleString("en")}`)),
      index === null || nothing
        ? h("div", { className: "mesh-nothing" }, index === null ? "Nothing logged up to this step" : nothing)
        : h("canvas", { ref: canvas, tabIndex: 0, role: "application", "aria-label": `${one.tag} of ${run.name}; arrow keys turn, plus and minus zoom` }),
      h("div", { className: "mesh-facts quiet" }, counts || " "),
      mesh && [...mesh.notes, ...(pace ? [pace] : [])].map((note) => h("p", { key: note, className: "mesh-warning" }, note)),
    );
  };

  function draw(THREE, canvas, mesh, { name, tag, view, look, color, cameras, tellPace }) {
    const own = trainboard.frameOf(mesh);
    const shared = view === "share" ? `tag ${tag}` : name;
    const key = view === "share" ? "all" : name;
    if (view !== "fit") cameras.include(shared, key, own);
    const frame = () => (view === "fit" ? own : cameras.frame(shared, key));
    const scene = trainboard.createMeshScene(THREE, mesh, look, color);
    const home = () => trainboard.meshHome(mesh, frame());
    const get = () => cameras.get(key) ?? home();
    let resting = null;
    const drawn = trainboard.createView(canvas, (context, width, height) => {
      trainboard.placeMeshCamera(scene.camera, get(), frame(), mesh.config.camera, width, height);
      scene.render(context, width, height, trainboard.paperOf(canvas), canvas.width / width, resting !== null);
      tellPace(scene.pace.words());
    });
    const turn = () => {
      clearTimeout(resting);
      resting = setTimeout(() => {
        resting = null;
        drawn.draw();
      }, REST);
      drawn.draw();
    };
    const stops = [
      trainboard.listenToOrbit(canvas, { get, set: (state) => cameras.set(key, state), home }),
      cameras.listen(key, turn),
      trainboard.on("theme", drawn.draw),
    ];
    drawn.draw();
    canvas.trainboard = { camera: () => trainboard.orbitText(get()), isPlain: () => !trainboard.hasWebgl() };
    return {
      close() {
        clearTimeout(resting);
        stops.forEach((stop) => stop());
        drawn.close();
        scene.close();
      },
    };
  }
})();
