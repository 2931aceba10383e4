/* How numbers and times are written: four significant digits, local time. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const DIGITS = 4;
  const AGES = [
    [60, 1, "s"],
    [3600, 60, "min"],
    [86400, 3600, "h"],
    [Infinity, 86400, "d"],
  ];

  /** A value: four significant digits, NaN and infinities by name. */
  function number(value) {
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    if (value === 0) return "0";
    const size = Math.abs(value);
    const text = size >= 1e6 || size < 1e-4 ? value.toExponential(DIGITS - 1) : value.toPrecision(DIGITS);
    return (text.includes("e+") || size < 1e4 ? text : String(Number(text))).replace("-", "−").replace("e+", "e");
  }

  const integer = (value) => Math.round(value).toLocaleString("en").replaceAll(",", "\u2009");

  /** A length of time in seconds, "1 h 05 min". */
  function duration(seconds) {
    const s = Math.abs(seconds);
    const sign = seconds < 0 ? "−" : "";
    if (s < 10) return `${sign}${s.toFixed(s < 1 ? 2 : 1)} s`;
    if (s < 60) return `${sign}${Math.round(s)} s`;
    if (s < 3600) return `${sign}${Math.floor(s / 60)} min ${pad(s % 60)} s`;
    if (s < 86400) return `${sign}${Math.floor(s / 3600)} h ${pad((s % 3600) / 60)} min`;
    return `${sign}${Math.floor(s / 86400)} d ${pad((s % 86400) / 3600)} h`;
  }

  const pad = (value) => String(Math.floor(value)).padStart(2, "0");
  const asSeconds = (time) => (typeof time === "number" ? time : Date.parse(time) / 1000);

  trainboard.format = {
    number,
    integer,
    duration,
    /** How long ago: "5 min". */
    age(time) {
      const seconds = Math.max(0, Date.now() / 1000 - asSeconds(time));
      const [, unit, name] = AGES.find(([limit]) => seconds < limit);
      return `${Math.floor(seconds / unit)} ${name}`;
    },
    time: (time) => new Date(asSeconds(time) * 1000).toLocaleString(),
  };
})();
