"""Points, scalars and runs as pandas tables."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dashboard_fixtures import falling, log_run

from trainboard.storage import Store, open_store
from trainboard.storage.errors import RunNotFound

pytest.importorskip("pandas", reason="pip install 'trainboard[pandas]'")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "runs.db", create=True)
    for number in (1, 2):
        log_run(opened, f"run {number}", falling(50, number), config={"lr": number / 10, "net": {"depth": 2}})
    yield opened
    opened.close()


def test_points_become_a_table_exact_or_thinned(store: Store) -> None:
    (run, _) = store.runs()
    exact = store.points(run.id, "train/loss").to_pandas()
    assert list(exact.columns) == ["step", "wall_time", "value"] and len(exact) == 50
    thinned = store.points(run.id, "train/loss", width=5).to_pandas()
    assert thinned["count"].sum() == 50 and {"minimum", "maximum", "mean"} <= set(thinned.columns)


def test_scalars_of_runs_and_tags_become_one_long_table(store: Store) -> None:
    table = store.to_pandas(tags=["train/loss", "val/loss"])
    assert list(table.columns) == ["run", "name", "tag", "rank", "step", "wall_time", "value"]
    assert len(table) == 200 and set(table["name"]) == {"run 1", "run 2"}
    means = table.groupby(["name", "tag"], observed=True)["value"].mean()
    assert means["run 2", "val/loss"] == pytest.approx(2.2 * means["run 1", "train/loss"])
    (one,) = (run.id for run in store.runs() if run.name == "run 1")
    assert set(store.to_pandas(runs=[one])["tag"]) == {"train/loss", "train/accuracy", "val/loss"}
    assert len(store.to_pandas(tags=["absent"])) == 0
    with pytest.raises(RunNotFound, match="absent"):
        store.to_pandas(runs=["absent"])


def test_runs_become_a_table_with_config_and_summary(store: Store) -> None:
    table = store.runs_to_pandas().set_index("name")
    assert table.loc["run 1", "config.lr"] == 0.1 and table.loc["run 2", "config.net.depth"] == 2
    assert table.loc["run 1", "summary.train/loss"] == pytest.approx(1 / 50)
    assert len(store.runs_to_pandas("no such project")) == 0


def test_without_pandas_it_says_what_to_install(store: Store) -> None:
    program = (
        "import sys; sys.modules['pandas'] = None; import trainboard as tb; "
        f"tb.open_store({store.url!r}).to_pandas()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'trainboard[pandas]'" in done.stderr.splitlines()[-1]
