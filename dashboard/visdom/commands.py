"""What each of Visdom's requests does to the store, and what its client is told."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from ...storage.environment import Environment
from ...storage.panes import read_pane, read_panes
from ...storage.windows import MAIN, read_environments, window_version
from .merge import apply_update, refusal

if TYPE_CHECKING:
    from ...storage import Store

Message = dict[str, Any]
NO_WINDOW = "win does not exist"
NO_ENVIRONMENT = "env does not exist"

_PIECES = ("text", "image_history")
_WHOLE = ("image", "properties", "network", "embeddings")


class Missing(LookupError):
    """What a request is about is not there; the client is told so."""


class Transaction:
    """The environments of one transaction, each loaded once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._open: dict[str, Environment] = {}

    def find(self, name: str) -> Environment | None:
        if name not in self._open:
            found = Environment.find(self.connection, name)
            if found is None:
                return None
            self._open[name] = found
        return self._open[name]

    def make(self, name: str) -> Environment:
        if name not in self._open:
            self._open[name] = Environment.make(self.connection, name)
        return self._open[name]

    def delete(self, name: str) -> None:
        found = self.find(name)
        if found is not None:
            found.delete()
            del self._open[name]

    def save(self) -> None:
        for environment in self._open.values():
            environment.save()


Command = Callable[[Transaction, Message], str]
Question = Callable[["Store", Message], str]


def environment_name(message: Message, key: str = "eid") -> str:
    """The environment a message is about, as Visdom escapes it; main if it names none."""
    name = message.get(key)
    return MAIN if name is None else str(name).replace("/", "_")


def show(transaction: Transaction, message: Message) -> str:
    """/events: make a window, or replace the one of this id; tells the id."""
    given = message.get("win")
    window_id = f"window_{uuid.uuid4().hex[:14]}" if given is None else str(given)
    environment = transaction.make(environment_name(message))
    put_content(environment, window_id, message)
    return window_id


def put_content(environment: Environment, window_id: str, message: Message) -> None:
    """Make the window that an /events message describes; of an unknown type it is kept as it came."""
    options = message.get("opts") or {}
    first = message["data"][0]
    kind = str(first.get("type"))
    pane = {
        "title": options.get("title", ""),
        "inflate": options.get("inflate", True),
        "width": options.get("width"),
        "height": options.get("height"),
        "type": kind,
    }
    if kind in _PIECES:
        extra = {"selected": 0, "show_slider": options.get("show_slider", True)}
        pane |= extra if kind == "image_history" else {}
        environment.put(window_id, pane, parts=[first.get("content")])
    elif kind in _WHOLE:
        content = first.get("content")
        if kind == "network":
            pane["directed"] = options.get("directed", False)
            pane |= {name: options.get(name, "hover") for name in ("showEdgeLabels", "showVertexLabels")}
        if kind == "embeddings":
            pane["old_content"] = []
            content = {**content, "has_previous": False}
        environment.put(window_id, pane, content)
    elif "layout" in message:
        content = {"data": [], "layout": message["layout"] or {}}
        environment.put(window_id, {**pane, "type": "plot"}, content, message["data"])
    else:
        environment.put(window_id, pane, first.get("content", message["data"]))


def change(transaction: Transaction, message: Message) -> str:
    """/update: change a window; tells its id, or in Visdom's words why not."""
    environment = transaction.find(environment_name(message))
    window_id = str(message.get("win"))
    window = environment.window(window_id) if environment else None
    if environment is None or window is None:
        return show(transaction, message) if message.get("append") else NO_WINDOW
    refused = refusal(window)
    if refused is None:
        apply_update(environment, window, message)
    return refused or window_id


def close(transaction: Transaction, message: Message) -> str:
    """/close: close a window, or all of an environment."""
    environment = transaction.find(environment_name(message))
    if environment is not None:
        win = message.get("win")
        environment.close(environment.window_ids() if win is None else [str(win)])
    return ""


def delete_environment(transaction: Transaction, message: Message) -> str:
    """/delete_env."""
    transaction.delete(environment_name(message))
    return ""


def make_environment(transaction: Transaction, message: Message) -> str:
    """/env/NAME: what a client begins with. The one request that keeps a slash in a name."""
    if "eid" in message:
        transaction.make(str(message["eid"]))
    return ""


def fork(transaction: Transaction, message: Message) -> str:
    """/fork_env: copy an environment; tells the copy's name."""
    source, name = environment_name(message, "prev_eid"), environment_name(message)
    found = transaction.find(source)
    if found is None:
        raise Missing(NO_ENVIRONMENT)
    found.save()
    panes = read_panes(transaction.connection, source) or {}
    if name != source:
        transaction.delete(name)
        copy = transaction.make(name)
        for pane in panes.values():
            put_pane(copy, pane)
    return name


def save(transaction: Transaction, message: Message) -> str:
    """/save: everything is saved already; tells which of the environments there are."""
    names = [str(name).replace("/", "_") for name in message["data"]]
    return json.dumps([name for name in names if name == MAIN or transaction.find(name)])


def set_data(transaction: Transaction, message: Message) -> str:
    """/win_data with data: make a window of what ``get_window_data`` gave, or all of an environment."""
    data = json.loads(message["data"]) if isinstance(message["data"], str) else message["data"]
    environment = transaction.make(environment_name(message))
    win = message.get("win")
    if win is not None:
        put_pane(environment, {**data, "id": str(win)})
        return ""
    environment.close(environment.window_ids())
    for window_id, pane in data.items():
        put_pane(environment, {**pane, "id": str(window_id)})
    return ""


def put_pane(environment: Environment, pane: Message) -> None:
    """Make a window of its whole JSON, as Visdom's server keeps and saves it."""
    kept = {name: value for name, value in pane.items() if name not in _NOT_KEPT}
    kind = kept.setdefault("type", "plot")
    content, window_id = pane.get("content"), str(pane["id"])
    position = pane.get("i") if isinstance(pane.get("i"), int) else None
    if kind == "text":
        environment.put(window_id, kept, parts=[content], position=position)
    elif kind == "image_history" and content:
        environment.put(window_id, kept, parts=content, position=position)
    elif kind == "plot":
        figure = content or {}
        whole = {**figure, "data": [], "layout": figure.get("layout") or {}}
        environment.put(window_id, kept, whole, figure.get("data") or [], position=position)
    else:
        environment.put(window_id, kept, content, position=position)


_NOT_KEPT = ("command", "id", "contentID", "i", "content")


def exists(store: Store, message: Message) -> str:
    """/win_exists."""
    with store.reading() as connection:
        version = window_version(connection, environment_name(message), str(message.get("win")))
    return "false" if version is None else "true"


def content_hash(store: Store, message: Message) -> str:
    """/win_hash: 32 hexadecimal digits that change with every change of the window."""
    name, win = environment_name(message), str(message.get("win"))
    with store.reading() as connection:
        version = window_version(connection, name, win)
    if version is None:
        return "false"
    return hashlib.md5(json.dumps([name, win, version]).encode(), usedforsecurity=False).hexdigest()


def get_data(store: Store, message: Message) -> str:
    """/win_data: a window as JSON, or all of an environment by id."""
    name, win = environment_name(message), message.get("win")
    with store.reading() as connection:
        if win is not None:
            found = read_pane(connection, name, str(win))
        else:
            found = read_panes(connection, name)
            found = {} if found is None and name == MAIN else found
    if found is None:
        raise Missing(NO_WINDOW if win is not None else NO_ENVIRONMENT)
    return json.dumps(found)


def environment_names(store: Store, message: Message) -> str:
    """/env_state: the names of all environments."""
    with store.reading() as connection:
        names = [found.name for found in read_environments(connection)]
    return json.dumps(names if MAIN in names else [MAIN, *names])


COMMANDS: dict[str, Command] = {
    "/events": show,
    "/update": change,
    "/close": close,
    "/delete_env": delete_environment,
    "/fork_env": fork,
    "/save": save,
}
"""What changes something, by path; /win_data does so where it carries data."""

QUESTIONS: dict[str, Question] = {
    "/win_exists": exists,
    "/win_hash": content_hash,
    "/env_state": environment_names,
}
