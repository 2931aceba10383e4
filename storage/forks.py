"""Keeps the process from forking while a thread of ours imports modules or is at work in SQLite.

A child inherits what its parent's other threads hold, without the threads: a module half imported, which
neither we nor the program could ever import there, or a lock within SQLite, on which it would wait for ever.
"""

from __future__ import annotations

import logging  # noqa: F401  (see below)
import os
import threading

_LONGEST_WAIT_S = 5.0
"""A fork waits no longer: a program must not stand still for a store."""

NO_FORK = threading.Condition()
"""To be held while doing so on another thread than the program's. In its ``wait`` the process may fork."""

_fork = threading.local()


def _wait() -> None:
    _fork.waited = NO_FORK.acquire(timeout=_LONGEST_WAIT_S)


def _go_on() -> None:
    if _fork.waited:
        NO_FORK.release()


def _begin_anew() -> None:
    NO_FORK.__init__()


# What registered later is asked first. Logging, whose lock many modules need while they are imported, must
# have registered earlier: else the fork would take that one, and then wait for ours.
os.register_at_fork(before=_wait, after_in_parent=_go_on, after_in_child=_begin_anew)
