"use strict";
(() => {
  const trainboard = (window.trainboard ??= {});
  trainboard.ChartGrid = () => React.createElement("div", null, "Charts");
})();
