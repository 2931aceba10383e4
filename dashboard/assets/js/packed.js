/* Answers that hold arrays of numbers; `pack` in dashboard/packed.py describes them. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  const TYPES = { float32: Float32Array, uint32: Uint32Array, uint8: Uint8Array };

  /** An answer with each of its arrays by name, read in place. */
  trainboard.unpacked = (buffer) => {
    const length = new DataView(buffer).getUint32(0, true);
    const told = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    let at = 4 + length;
    const arrays = {};
    for (const [name, [type, count]] of Object.entries(told.arrays)) {
      arrays[name] = new TYPES[type](buffer, at, count);
      at += Math.ceil(arrays[name].byteLength / 4) * 4;
    }
    return { ...told, ...arrays };
  };

  /** base64 of little-endian float32. */
  trainboard.floatsOf = (text) => new Float32Array(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
})();
