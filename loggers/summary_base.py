"""What every method of ``SummaryWriter`` relies on: its run, and TensorBoard's own writer beside it."""

from __future__ import annotations

import functools
import os
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from .guard import Guard
from .lifecycle import EXIT_TIMEOUT, Ending
from .session import init_beside

if TYPE_CHECKING:
    from .run import Run

W = TypeVar("W", bound="Writer")
P = ParamSpec("P")


def adds(
    method: Callable[Concatenate[W, P], None],
) -> Callable[Concatenate[W, P], None]:
    """Does the same to TensorBoard's files, if there are any, and turns errors into one warning each."""
    name = method.__name__.lstrip("_")

    @functools.wraps(method)
    def call(self: W, *args: P.args, **kwargs: P.kwargs) -> None:
        if self._mirror is not None:
            with self._guard(f"{name}() for TensorBoard's files"):
                getattr(self._mirror, name)(*args, **kwargs)
        with self._guard(f"{name}()"):
            method(self, *args, **kwargs)

    return call


class Writer:
    """A writer's life: the run it writes to, its flushing and closing. ``SummaryWriter`` adds the rest."""

    def __init__(
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: int | None = None,
        max_queue: int = 10,
        flush_secs: int = 120,
        filename_suffix: str = "",
        *,
        tensorboard: bool = False,
        project: str | None = None,
        store: str | os.PathLike[str] | None = None,
    ) -> None:
        if not log_dir:
            log_dir = os.path.join("runs", f"{datetime.now():%b%d_%H-%M-%S}_{socket.gethostname()}{comment}")
        self.log_dir = log_dir
        self.purge_step = purge_step
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.filename_suffix = filename_suffix
        self._guard = Guard()
        self._project, self._store = project, store
        self._name = _run_name(Path(log_dir))
        self._mirror: Any = self._open_mirror() if tensorboard else None
        self._closed = False
        self._run = init_beside(project, self._name, store=store)

    def _open_mirror(self) -> Any:
        from .torch_mirror import open_mirror

        names = ("purge_step", "max_queue", "flush_secs", "filename_suffix")
        return open_mirror(os.fspath(self.log_dir), **{name: getattr(self, name) for name in names})

    @property
    def run(self) -> Run:
        """The run that this writes to; what is added after ``close()`` continues it."""
        if self._closed:
            self._run = init_beside(
                self._project, self._name, id=self._run.id, resume="allow", store=self._store
            )
            self._closed = False
        return self._run

    @property
    def file_writer(self) -> Any:
        """PyTorch's file writer; without event files this object, which can flush and close; closed, None."""
        if self._closed:
            return None
        return self if self._mirror is None else self._mirror.file_writer

    def get_logdir(self) -> str | os.PathLike[str]:
        """``log_dir`` as it was given or made."""
        return self.log_dir

    def _log(self, tag: str, value: Any, step: Any, walltime: float | None) -> None:
        self.run.log({tag: value}, 0 if step is None else step, wall_time=walltime)

    def flush(self) -> None:
        """Wait until what was added is in the store, but not much longer than a closing would take."""
        if self._mirror is not None:
            with self._guard("flush() for TensorBoard's files"):
                self._mirror.flush()
        if not self._closed:
            self._run.flush(EXIT_TIMEOUT)

    def close(self) -> None:
        """Finish the run. What is added later continues it, as PyTorch's writer opens its files again."""
        if self._mirror is not None:
            with self._guard("close() for TensorBoard's files"):
                self._mirror.close()
        self._run.finish()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._run.end(Ending.of_exception(error))
        self.close()


def _run_name(log_dir: Path) -> str:
    """What TensorBoard calls the run: of a relative path all but the first folder; else two parts."""
    parts = [part for part in log_dir.parts if part not in (log_dir.anchor, ".", "..")]
    if not log_dir.is_absolute():
        return "/".join(parts[1:] or parts) or "run"
    return "/".join(parts[-2:]) or "run"
