/* Changes that people make: one way to ask the server for them, and to say why it refused. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const TOKEN = "trainboard-write-token";
  const NEEDS_TOKEN = 401;

  /** Ask for a change; null, or what the server refused it with: {status, message}. */
  trainboard.change = async (url, asked) => {
    const headers = { "content-type": "application/json" };
    const token = sessionStorage.getItem(TOKEN);
    if (token) headers.authorization = `Bearer ${token}`;
    try {
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(asked) });
      if (answer.ok) return null;
      return { status: answer.status, message: (await answer.json()).message };
    } catch {
      return { status: 0, message: "The server cannot be reached; nothing was changed." };
    }
  };

  /** Read by POST, where the question is long. Throws an error with the server's message. */
  trainboard.ask = async (url, asked) => {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(asked),
    });
    const told = await answer.json();
    if (!answer.ok) throw Object.assign(new Error(told.message), { status: answer.status });
    return told;
  };

  /** Why a change was refused; where the write token is lacking, a field for it. */
  trainboard.Problem = function Problem({ problem, retry }) {
    const [token, setToken] = React.useState("");
    if (problem.status !== NEEDS_TOKEN) return h("p", { role: "alert", className: "problem" }, problem.message);
    const keep = (event) => {
      event.preventDefault();
      sessionStorage.setItem(TOKEN, token);
      retry();
    };
    return h(
      "form",
      { className: "control", role: "alert", onSubmit: keep },
      h("label", { htmlFor: "write-token" }, "Changing a run needs the write token that the server printed"),
      h("input", {
        id: "write-token",
        type: "password",
        autoComplete: "off",
        value: token,
        onChange: (event) => setToken(event.target.value),
      }),
      h("button", { disabled: !token }, "Use it"),
    );
  };
})();
