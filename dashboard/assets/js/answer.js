/* A React hook: what an address of the API answers, asked again when the runs it is about change. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { useEffect, useRef, useState } = React;
  const RETRY_MILLISECONDS = 2000;

  /** {answer, isLost, again}: the last answer, of this address or the one before, stays until there is another. */
  trainboard.useAnswer = function useAnswer(url, ids, read = trainboard.json) {
    const [answer, setAnswer] = useState(null);
    const [isLost, setLost] = useState(false);
    const [count, setCount] = useState(0);
    const mine = useRef(new Set());
    mine.current = new Set(ids);
    const again = () => setCount((before) => before + 1);
    useEffect(() => trainboard.on("tick", (runs) => (runs === null || [...runs].some((run) => mine.current.has(run))) && again()), []);
    const isReady = url !== null && trainboard.state.runs !== null;
    useEffect(() => {
      if (!isReady) return undefined;
      let current = true;
      read(url).then(
        (told) => current && (setAnswer(told), setLost(false)),
        () => current && (setLost(true), setTimeout(() => current && again(), RETRY_MILLISECONDS)),
      );
      return () => void (current = false);
    }, [url, count, isReady]);
    return { answer, isLost, again };
  };
})();
