/* What the Health page asks the server for: again when the run changed, and on while there is more to read. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { useEffect, useRef, useState } = React;
  const AGAIN_MILLISECONDS = 150;

  /** The answer to a GET of `url` (null: none) about these `runs`, and what went wrong. The answer before stays
      until the next is there, so that nothing flickers; `isPartial` says whether to ask on. */
  trainboard.useAnswer = (url, runs, isPartial = () => false) => {
    const [told, setTold] = useState({ url: null, answer: null, problem: null });
    const again = useRef(() => {});
    useEffect(() => {
      if (url === null) return undefined;
      let current = true;
      let timer = null;
      let asking = false;
      let missed = false;
      async function ask() {
        clearTimeout(timer);
        if (asking) return void (missed = true);
        asking = true;
        const next = await get(url);
        asking = false;
        if (!current) return;
        setTold((before) => ({ url, answer: next.answer ?? (next.lost ? before.answer : null), problem: next.problem ?? null }));
        if (missed || (next.answer && isPartial(next.answer))) timer = setTimeout(ask, AGAIN_MILLISECONDS);
        missed = false;
      }
      again.current = ask;
      ask();
      return () => void ((current = false), clearTimeout(timer));
    }, [url]);
    const key = runs.join();
    useEffect(() => trainboard.on("tick", (changed) => (changed === null || runs.some((run) => changed.has(run))) && again.current()), [key]);
    return told;
  };

  async function get(url) {
    try {
      const response = await fetch(url);
      const body = await response.json();
      return response.ok ? { answer: body } : { problem: body.message };
    } catch {
      return { lost: true }; /* the header says that the server is lost */
    }
  }

  /** base64 of little-endian float32. */
  trainboard.floatsOf = (text) => new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
})();
