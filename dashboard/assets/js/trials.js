/* The HParams page: a point that is clicked leads to its run. */
"use strict";
(window.dash_clientside ??= {}).trainboard_trials = {
  open_run(clicked) {
    const run = clicked?.points?.[0]?.customdata;
    if (run) trainboard.open(`/runs?${new URLSearchParams({ ...trainboard.state.query, run })}`);
    return "";
  },
};
