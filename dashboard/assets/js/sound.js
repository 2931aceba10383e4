/* A sound: its waveform and its spectrogram, drawn by the server, and the browser's player below. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;
  const HEIGHT = 56;
  const SWINGS = 0;
  const SPECTROGRAM = 1;

  trainboard.Sound = function Sound({ id, src, seconds, rate, drawn = true }) {
    const player = useRef(null);
    const [swings, setSwings] = useState(null);
    const [at, setAt] = useState(0);
    useEffect(() => {
      let isGone = false;
      setSwings(null);
      setAt(0);
      if (drawn) trainboard.json(`${src}&part=${SWINGS}`).then((told) => !isGone && setSwings(told), () => {});
      return () => void (isGone = true);
    }, [src]);
    useEffect(() => follow(player.current, setAt), [src]);
    const seek = (event) => {
      const area = event.currentTarget.getBoundingClientRect();
      player.current.currentTime = ((event.clientX - area.left) / area.width) * seconds;
      setAt(player.current.currentTime);
    };
    const range = `0 to ${trainboard.format.number(rate / 2000)} kHz, 80 dB below the loudest`;
    const box = { viewBox: `0 0 ${swings?.least.length} ${HEIGHT}`, preserveAspectRatio: "none", height: HEIGHT };
    const picture = swings && [
      h("svg", { key: "swings", ...box, "aria-hidden": true }, h("path", { d: outline(swings) })),
      h("img", { key: "spectrogram", src: `${src}&part=${SPECTROGRAM}`, alt: `Spectrogram, ${range}`, title: range }),
      h("i", { key: "at", className: "sound-at", style: { left: `${(100 * at) / seconds}%` } }),
    ];
    return h("div", { id, className: "sound" },
      drawn && h("div", { className: "sound-drawn", onClick: seek, title: "Click to play from here" }, picture),
      /* The key makes a new player for other bytes: an old one would keep playing what it loaded. */
      h("audio", { key: src, ref: player, src, controls: true, preload: "metadata" }),
      h("div", { className: "unplayable" }, "This sound cannot be played: its file is damaged."));
  };

  /** One closed line around all swings. */
  function outline({ least, greatest }) {
    const place = (value) => (((1 - value) * HEIGHT) / 2).toFixed(1);
    const above = greatest.map((value, at) => `${at} ${place(value)}`);
    const below = least.map((value, at) => `${at} ${place(value - 0.02)}`).reverse();
    return `M${[...above, ...below].join("L")}Z`;
  }

  /** Tell where the player is, as often as the screen is drawn. */
  function follow(player, tell) {
    let frame = 0;
    const look = () => {
      tell(player.currentTime);
      if (!player.paused) frame = requestAnimationFrame(look);
    };
    for (const event of ["play", "seeked", "pause"]) player.addEventListener(event, look);
    return () => cancelAnimationFrame(frame);
  }
})();
