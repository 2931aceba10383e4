/* One picture as large as the window: zoom, pixels, and the difference to that of another run or step. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const MODES = [["one", "One"], ["swipe", "Swipe"], ["difference", "Difference"], ["side", "Side by side"]];
  const ZOOM_STEP = 1.25;
  const [LEAST_ZOOM, MOST_ZOOM] = [0.25, 64];
  const AMPLIFY = [1, 2, 4, 8, 16];
  const HELP = "Wheel, + and − zoom; drag moves; double-click or 0 shows all of it";
  const WHOLE = { zoom: 1, x: 0, y: 0 };
  const FIRST = Number.MIN_SAFE_INTEGER;

  /** Open a picture as `Picture` knows it. */
  trainboard.inspect = (picture) => {
    const host = document.body.appendChild(document.createElement("div"));
    const root = ReactDOM.createRoot(host);
    const close = () => {
      root.unmount();
      host.remove();
    };
    root.render(h(Inspector, { picture, close }));
  };

  function Inspector({ picture, close }) {
    const dialog = useRef(null);
    const [mode, setMode] = useState("one");
    const [other, setOther] = useState(null);
    const [problem, setProblem] = useState("");
    const [pixel, setPixel] = useState(null);
    const [amplify, setAmplify] = useState(4);
    useEffect(() => dialog.current.showModal(), []);
    const choose = async (where) => {
      try {
        setOther({ ...(await ask(where)), where });
        setProblem("");
      } catch (error) {
        setProblem(error.message);
      }
    };
    useEffect(() => {
      if (mode !== "one" && !other) choose(firstOther(picture.where));
    }, [mode]);
    const compared = mode === "one" ? null : other;
    const shut = () => dialog.current.close();
    const modes = MODES.map(([value, label]) =>
      h("button", { key: value, type: "button", "aria-pressed": mode === value, onClick: () => setMode(value) }, label));
    const toolbar = h("div", { className: "inspector-bar" },
      h("strong", null, picture.title),
      h("span", { className: "inspector-modes", role: "group", "aria-label": "Compare" }, modes),
      mode !== "one" && h(OtherChoice, { where: other?.where ?? picture.where, steps: other?.steps ?? [], choose }),
      mode === "difference" && h(Amplify, { amplify, setAmplify }),
      mode === "one" && h(trainboard.ClassLegend, { tag: picture.where.tag }),
      h("button", { type: "button", className: "inspector-close", onClick: shut, "aria-label": "Close" }, "✕"));
    return h("dialog", { ref: dialog, className: "inspector", "aria-label": picture.title, onClose: close },
      toolbar,
      problem && h("p", { className: "inspector-problem" }, problem),
      h(Stage, { picture, other: compared, mode, amplify, setPixel }),
      h("output", { className: "inspector-pixel" }, pixel || HELP));
  }

  function Amplify({ amplify, setAmplify }) {
    const choose = (event) => setAmplify(Number(event.target.value));
    const options = AMPLIFY.map((by) => h("option", { key: by }, by));
    const select = { value: amplify, onChange: choose, "aria-label": "Amplify the difference" };
    return h("label", null, "× ", h("select", select, options));
  }

  /** Another run that is shown at the same step, or else this run at its first step. */
  function firstOther(where) {
    const run = trainboard.state.shown.find(({ id }) => id !== where.run);
    return run ? { ...where, run: run.id } : { ...where, step: FIRST };
  }

  async function ask({ run, tag, rank, step }) {
    if (step === FIRST) step = (await ask({ run, tag, rank, step: Number.MAX_SAFE_INTEGER })).steps[0];
    const answer = await fetch(`/api/v1/picture?${new URLSearchParams({ run, tag, rank, step })}`);
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.message);
    return told;
  }

  function OtherChoice({ where, steps, choose }) {
    const runs = trainboard.state.shown;
    const at = Math.max(steps.findLastIndex((step) => step <= where.step), 0);
    const run = {
      value: where.run, "aria-label": "Run to compare with",
      onChange: (event) => choose({ ...where, run: event.target.value }),
    };
    const step = {
      type: "range", min: 0, max: Math.max(steps.length - 1, 0), value: at, "aria-label": "Step to compare with",
      onChange: (event) => choose({ ...where, step: steps[Number(event.target.value)] }),
    };
    return h(React.Fragment, null,
      h("label", null, "with ", h("select", run, runs.map(({ id, name }) => h("option", { key: id, value: id }, name)))),
      h("label", null, "step ", h("input", step), steps.length > 0 && ` ${trainboard.format.integer(steps[at])}`));
  }

  function Stage({ picture, other, mode, amplify, setPixel }) {
    const frame = useRef(null);
    const images = [useRef(null), useRef(null)];
    const [view, setView] = useState(WHOLE);
    const [cut, setCut] = useState(50);
    useEffect(() => zoomByWheel(frame.current, setView), []);
    const drag = ({ buttons, movementX, movementY }) =>
      buttons === 1 && setView((now) => ({ ...now, x: now.x + movementX, y: now.y + movementY }));
    const press = ({ key }) => {
      if (key === "0") setView(WHOLE);
      if (key === "+" || key === "-") setView((now) => zoomed(now, key === "+" ? ZOOM_STEP : 1 / ZOOM_STEP, 0, 0));
    };
    const tell = (event) => setPixel(inWords(images.map(({ current }) => current && trainboard.pixelAt(current, event))));
    const ratio = (one) => ({ "--ratio": one.width / one.height });
    const layer = (one, at, style) => h("img", {
      key: at, ref: images[at], src: one.src, alt: at ? "What it is compared with" : picture.title, draggable: false, style,
    });
    /* A difference is drawn over both; the other one is there to be read. */
    const over = mode === "swipe" ? { clipPath: `inset(0 0 0 ${cut}%)` } : { visibility: "hidden" };
    const isSide = mode === "side" && other;
    const transform = `translate(${view.x}px, ${view.y}px) scale(${view.zoom})`;
    const stage = {
      className: "inspector-stage", ref: frame, tabIndex: 0, role: "group", "aria-label": HELP, onKeyDown: press,
      onPointerMove: (event) => (drag(event), tell(event)), onDoubleClick: () => setView(WHOLE),
    };
    return h("div", stage,
      h("div", { className: isSide ? "inspector-pictures side" : "inspector-pictures", style: { transform } },
        h("div", { className: "inspector-picture", style: ratio(picture) },
          layer(picture, 0),
          mode === "one" && h(trainboard.PictureLabels, picture),
          other && !isSide && layer(other, 1, over),
          other && mode === "swipe" && h(Swipe, { cut, setCut }),
          other && mode === "difference" && h(Difference, { images, amplify, key: `${picture.src} ${other.src}` })),
        isSide && h("div", { className: "inspector-picture", style: ratio(other) }, layer(other, 1))),
    );
  }

  /** Where one picture ends and the other begins, in hundredths of the width. */
  function Swipe({ cut, setCut }) {
    return h(React.Fragment, null,
      h("i", { className: "inspector-cut", style: { left: `${cut}%` } }),
      h("input", {
        type: "range", className: "inspector-swipe", min: 0, max: 100, value: cut, "aria-label": "Before and after",
        onPointerMove: (event) => event.stopPropagation(), onChange: (event) => setCut(Number(event.target.value)),
      }));
  }

  /** The view zoomed by a factor; what is at x, y from the middle stays there. */
  function zoomed(now, factor, x, y) {
    const zoom = Math.min(Math.max(now.zoom * factor, LEAST_ZOOM), MOST_ZOOM);
    const by = zoom / now.zoom;
    return { zoom, x: x - (x - now.x) * by, y: y - (y - now.y) * by };
  }

  function zoomByWheel(frame, setView) {
    const turn = (event) => {
      event.preventDefault();
      const area = frame.getBoundingClientRect();
      const [x, y] = [event.clientX - area.left - area.width / 2, event.clientY - area.top - area.height / 2];
      setView((now) => zoomed(now, event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP, x, y));
    };
    frame.addEventListener("wheel", turn, { passive: false });
    return () => frame.removeEventListener("wheel", turn);
  }

  /** The pixel under the mouse in one picture or in both, and how far these are apart. */
  function inWords([pixel, other]) {
    if (!pixel) return other ? `${other.x}, ${other.y}: ${trainboard.levelsText(other.levels)}` : null;
    const text = `x ${pixel.x}, y ${pixel.y}: ${trainboard.levelsText(pixel.levels)}`;
    if (!other) return text;
    const apart = pixel.levels.slice(0, 3).map((level, at) => level - other.levels[at]);
    return `${text} · other ${trainboard.levelsText(other.levels)} · difference ${apart.join(" ")}`;
  }

  /** |A − B| of both pictures, amplified; and its mean and maximum in words. */
  function Difference({ images, amplify }) {
    const canvas = useRef(null);
    const [told, setTold] = useState("");
    useEffect(() => {
      const draw = () => {
        const contexts = images.map(({ current }) => trainboard.pixelsOf(current));
        if (contexts.every(Boolean)) setTold(paintDifference(canvas.current, contexts, amplify));
      };
      draw();
      images.forEach(({ current }) => current.addEventListener("load", draw));
      return () => images.forEach(({ current }) => current?.removeEventListener("load", draw));
    }, [amplify, images[0].current?.src, images[1].current?.src]);
    return h(React.Fragment, null, h("canvas", { ref: canvas }), h("span", { className: "inspector-told" }, told));
  }

  function paintDifference(canvas, contexts, amplify) {
    const [width, height] = ["width", "height"].map((side) => Math.min(...contexts.map((context) => context.canvas[side])));
    const [one, other] = contexts.map((context) => context.getImageData(0, 0, width, height).data);
    canvas.width = width;
    canvas.height = height;
    const drawn = new ImageData(width, height);
    let [sum, greatest] = [0, 0];
    for (let at = 0; at < one.length; at += 1) {
      if (at % 4 === 3) {
        drawn.data[at] = 255;
        continue;
      }
      const apart = Math.abs(one[at] - other[at]);
      sum += apart;
      greatest = Math.max(greatest, apart);
      drawn.data[at] = apart * amplify;
    }
    canvas.getContext("2d").putImageData(drawn, 0, 0);
    const sizes = contexts.map((context) => `${context.canvas.width} × ${context.canvas.height}`);
    const unlike = sizes[0] === sizes[1] ? "" : ` · of the part both have (${sizes.join(" and ")})`;
    return `mean difference ${trainboard.format.number(sum / ((one.length * 3) / 4))} of 255, greatest ${greatest}${unlike}`;
  }
})();
