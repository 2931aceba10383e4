"""Captures what a program says through ``tf.summary``, in eager code and in graphs.

A summary in a ``tf.function`` is written by an operation of the graph, which knows nothing but
TensorFlow's own writer. So that writer is what the program gets: it writes to a directory of ours,
and a thread reads what is written there, in order, to the last record.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from tensorboard.backend.event_processing.directory_watcher import DirectoryWatcher
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
from tensorboard.backend.event_processing.io_wrapper import IsSummaryEventsFile

from . import session
from .guard import Guard
from .tensorflow_events import SummaryLog, summary_log

if TYPE_CHECKING:
    from .run import Run

_SECONDS = 1.0


@contextmanager
def tf_summary(run: Run | None = None) -> Iterator[Any]:
    """Make a run the default writer of ``tf.summary``: ``with tb.tf_summary(run): …``.

    Scalars, histograms, images, texts, graphs (``tf.summary.graph``, ``trace_export``) and
    hyper-parameters of the hparams plugin are logged under the tags and at the steps that the program
    gives. ``run`` defaults to the current one, and to a new one if there is none. Yields TensorFlow's
    writer. What is written appears within about a second; at the end everything is logged.
    """
    used = run or session.current_run() or session.init()
    with tempfile.TemporaryDirectory(prefix="trainboard-summaries-") as folder:
        writer = tf.summary.create_file_writer(folder)
        reading = _Reading(folder, writer, summary_log(used))
        try:
            with writer.as_default():
                yield writer
        finally:
            reading.stop()
            if used is not run and used is not session.current_run():
                used.finish()


class _Reading:
    """A thread that reads the event files of a folder as they grow."""

    def __init__(self, folder: str, writer: Any, log: SummaryLog) -> None:
        self._events = DirectoryWatcher(folder, LegacyEventFileLoader, IsSummaryEventsFile)
        self._writer = writer
        self._log = log
        self._guard = Guard()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trainboard-summaries", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Read what is left. The writer is closed afterwards."""
        self._stopping.set()
        self._thread.join()
        self._read()
        with self._guard("closing the writer of summaries"):
            self._writer.close()

    def _run(self) -> None:
        while not self._stopping.wait(_SECONDS):
            self._read()

    def _read(self) -> None:
        with self._guard("reading summaries"):
            with tf.init_scope():
                self._writer.flush()
            for event in self._events.Load():
                self._log.event(event)
