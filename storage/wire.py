"""What a program and a server say to one another: the protocol's version, and how bodies are packed."""

from __future__ import annotations

import zstandard

from .errors import ProtocolMismatch, TooLarge

PROTOCOL = 1
"""Grows when a program and a server of different versions would misunderstand one another."""

PROTOCOL_HEADER = "Trainboard-Protocol"
INGEST_PATH = "/api/v1/ingest"
MAX_BODY = 128 << 20
"""The most bytes of a spool in one request, packed or not; a record must fit."""

_WINDOW = 8 << 20
_PIECE = 512  # which may become 16 MiB
_HEADER = 18


def pack(data: bytes | bytearray | memoryview) -> bytes:
    """Compress bytes of a spool. Raises ``TooLarge``."""
    if len(data) > MAX_BODY:
        raise TooLarge(
            f"A record of {len(data) >> 20} MiB is more than the {MAX_BODY >> 20} MiB that a server takes; "
            "send its spool to a database with `trainboard sync`, and log smaller parts."
        )
    return zstandard.ZstdCompressor(level=3, write_checksum=True).compress(data)


def unpack(body: bytes | bytearray) -> bytes:
    """The bytes that were packed. Raises ``ValueError`` if they were not, or not whole, and ``TooLarge``."""
    unpacked = bytearray()
    try:
        frame = zstandard.get_frame_parameters(bytes(body[:_HEADER]))
        if not frame.has_checksum or frame.content_size == zstandard.CONTENTSIZE_UNKNOWN:
            raise ValueError("the body has no checksum or no size")
        check_size(frame.content_size)
        unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
        for at in range(0, len(body), _PIECE):
            unpacked += unpacker.decompress(bytes(body[at : at + _PIECE]))
            check_size(len(unpacked))
            if unpacker.eof:
                return bytes(unpacked)
    except zstandard.ZstdError as error:
        raise ValueError(f"the body is not zstd: {error}") from error
    raise ValueError("the body is cut short")


def check_size(size: int) -> None:
    """Raise ``TooLarge`` for a body that is."""
    if size > MAX_BODY:
        raise TooLarge(f"The body is more than {MAX_BODY} bytes; send the spool in smaller pieces.")


def check_protocol(spoken: str | None) -> None:
    """Raise ``ProtocolMismatch`` unless a program that speaks this version is understood here."""
    if spoken == str(PROTOCOL):
        return
    number = int(spoken) if spoken is not None and spoken.isdecimal() else 0
    older = "on the machine of the server" if number > PROTOCOL else "where the program logs"
    raise ProtocolMismatch(
        f"This server speaks version {PROTOCOL} of the protocol, and the program {spoken or 'none'}: "
        f"update trainboard {older}."
    )
