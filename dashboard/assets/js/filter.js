/* Filters of tags: what an expression lets through, and what it surely contains. */
"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});

  /** A filter is a regular expression, any case: [which tags match, what is wrong with it], one of them null. */
  trainboard.filterOf = (text) => {
    try {
      const pattern = new RegExp(text, "i");
      return [(tag) => pattern.test(tag), null];
    } catch (error) {
      return [null, error.message.replace(/^Invalid regular expression: /, "")];
    }
  };

  /** The longest text that all that match an expression contain, so far as that is plain to see, or "". */
  trainboard.literalOf = (text) => {
    if (/[|(]/.test(text)) return "";
    const pieces = text.replace(/\[[^\]]*\]/g, ".").split(/.(?:[?*]|\{[^}]*\})|\\.|[.^$+]/);
    return pieces.reduce((longest, piece) => (piece.length > longest.length ? piece : longest), "");
  };
})();
