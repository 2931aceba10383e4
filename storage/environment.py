"""One environment within one transaction: windows are read, changed, and all written by ``save``."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from . import pieces
from .append import append_points
from .chunks import Columns
from .engine import now, update_rows
from .points import read_since
from .run_rows import load_run, save_run
from .schema import chunks, environments, runs, series, windows
from .series import SeriesKey
from .traces import TraceSeries, as_json, as_numbers, fits_steps, to_columns, x_of
from .windows import (
    PROJECT,
    Window,
    environment_run,
    from_row,
    load_window,
    load_windows,
    run_id_of,
)

UNDO_SECONDS = 600.0
"""How long a closed window can be opened again, at least."""

LINE_TYPES = ("scatter", "scattergl")


class Environment:
    """Get one from ``find`` or ``make``. After ``save`` begin anew with a new transaction."""

    def __init__(self, connection: Connection, name: str, run: dict[str, Any]) -> None:
        self.name = name
        self.run_id: str = run["run_id"]
        self._connection = connection
        self._run = run
        self._windows: dict[str, Window | None] = {}
        self._new: set[str] = set()
        self._changed: set[str] = set()
        self._points: dict[SeriesKey, list[Columns]] = defaultdict(list)
        self._pieces: dict[str, list[Any]] = defaultdict(list)
        self._touched = False

    @classmethod
    def find(cls, connection: Connection, name: str) -> Environment | None:
        """The environment of this name, if there is one."""
        run = environment_run(connection, run_id_of(name), locked=True)
        return None if run is None else cls(connection, name, dict(run))

    @classmethod
    def make(cls, connection: Connection, name: str) -> Environment:
        """The environment of this name, made if need be; one that was deleted begins anew."""
        found = cls.find(connection, name)
        if found is not None:
            return found
        run_id = run_id_of(name)
        connection.execute(delete(runs).where(runs.c.run_id == run_id))
        run = load_run(connection, run_id)
        run |= {"project": PROJECT, "name": name, "status": "finishing", "archived_at": time.time()}
        row = {"run_id": run_id, "name": name, "created_at": now(connection), "views": {}}
        connection.execute(insert(environments), row)
        made = cls(connection, name, run)
        made._touched = True
        return made

    def delete(self) -> None:
        """Remove the environment with all that is in it, at once and for good."""
        ids = self._connection.scalars(select(windows.c.window_id).where(self._mine())).all()
        pieces.drop_pieces(self._connection, self.run_id, ids)
        self._connection.execute(delete(runs).where(runs.c.run_id == self.run_id))

    def window(self, window_id: str) -> Window | None:
        """An open window. Say so with ``touch`` after changing it."""
        if window_id not in self._windows:
            self._windows[window_id] = load_window(self._connection, self.run_id, window_id)
        return self._windows[window_id]

    def window_ids(self) -> list[str]:
        """The ids of all open windows."""
        self.save()
        return [window.id for window in load_windows(self._connection, self.run_id)]

    def put(
        self,
        window_id: str,
        pane: dict[str, Any],
        content: Any = None,
        traces: Sequence[dict[str, Any]] = (),
        parts: Sequence[Any] = (),
        *,
        position: int | None = None,
    ) -> Window:
        """Make a window, or replace the one there is, which keeps its position.

        ``content`` is what is kept in its row; ``traces`` are those of a plot, which join its content, and
        ``parts`` the first pieces of one that gathers pieces.
        """
        before = self.window(window_id)
        if before is not None:
            self._empty(before)
            place, version = before.position, before.version + 1
        else:
            self._purge(windows.c.window_id == window_id)
            place, version = self._next_position(), int(1000 * time.time())
            self._new.add(window_id)
        window = Window(window_id, place if position is None else position, version, pane, content)
        self._windows[window_id] = window
        for trace in traces:
            self.add_trace(window, trace)
        if parts:
            self.add_pieces(window, parts)
        self.touch(window)
        return window

    def touch(self, window: Window) -> None:
        """Note that a window was changed."""
        if window.id not in self._changed:
            window.version += 1
        self._changed.add(window.id)

    def add_pieces(self, window: Window, parts: Sequence[Any]) -> None:
        """Append pieces to a window."""
        self._pieces[window.id] += parts
        window.pieces += len(parts)
        self.touch(window)

    def add_trace(self, window: Window, trace: dict[str, Any]) -> None:
        """Append a trace to a plot; its points become a series where they are a line's, and numbers."""
        window.content["data"].append(trace)
        window.traces.append(None)
        self._keep(window, len(window.traces) - 1)

    def set_points(self, window: Window, index: int, x: Any, y: Any) -> None:
        """Replace x and y of a trace."""
        self._forget(window.traces[index])
        window.traces[index] = None
        window.content["data"][index] = {**window.content["data"][index], "x": x, "y": y}
        self._keep(window, index)
        self.touch(window)

    def extend(self, window: Window, index: int, x: Any, y: Any) -> None:
        """Append to x and y of a trace."""
        at = window.traces[index]
        new_x, new_y = as_numbers(x), as_numbers(y)
        if at is None or new_x is None or new_y is None or len(new_x) != len(new_y):
            whole = self.points(window, index)
            self.set_points(window, index, [*whole["x"], *x], [*whole["y"], *y])
            return
        if at.x == "step" and not fits_steps(new_x):
            whole = self.points(window, index)
            self._forget(at)
            at = window.traces[index] = TraceSeries(at.tag, 0, "wall")
            self._append(at, *(as_numbers(whole[axis]) for axis in ("x", "y")))
        self._append(at, new_x, new_y)
        self.touch(window)

    def remove_traces(self, window: Window, indices: Iterable[int]) -> None:
        """Remove traces of a plot."""
        for index in sorted(indices, reverse=True):
            self._forget(window.traces.pop(index))
            del window.content["data"][index]
        self.touch(window)

    def points(self, window: Window, index: int) -> dict[str, Any]:
        """x and y of a trace, empty lists where it has none."""
        at, head = window.traces[index], window.content["data"][index]
        if at is None:
            return {axis: head.get(axis) or [] for axis in ("x", "y")}
        self._flush_points()
        found = read_since(self._connection, self.run_id, at.key.id, 0)
        return {"x": as_json(x_of(at, found)), "y": as_json(found.value)}

    def close(self, window_ids: Iterable[str]) -> None:
        """Close windows; ``reopen`` undoes it for a while."""
        self.save()
        moment = now(self._connection)
        self._purge(windows.c.closed_at < moment - UNDO_SECONDS)
        closed = self._mine() & windows.c.window_id.in_(list(window_ids)) & windows.c.closed_at.is_(None)
        self._connection.execute(update(windows).where(closed).values(closed_at=moment))
        self._windows.clear()
        self._touched = True

    def reopen(self, window_id: str) -> bool:
        """Open a closed window again; False if it is not there any more."""
        closed = self._mine() & (windows.c.window_id == window_id) & windows.c.closed_at.is_not(None)
        self._windows.clear()
        self._touched = True
        return bool(self._connection.execute(update(windows).where(closed).values(closed_at=None)).rowcount)

    def set_views(self, views: dict[str, Any]) -> None:
        """Keep where windows are, by the name of the view."""
        mine = environments.c.run_id == self.run_id
        self._connection.execute(update(environments).where(mine).values(views=views))
        self._touched = True

    def promote(self, promoted: bool) -> None:
        """List the environment among the runs, or leave it out again."""
        self._run["archived_at"] = None if promoted else now(self._connection)
        self._touched = True

    def save(self) -> None:
        """Write what was changed. Windows go before what refers to them."""
        if not (self._touched or self._changed):
            return
        save_run(self._connection, self._run)
        changed = [window for name in self._changed if (window := self._windows[name]) is not None]
        rows = [window.row(self.run_id) for window in changed]
        new = [row for row in rows if row["window_id"] in self._new]
        if new:
            self._connection.execute(insert(windows), new)
        old = [row for row in rows if row["window_id"] not in self._new]
        if old:
            update_rows(self._connection, windows, old)
        self._flush_points()
        for window in changed:
            if parts := self._pieces.pop(window.id, None):
                first = window.pieces - len(parts)
                pieces.append_pieces(self._connection, self.run_id, window.id, first, parts)
        self._new.clear()
        self._changed.clear()
        self._touched = False

    def _keep(self, window: Window, index: int) -> None:
        """Move the points of a trace into a series of its own if that can hold them."""
        head = window.content["data"][index]
        if head.get("type") not in LINE_TYPES:
            return
        x, y = as_numbers(head.get("x")), as_numbers(head.get("y"))
        if x is None or y is None or len(x) != len(y) or not len(x):
            return
        at = TraceSeries(_free_tag(window, str(head.get("name") or index)), 0)
        at.x = "step" if fits_steps(x) else "wall"
        window.traces[index] = at
        window.content["data"][index] = {
            name: value for name, value in head.items() if name not in ("x", "y")
        }
        self._append(at, x, y)

    def _append(self, at: TraceSeries, x: Any, y: Any) -> None:
        if len(x):
            self._points[at.key].append(to_columns(at, x, y))
            at.count += len(x)

    def _flush_points(self) -> None:
        arrived = {key: Columns.concatenate(parts) for key, parts in self._points.items()}
        self._points.clear()
        append_points(self._connection, self.run_id, arrived)

    def _forget(self, *traces: TraceSeries | None) -> None:
        ids = [trace.key.id for trace in traces if trace is not None]
        for trace in traces:
            if trace is not None:
                self._points.pop(trace.key, None)
        for table in (chunks, series):
            gone = (table.c.run_id == self.run_id) & table.c.series_id.in_(ids)
            self._connection.execute(delete(table).where(gone))

    def _empty(self, window: Window) -> None:
        self._forget(*window.traces)
        if window.pieces:
            self._pieces.pop(window.id, None)
            pieces.drop_pieces(self._connection, self.run_id, [window.id])

    def _purge(self, which: Any) -> None:
        """Remove closed windows for good."""
        query = select(windows).where(self._mine(), windows.c.closed_at.is_not(None), which)
        for row in self._connection.execute(query).mappings().all():
            self._empty(from_row(row))
            gone = self._mine() & (windows.c.window_id == row["window_id"])
            self._connection.execute(delete(windows).where(gone))

    def _next_position(self) -> int:
        last = self._connection.scalar(select(func.max(windows.c.position)).where(self._mine()))
        made = (window.position for window in self._windows.values() if window)
        return max([-1 if last is None else last, *made]) + 1

    def _mine(self) -> Any:
        return windows.c.run_id == self.run_id


def _free_tag(window: Window, name: str) -> str:
    """``window/name``, numbered where another trace of the window has that name."""
    # The first slash ends the window's id, so that no two windows have a tag in common.
    base = f"{window.id.replace('%', '%25').replace('/', '%2F')}/{name}"
    used = {trace.tag for trace in window.traces if trace}
    return next(tag for n in range(len(used) + 1) if (tag := f"{base} {n + 1}" if n else base) not in used)
