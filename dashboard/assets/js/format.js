/* How numbers and times are written: four significant digits, local time. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const DIGITS = 4;
  const TICK_DIGITS = 6;
  const UNITS_OF_TIME = [
    [60, 1, "s"],
    [3600, 60, "min"],
    [86400, 3600, "h"],
    [Infinity, 86400, "d"],
  ];
  const UNITS_OF_NUMBERS = [
    [1e12, 1e12, "T"],
    [1e9, 1e9, "G"],
    [1e6, 1e6, "M"],
    [1e4, 1e3, "k"],
  ];

  /** A value: four significant digits, NaN and infinities by name. */
  function number(value) {
    if (Number.isNaN(value)) return "NaN";
    if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
    if (value === 0) return "0";
    const size = Math.abs(value);
    const text = size >= 1e6 || size < 1e-4 ? value.toExponential(DIGITS - 1) : value.toPrecision(DIGITS);
    return (text.includes("e+") || size < 1e4 ? text : String(Number(text))).replaceAll("-", "−").replace("e+", "e");
  }

  const integer = (value) => Math.round(value).toLocaleString("en");

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

  /** A length of time for an axis: "90 s", "5 min", "2 h". */
  function short(seconds) {
    if (Math.abs(seconds) < 1) return `${Number((seconds * 1000).toPrecision(3))} ms`;
    const [, unit, name] = UNITS_OF_TIME.find(([limit]) => Math.abs(seconds) < limit * 2);
    return `${Number((seconds / unit).toPrecision(3))}${name === "s" ? " s" : ` ${name}`}`;
  }

  /** A number beside an axis: short, with k, M, G for large ones. */
  function tick(value) {
    const size = Math.abs(value);
    const [, unit, letter] = UNITS_OF_NUMBERS.find(([least]) => size >= least) ?? [0, 1, ""];
    if (size >= 1e15 || (size > 0 && size < 1e-3)) {
      return minus(String(Number(value.toPrecision(TICK_DIGITS)).toExponential()).replace("e+", "e"));
    }
    return minus(String(Number((value / unit).toPrecision(TICK_DIGITS)))) + letter;
  }

  const minus = (text) => text.replaceAll("-", "−");
  const pad = (value) => String(Math.floor(value)).padStart(2, "0");
  const asSeconds = (time) => (typeof time === "number" ? time : Date.parse(time) / 1000);

  trainboard.format = {
    number,
    integer,
    duration,
    short,
    tick,
    tickDigits: TICK_DIGITS,
    time: (time) => new Date(asSeconds(time) * 1000).toLocaleString(),
  };
})();
