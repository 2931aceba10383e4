"""Saved views of a project: the address of a page, path and query, under a name."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select, update

from .errors import BadChange
from .schema import clean_text, views

if TYPE_CHECKING:
    from .store import Store

MOST_VIEWS = 200
_LONGEST_NAME, _LONGEST_ADDRESS = 200, 8_000


class View(NamedTuple):
    """``address`` is such as ``/runs?where=adam``; ``saved_at`` is in seconds since the epoch."""

    name: str
    address: str
    saved_at: float


def read_views(store: Store, project: str) -> list[View]:
    """The views of a project by name. A method of ``Store``."""
    query = select(views.c.name, views.c.address, views.c.saved_at).where(views.c.project == project)
    with store.reading() as connection:
        return [View(*row) for row in connection.execute(query.order_by(views.c.name))]


def save_view(store: Store, project: str, name: str, address: str) -> None:
    """Keep a view; one of the same name is replaced. A method of ``Store``; raises ``BadChange``."""
    name = _checked(name)
    if not address.startswith("/") or address.startswith("//") or len(address) > _LONGEST_ADDRESS:
        raise BadChange(f"A view is the path and query of a page, of at most {_LONGEST_ADDRESS} characters.")
    this = (views.c.project == project) & (views.c.name == name)
    with store.writing() as connection:
        connection.execute(delete(views).where(this))
        kept = connection.execute(select(views.c.name).where(views.c.project == project)).all()
        if len(kept) >= MOST_VIEWS:
            raise BadChange(f"A project has at most {MOST_VIEWS} views; delete one first.")
        row = {"project": project, "name": name, "address": clean_text(address), "saved_at": time.time()}
        connection.execute(insert(views), row)


def rename_view(store: Store, project: str, name: str, to: str) -> None:
    """Give a view another name that no view has. A method of ``Store``; raises ``BadChange``."""
    to = _checked(to)
    with store.writing() as connection:
        taken = select(views.c.name).where(views.c.project == project, views.c.name == to)
        if connection.execute(taken).first() is not None:
            raise BadChange(f"There is a view '{to}' already.")
        this = (views.c.project == project) & (views.c.name == name)
        if not connection.execute(update(views).where(this).values(name=to)).rowcount:
            raise BadChange(f"There is no view '{name}'.")


def delete_view(store: Store, project: str, name: str) -> None:
    """Forget a view; it may be gone already. A method of ``Store``."""
    with store.writing() as connection:
        connection.execute(delete(views).where(views.c.project == project, views.c.name == name))


def _checked(name: str) -> str:
    name = clean_text(name).strip()
    if not 0 < len(name) <= _LONGEST_NAME:
        raise BadChange(f"A view's name has 1 to {_LONGEST_NAME} characters.")
    return name
