"""Visdom's login: a password once, and then a cookie that stands for it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response

from ..guesses import Guesses

if TYPE_CHECKING:
    from collections.abc import Mapping

COOKIE = "user_password"


class Login:
    """Programs log in with the write token as their password, and any user name.

    Without a token there is nothing to log in to, and every login succeeds.
    """

    def __init__(self, write_token: str | None) -> None:
        self._token = write_token
        self._cookie = secrets.token_urlsafe(32)
        self._guesses = Guesses()

    def is_allowed(self, cookies: Mapping[str, str]) -> bool:
        """Whether a request with these cookies is of a program that logged in."""
        return self._token is None or hmac.compare_digest(
            cookies.get(COOKIE, "").encode(), self._cookie.encode()
        )

    def answer(self, address: str, body: bytes) -> Response:
        """What a program that logs in from an address is told. Its password comes as its SHA-256."""
        if self._guesses.wait(address):
            return PlainTextResponse("Too many different wrong passwords from this address; wait.", 429)
        shown = _password(body)
        if self._token is not None and not hmac.compare_digest(shown, hashed(self._token)):
            self._guesses.add(address, shown)
            return PlainTextResponse("This is not the write token that the server printed.", 400)
        answer = Response("")
        answer.set_cookie(COOKIE, self._cookie, httponly=True, samesite="strict")
        return answer


def hashed(password: str) -> str:
    """A password as Visdom's client sends it."""
    return hashlib.sha256(password.encode()).hexdigest()


def _password(body: bytes) -> str:
    try:
        return str(json.loads(body)["password"]).encode("ascii", "replace").decode()
    except (ValueError, TypeError, KeyError):
        return ""
