/* A React hook: what an address of the API answers, asked again when the runs it is about change. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { useEffect, useRef, useState } = React;
  const AGAIN_MILLISECONDS = 150;
  const RETRY_MILLISECONDS = 2_000;
  const NOTHING = { answer: null, problem: null, isLost: false };

  /** What an address answers; throws an error with the server's words and its `status` where that is a refusal. */
  trainboard.accepted = async (url) => {
    const response = await fetch(url);
    if (response.ok) return response;
    const { message } = await response.json();
    throw Object.assign(new Error(message), { status: response.status });
  };

  const readJson = async (url) => (await trainboard.accepted(url)).json();

  /** `{answer, problem, isLost, again}` of an address (null: none) about these `runs`. The answer before stays
      until the next is there, so that nothing flickers. `problem` says in the server's words what is wrong with
      the question; a server that does not answer `isLost`, and is asked again. `isPartial` says of an answer
      whether there is more to come. */
  trainboard.useAnswer = function useAnswer(url, runs, { read = readJson, isPartial = () => false } = {}) {
    const [told, setTold] = useState(NOTHING);
    const again = useRef(() => {});
    const isReady = url !== null && trainboard.state.runs !== null;
    useEffect(() => {
      if (!isReady) return undefined;
      let current = true;
      let timer = null;
      let asking = false;
      let missed = false;
      async function ask() {
        clearTimeout(timer);
        if (asking) return void (missed = true);
        asking = true;
        const next = await outcome(read, url);
        asking = false;
        if (!current) return;
        setTold((before) => ({ ...next, answer: next.isLost ? before.answer : next.answer }));
        if (next.isLost) timer = setTimeout(ask, RETRY_MILLISECONDS);
        else if (missed || (next.answer && isPartial(next.answer))) timer = setTimeout(ask, AGAIN_MILLISECONDS);
        missed = false;
      }
      again.current = ask;
      ask();
      return () => void ((current = false), clearTimeout(timer));
    }, [url, isReady]);
    const key = runs.join();
    useEffect(() => trainboard.on("tick", (changed) => (changed === null || runs.some((run) => changed.has(run))) && again.current()), [key]);
    return { ...told, again: () => again.current() };
  };

  async function outcome(read, url) {
    try {
      return { ...NOTHING, answer: await read(url) };
    } catch (error) {
      return error.status >= 400 && error.status < 500 ? { ...NOTHING, problem: error.message } : { ...NOTHING, isLost: true };
    }
  }
})();
