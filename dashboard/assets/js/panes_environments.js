/* The environments beside the board: grouped by what is before the first "_", any number of them chosen, and
   what can be done with those. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const h = (...args) => React.createElement(...args);
  const { useEffect, useRef, useState } = React;

  trainboard.PaneEnvironments = function PaneEnvironments({ environments, chosen, choose, report, readOnly }) {
    const [search, setSearch] = useState("");
    const tree = useRef(null);
    useEffect(() => void tree.current.querySelector(":checked")?.scrollIntoView({ block: "nearest" }), []);
    const found = environments.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()));
    const groups = Map.groupBy(found, ({ name }) => name.split("_")[0]);
    const toggle = (name, alone) => {
      if (alone) return choose([name]);
      choose(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
    };
    const item = (environment, label = environment.name) =>
      h(Environment, { key: environment.name, environment, label, chosen, toggle });
    const group = ([first, members]) =>
      members.length === 1
        ? item(members[0])
        : h(
            "details",
            { key: first, open: true },
            h("summary", null, `${first} (${members.length})`),
            members.map((one) => item(one, one.name.slice(first.length + 1) || first)),
          );
    return h(
      "aside",
      { className: "pane-environments", "aria-label": "Environments" },
      h("input", {
        type: "search",
        placeholder: "Search environments",
        "aria-label": "Search environments",
        value: search,
        onChange: (event) => setSearch(event.target.value),
      }),
      h("div", { className: "pane-tree", ref: tree }, [...groups].map(group)),
      h(Actions, { environments, chosen, choose, report, readOnly }),
    );
  };

  function Environment({ environment: { name, windows }, label, chosen, toggle }) {
    return h(
      "div",
      { className: "pane-environment" },
      h("input", {
        type: "checkbox",
        checked: chosen.includes(name),
        "aria-label": `Compare ${name}`,
        onChange: () => toggle(name, false),
      }),
      h("button", { className: "quiet-button", title: `Show only ${name}`, onClick: () => toggle(name, true) }, label),
      h("span", { className: "quiet" }, String(windows)),
    );
  }

  function Actions({ environments, chosen, choose, report, readOnly }) {
    const one = environments.find(({ name }) => chosen.length === 1 && name === chosen[0]);
    const change = (...asked) => trainboard.panes.change(...asked).catch((error) => report(error.message));
    const fork = async () => {
      const to = prompt(`A copy of ${one.name}, named:`, `${one.name}_copy`);
      if (!to) return;
      await change("fork", { env: one.name, to });
      choose([to.replaceAll("/", "_")]);
    };
    const remove = async (envs) => {
      if (!envs.length) return report("No environment matches.");
      if (!confirm(`Delete for good, with all their windows: ${envs.join(", ")}?`)) return;
      await change("delete", { envs });
      choose(chosen.filter((name) => !envs.includes(name)));
    };
    const removeMatching = () => {
      const pattern = prompt("Delete all environments whose whole names match this regular expression, such as exp_.*:");
      if (!pattern) return;
      try {
        const expression = new RegExp(`^(?:${pattern})$`);
        remove(environments.map(({ name }) => name).filter((name) => expression.test(name)));
      } catch (error) {
        report(error.message);
      }
    };
    const open = async (event) => {
      for (const file of event.target.files) {
        const name = file.name.replace(/\.json$/, "");
        await trainboard.panes.import(name, await file.text()).catch((error) => report(error.message));
      }
    };
    const button = (label, onClick, disabled) => h("button", { onClick, disabled }, label);
    const link = (format) =>
      one && h("a", { href: trainboard.panes.exportUrl(one.name, format), download: "" }, `Export ${format.toUpperCase()}`);
    const changes = !readOnly && [
      button("Copy…", fork, !one),
      button("Delete…", () => remove(chosen), !chosen.length),
      button("Delete matching…", removeMatching),
      button(
        one?.promoted ? "Hide from the runs" : "Show as a run",
        () => change("promote", { env: one.name, promoted: !one.promoted }),
        !one,
      ),
      h("label", { className: "pane-import" }, "Import saved JSON…", h("input", { type: "file", accept: ".json", multiple: true, onChange: open })),
    ];
    return h("div", { className: "pane-actions" }, ...(changes || [h("p", { className: "quiet" }, "Read only")]), link("html"), link("json"));
  }
})();
