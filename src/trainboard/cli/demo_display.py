"""How far the demo's runs are and how they ended, as the store tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from trainboard.cli.demo_training import Training
    from trainboard.storage import RunRecord, Store

METRICS = ("train/loss", "val/loss", "train/accuracy", "val/accuracy")
ONCE_AN_EPOCH = "val/loss"


def runs_of(store: Store, trainings: Sequence[Training]) -> list[RunRecord | None]:
    """The run of each program, told by its process id, or None where it has logged nothing yet."""
    by_process = {run.environment.get("pid"): run for run in reversed(store.runs())}
    return [by_process.get(training.process.pid) for training in trainings]


@contextmanager
def bars(trainings: Sequence[Training], epochs: int, console: Console) -> Iterator[Callable[[Store], None]]:
    """A progress bar for each program; what is yielded brings them up to date with the store."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("epochs  {task.fields[loss]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        tasks = [
            progress.add_task(f"{training.framework:8} seed {training.seed}", total=epochs, loss="starting")
            for training in trainings
        ]

        def show(store: Store) -> None:
            for task, run in zip(tasks, runs_of(store, trainings), strict=True):
                if run is not None:
                    progress.update(task, completed=epochs_done(store, run), loss=loss_of(run))

        yield show


def epochs_done(store: Store, run: RunRecord) -> int:
    return sum(series.count for series in store.series(run.id, "scalar") if series.tag == ONCE_AN_EPOCH)


def loss_of(run: RunRecord) -> str:
    loss = run.summary.get("train/loss")
    return "starting" if loss is None else f"loss {loss:.4f}"


def all_finished(store: Store, trainings: Sequence[Training]) -> bool:
    return all(run is not None and run.status == "finished" for run in runs_of(store, trainings))


def summary(store: Store, trainings: Sequence[Training]) -> Table:
    """One line a run: its last losses and accuracies, its steps, and how it ended."""
    metrics = (metric.replace("/", "\n") for metric in METRICS)
    columns = ("Run", "Framework", "Seed", *metrics, "Steps", "Status")
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for training, run in zip(trainings, runs_of(store, trainings), strict=True):
        if run is None:
            table.add_row("(logged nothing)", training.framework, str(training.seed))
            continue
        steps = max((series.last_step or 0 for series in store.series(run.id, "scalar")), default=0)
        values = [f"{run.summary[tag]:.4f}" if tag in run.summary else "–" for tag in METRICS]
        table.add_row(run.name, training.framework, str(training.seed), *values, str(steps), run.status)
    return table
