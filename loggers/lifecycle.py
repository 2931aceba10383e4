"""How runs end when nobody calls ``finish()``: at exit, by an exception, Ctrl-C or SIGTERM.

The program's own hooks and handlers are always called, and keep deciding what happens to the process.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Literal, NamedTuple, NoReturn

from .convert import to_text

Status = Literal["finished", "crashed", "stopped"]
EXIT_TIMEOUT = 10.0
SIGNAL_TIMEOUT = 3.0
_LONGEST_ERROR = 4_000
_SIGTERM_EXIT_CODE = 128 + signal.SIGTERM


class Ending(NamedTuple):
    """How a run ended: its status, the exit code of its process, and the text of its error."""

    status: Status
    exit_code: int
    error: str | None = None

    @classmethod
    def of_exit_code(cls, exit_code: int) -> Ending:
        return cls("finished" if exit_code == 0 else "crashed", exit_code)

    @classmethod
    def of_exception(cls, error: BaseException) -> Ending:
        if isinstance(error, KeyboardInterrupt):
            return cls("stopped", 128 + signal.SIGINT)
        if isinstance(error, SystemExit):
            code = error.code
            return cls.of_exit_code(code if isinstance(code, int) else int(code is not None))
        text = "".join(traceback.format_exception(error))
        return cls("crashed", 1, to_text(text[-_LONGEST_ERROR:]))


End = Callable[[Ending, float], object]


class _Process:
    """The hooks installed in this process. ``end`` ends the active run, within about a number of seconds."""

    def __init__(self, end: End) -> None:
        self.end = end
        self.pid = os.getpid()
        self.ending = Ending("finished", 0)
        self.previous_excepthook = sys.excepthook
        self.previous_exit = sys.exit
        self.previous_sigterm: Any = None

    def install(self) -> None:
        sys.excepthook = self.on_exception
        sys.exit = self.on_sys_exit
        atexit.register(self.on_exit)
        self.listen_to_multiprocessing()
        if threading.current_thread() is threading.main_thread():
            self.previous_sigterm = signal.getsignal(signal.SIGTERM)
            if callable(self.previous_sigterm) or self.previous_sigterm is signal.SIG_DFL:
                signal.signal(signal.SIGTERM, self.on_sigterm)

    def listen_to_multiprocessing(self) -> None:
        """A forked child of multiprocessing ends without atexit, but runs its finalizers."""
        process: Any = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, self.on_child_exit, exitpriority=0)

    def on_child_exit(self) -> None:
        error = sys.exception()
        if error is not None:
            self.ending = Ending.of_exception(error)
        self.on_exit()

    def on_exit(self) -> None:
        if os.getpid() == self.pid:
            self.end(self.ending, EXIT_TIMEOUT)

    def on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        # At a prompt, an error does not end the process.
        if not hasattr(sys, "ps1"):
            self.ending = Ending.of_exception(error)
        self.previous_excepthook(kind, error, trace)

    def on_sys_exit(self, status: Any = None, /) -> NoReturn:
        # Nothing else tells at exit which status the program chose.
        in_main_thread = threading.current_thread() is threading.main_thread()
        if in_main_thread and self.ending.status == "finished":
            self.ending = Ending.of_exception(SystemExit(status))
        self.previous_exit(status)

    def on_sigterm(self, number: int, frame: FrameType | None) -> None:
        stopped = Ending("stopped", _SIGTERM_EXIT_CODE)
        if callable(self.previous_sigterm):
            self.ending = stopped
            self.previous_sigterm(number, frame)
            return
        # A forked child has nothing to end, and may not have replaced the locks it inherited yet.
        if os.getpid() == self.pid:
            self.end(stopped, SIGNAL_TIMEOUT)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


_process: _Process | None = None


def install(end: End) -> None:
    """Have ``end(ending, timeout)`` called when this process ends, however often this is called."""
    global _process
    if _process is None:
        _process = _Process(end)
        _process.install()
    elif _process.pid != os.getpid():
        # A forked child that begins a run of its own inherits the hooks.
        _process.pid = os.getpid()
        _process.ending = Ending("finished", 0)
        _process.listen_to_multiprocessing()
