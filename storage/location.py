"""Where a store is: URLs, and what can be said about them without opening a database."""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlsplit

from .errors import NotAStore, StoreNotFound, StoreUnavailable

DEFAULT_STORE = "trainboard.db"
LONGEST_RUN_ID = 400
"""Characters. A run's id begins every key, and PostgreSQL's indexes take no key of over 2,704 bytes."""
SQLITE_MAGIC = b"SQLite format 3\0"
_SQLITE = "sqlite:///"
_POSTGRESQL = "postgresql+psycopg"
# Not urlsplit: a password may hold what URLs should not, and a URL that is none is shown, too.
_PASSWORD = re.compile(r"^([^:/]+://[^:/@?]*):[^?]*@")
_PASSWORD_PARAMETER = re.compile(r"(?<=[?&])[^=&]*password=[^&]*&?", re.IGNORECASE)
_SCHEMES = {"postgres": _POSTGRESQL, "postgresql": _POSTGRESQL, _POSTGRESQL: _POSTGRESQL}


def resolve_url(url: str | os.PathLike[str] | None = None) -> str:
    """The URL of a store, absolute and spelled one way.

    ``url`` is a path, a URL (``sqlite:///``, ``postgresql://``, ``http://``, ``https://``), or None:
    ``$TRAINBOARD_STORE``, or else ``trainboard.db`` in the current folder. Raises ``NotAStore`` for any
    other scheme.
    """
    text = os.fspath(url) if url is not None else os.environ.get("TRAINBOARD_STORE") or DEFAULT_STORE
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _SQLITE + os.path.realpath(os.path.expanduser(text))
    if scheme == "sqlite" and len(rest) > 1:
        return _SQLITE + os.path.realpath(rest[1:])
    if scheme in _SCHEMES:
        return f"{_SCHEMES[scheme]}://{rest}"
    if scheme in ("http", "https"):
        return f"{scheme}://{rest.rstrip('/')}"
    raise NotAStore(f"A store is a path, sqlite:///PATH, postgresql://… or http(s)://…, not {text!r}.")


def is_server(url: str) -> bool:
    """Whether a resolved URL is that of a trainboard server."""
    return url.startswith(("http://", "https://"))


def sqlite_path(url: str) -> Path | None:
    """The file behind a resolved URL, or None for a server."""
    return Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None


def without_password(url: str) -> str:
    """The same URL, fit for a message."""
    return url if sqlite_path(url) else _PASSWORD_PARAMETER.sub("", _PASSWORD.sub(r"\1@", url))


def spool_root(url: str | os.PathLike[str] | None) -> Path:
    """The folder where processes of this machine keep their spools for a store.

    Beside a SQLite file ``X`` it is ``X.spool``. For a server it is below ``$TRAINBOARD_DIR``, or else
    ``~/.local/state/trainboard``.
    """
    resolved = resolve_url(url)
    path = sqlite_path(resolved)
    if path:
        return path.with_name(path.name + ".spool")
    state = os.environ.get("TRAINBOARD_DIR") or os.path.expanduser("~/.local/state/trainboard")
    digest = hashlib.blake2b(without_password(resolved).encode(), digest_size=8).hexdigest()
    return Path(state, "spool", digest)


def is_awaited(url: str | os.PathLike[str] | None) -> bool:
    """Whether a process of this machine keeps, or left, a spool for a store."""
    root = spool_root(url)
    return root.is_dir() and any(root.iterdir())


def check_location(url: str | os.PathLike[str] | None) -> None:
    """Raise what ``open_store(url, create=True)`` would, as far as that can be told cheaply."""
    resolved = resolve_url(url)
    path = sqlite_path(resolved)
    if path:
        _check_file(path)
    elif is_server(resolved):
        _check_server(resolved)
    elif resolved.startswith(_POSTGRESQL) and find_spec("psycopg") is None:
        raise StoreUnavailable("PostgreSQL needs psycopg: pip install 'trainboard[postgres]'.")


def _check_server(url: str) -> None:
    parts = urlsplit(url)
    try:
        usable = bool(parts.hostname) and parts.port != 0 and not parts.username
    except ValueError:
        usable = False
    if not usable:
        raise NotAStore(f"'{without_password(url)}' is not an address; a server's is http(s)://HOST:PORT.")
    if parts.query or parts.fragment:
        raise NotAStore(
            f"Give the server's address up to the port, '{parts.scheme}://{parts.netloc}', and its write "
            "token as $TRAINBOARD_WRITE_TOKEN."
        )


def _check_file(path: Path) -> None:
    folder = path.parent
    if path.is_dir():
        raise NotAStore(f"'{path}' is a folder; a store is a file. Try '{path / DEFAULT_STORE}'.")
    if not folder.is_dir():
        raise StoreNotFound(f"No folder '{folder}' to keep the store '{path.name}' in; make it first.")
    if not os.access(folder, os.W_OK):
        raise StoreUnavailable(f"Folder '{folder}' is read-only; give the store another place.")
    if path.exists():
        check_header(path)
        if not os.access(path, os.W_OK):
            raise StoreUnavailable(f"'{path}' is read-only; make it writable or give another store.")


def may_write(path: Path) -> bool:
    """Whether this user may change a SQLite file, and keep a log beside it."""
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def file_uri(path: Path, *, only_read: bool = False) -> str:
    """What to open a SQLite file by: to write, or to read where that is wished or all that is allowed."""
    # A mode, because SQLite would otherwise answer a deleted store with a new empty file.
    uri = f"file:{quote(str(path))}?mode="
    if may_write(path):
        return f"{uri}ro" if only_read else f"{uri}rw"
    # Where SQLite may make no files beside it, it reads a file only if told that nobody changes it.
    return f"{uri}ro" if path.with_name(f"{path.name}-wal").exists() else f"{uri}ro&immutable=1"


def check_header(path: Path) -> None:
    """Raise ``NotAStore`` unless the file is empty or begins as SQLite files do.

    Leaves a file alone that this process has open: closing it takes away all locks that the process has
    on it, and with them those of SQLite, whose write-ahead log another process could then delete under
    our feet.
    """
    try:
        if _is_open_here(path.stat()):
            return
        with path.open("rb") as file:
            start = file.read(len(SQLITE_MAGIC))
    except OSError as error:
        raise StoreUnavailable(f"'{path}' cannot be read: {error.strerror}.") from error
    if start and start != SQLITE_MAGIC:
        raise NotAStore(f"'{path}' is not a trainboard store; give another file, or move this one away.")


def _is_open_here(file: os.stat_result) -> bool:
    for descriptor in os.listdir("/dev/fd"):
        with suppress(OSError):  # closed meanwhile, as the one of the list itself
            if os.path.samestat(os.fstat(int(descriptor)), file):
                return True
    return False
