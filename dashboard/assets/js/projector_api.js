/* What the Projector page asks the server for, as hooks of React. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const { useEffect, useState } = React;
  const PATH = "/api/v1/projector";
  const ASK_AGAIN = 350;

  const url = (what, asked) => `${PATH}/${what}?${new URLSearchParams(asked)}`;
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

  async function ask(what, asked, signal) {
    const answer = await fetch(url(what, asked), { signal });
    if (!answer.ok) throw new Error((await answer.json()).message);
    return answer;
  }

  /** A hook: what the server answers to a question, {value, problem}; the last value until there is a new one. */
  function useAnswer(what, asked, read = (answer) => answer.json()) {
    const [told, tell] = useState({ value: null, problem: "", key: null });
    const key = asked && url(what, asked);
    useEffect(() => {
      if (!key) return tell({ value: null, problem: "", key: null });
      const stop = new AbortController();
      ask(what, asked, stop.signal)
        .then(read)
        .then((value) => stop.signal.aborted || tell({ value, problem: "", key }))
        .catch((error) => stop.signal.aborted || tell({ value: null, problem: error.message, key }));
      return () => stop.abort();
    }, [key]);
    return { ...told, isNew: told.key === key };
  }

  /** A hook: a column of the metadata, `cells` by the rows of the embedding, whichever of them are drawn. */
  const useColumn = (asked) => useAnswer("column", asked, readColumn);
  const readColumn = async (answer) => {
    const { rows, texts, numbers, numeric } = await answer.json();
    const cells = new Map(rows.map((row, at) => [row, (texts ?? numbers)[at]]));
    return { cells, numeric, isScale: Boolean(numbers) };
  };

  /** A hook: the embeddings of the shown runs; null until they are known. */
  function useClouds() {
    const ids = trainboard.useState("query", "theme", "shown").shown.map((run) => run.id);
    const { answer } = trainboard.useAnswer(url("clouds", { runs: ids }), ids);
    return answer && answer.clouds;
  }

  /** A hook: where the points of a view are. While it is made, `share` of it is done, and `cancel` ends that. */
  function usePositions(asked) {
    const [made, setMade] = useState({ value: null, share: undefined, problem: "", key: null });
    const [cancelled, setCancelled] = useState(null);
    const key = asked && url("positions", asked);
    useEffect(() => {
      if (!key) return setMade({ value: null, share: undefined, problem: "", key: null });
      if (key === cancelled) return;
      const stop = new AbortController();
      follow(key, stop.signal, (news) => stop.signal.aborted || setMade((now) => ({ ...now, problem: "", share: undefined, ...news })));
      return () => stop.abort();
    }, [key, cancelled]);
    const cancel = () => {
      setCancelled(key); /* the page asks no more, which would begin it again */
      setMade((now) => ({ ...now, share: undefined }));
      return fetch(url("cancel", asked), { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    };
    return { ...made, isNew: made.key === key, isCancelled: key !== null && key === cancelled, cancel, retry: () => setCancelled(null) };
  }

  async function follow(address, signal, tell) {
    try {
      let answer = await fetch(address, { signal });
      while (answer.status === 202) {
        tell({ share: (await answer.json()).share });
        await pause(ASK_AGAIN);
        answer = await fetch(address, { signal });
      }
      if (!answer.ok) return tell({ value: null, problem: (await answer.json()).message, key: address });
      tell({ value: trainboard.unpacked(await answer.arrayBuffer()), key: address });
    } catch {
      tell({ problem: "The server cannot be reached." });
    }
  }

  /** Save what is known of some points as a file. */
  async function saveRows(place, rows) {
    const answer = await fetch(url("rows", place), {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ rows }),
    });
    if (!answer.ok) throw new Error((await answer.json()).message);
    const link = Object.assign(document.createElement("a"), {
      href: URL.createObjectURL(await answer.blob()), download: `${place.tag.replace(/[^\w.-]+/g, "_")}.csv`,
    });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** Send a file or a change; what the server answers. Raises an Error for people. */
  async function send(what, asked, body) {
    const isFile = body instanceof Blob;
    const answer = await fetch(url(what, asked), {
      method: "POST", headers: { "content-type": isFile ? "application/octet-stream" : "application/json" }, body: isFile ? body : JSON.stringify(body),
    }).catch(() => {
      throw new Error("The server cannot be reached.");
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.message);
    return told;
  }

  trainboard.projector = { useAnswer, useColumn, useClouds, usePositions, saveRows, send, url };
})();
