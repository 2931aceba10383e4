"""Counts the wrong tokens that come from an address, so that none is found by trying."""

from __future__ import annotations

import hashlib
import ipaddress
import time
from collections import OrderedDict

MAX_WRONG = 20
WINDOW_SECONDS = 60.0
_REMEMBERED = 4_096


class Guesses:
    """The different wrong tokens of each address within the last ``WINDOW_SECONDS``.

    The same wrong token counts once: a program that was started with an old one and asks again and again
    does not lock out those who share its address. Of tokens only hashes are kept. An IPv6 network of 64
    bits is one address, because its owner has them all.
    """

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, OrderedDict[bytes, float]] = OrderedDict()

    def add(self, address: str, token: str) -> None:
        """Note a wrong token."""
        tried = self._recent(address)
        tried.setdefault(hashlib.sha256(token.encode()).digest(), time.monotonic())
        self._wrong[_network(address)] = tried
        if len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)

    def wait(self, address: str) -> float:
        """Seconds until this address may try another token; 0 if it may now."""
        tried = self._recent(address)
        if len(tried) < MAX_WRONG:
            return 0.0
        return max(next(iter(tried.values())) + WINDOW_SECONDS - time.monotonic(), 1.0)

    def _recent(self, address: str) -> OrderedDict[bytes, float]:
        tried = self._wrong.get(_network(address), OrderedDict())
        since = time.monotonic() - WINDOW_SECONDS
        while tried and next(iter(tried.values())) < since:
            tried.popitem(last=False)
        return tried


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else address
