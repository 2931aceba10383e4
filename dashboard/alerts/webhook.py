"""One POST to a webhook: to an address that may be reached, within a time, and never led elsewhere.

The name is looked up once, and the address that was found is checked and connected to: one that changes in
between leads nowhere else. A redirect is an answer like any other, and counts as a failure.
"""

from __future__ import annotations

import http.client
import ipaddress
import json
import socket
import ssl
import threading
from typing import Any
from urllib.parse import SplitResult, urlsplit

LONGEST_URL = 2_000
SECONDS = 10.0
_CONNECT_SECONDS = 5.0


class WebhookFailed(Exception):
    """The message was not taken; the text says why, without the address, which is a secret."""


def check_url(url: str) -> SplitResult:
    """The parts of a webhook's address. Raises ``ValueError`` if it is none."""
    if len(url) > LONGEST_URL or not url.isascii() or any(char <= " " for char in url):
        raise ValueError(f"a webhook's address has at most {LONGEST_URL} characters, ASCII and no spaces")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("a webhook's address is of the form https://HOST/PATH")
    _ = parts.port  # raises ValueError for what is no port
    return parts


def masked(url: str) -> str:
    """What may be shown of a webhook's address: where it leads, not what is secret of it."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}/…"


def is_allowed(address: str, local: bool) -> bool:
    """Whether alerts may be sent to this IP address.

    From a server that only this machine reaches (``local``): anywhere but to link-local addresses, where
    clouds keep their secrets. From any other: only to public ones, lest people who may write to the
    dashboard reach into the network around it.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    if found.is_link_local or found.is_multicast or found.is_unspecified:
        return False
    return local or found.is_global


def post(url: str, message: dict[str, Any], local: bool, seconds: float = SECONDS) -> None:
    """Send a message as JSON. Raises ``WebhookFailed`` unless it is answered by 2xx within so long."""
    parts = check_url(url)
    timers: list[threading.Timer] = []
    try:
        connection = _connect(parts, local)
        # Each read is bounded by a time of its own; this bounds them all together.
        timers.append(threading.Timer(seconds, _cut, [connection.sock]))
        timers[0].start()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "trainboard"}
        connection.request("POST", path, json.dumps(message).encode(), headers)
        status = connection.getresponse().status
        connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise WebhookFailed(_told(error)) from error
    finally:
        for timer in timers:
            timer.cancel()
    if not 200 <= status < 300:
        redirect = "; redirects are not followed" if 300 <= status < 400 else ""
        raise WebhookFailed(f"it answered {status}{redirect}")


def _connect(parts: SplitResult, local: bool) -> http.client.HTTPConnection:
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [str(place[0]) for *_, place in found if is_allowed(str(place[0]), local)]
    if not allowed:
        raise WebhookFailed("its address is not one that this server may send to")
    stream = socket.create_connection((allowed[0], port), _CONNECT_SECONDS)
    if secure:
        stream = ssl.create_default_context().wrap_socket(stream, server_hostname=host)
    connection = http.client.HTTPConnection(host, port, timeout=_CONNECT_SECONDS)
    connection.sock = stream
    return connection


def _cut(stream: socket.socket) -> None:
    try:
        stream.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is closed already


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, ssl.SSLError):
        return "its certificate is not trusted, or it does not speak TLS"
    if isinstance(error, socket.gaierror):
        return "its host is not known"
    if isinstance(error, ConnectionRefusedError):
        return "it refused the connection"
    return f"the connection failed ({type(error).__name__})"
