"""Read frames in bulk, and tell what is whole from what is torn or damaged.

A batch or message whose check is wrong is skipped and counted; everything around it is kept. Reading
stops before a batch or message that is not complete yet, and at the zeros that nobody has written.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .frames import CHECK_MODULUS, FRAME_SIZE, MAX_BATCH, FrameType

FRAME = np.dtype([("step", "<i8"), ("wall", "<f8"), ("value", "<f8"), ("series", "<u4"), ("mark", "<u4")])
_WORD_WEIGHTS = np.array([pow(2, 32 * word, CHECK_MODULUS) for word in range(8)], np.uint64)
_FRAME_WEIGHTS = np.array([pow(2, 256 * frame, CHECK_MODULUS) for frame in range(MAX_BATCH)], np.uint64)


class Message(NamedTuple):
    """A message, and the index of its header frame in the data."""

    at: int
    type: FrameType
    series: int
    step: int
    wall: float
    payload: bytes


class Content(NamedTuple):
    """What some bytes of a segment hold.

    ``scalars`` are the frames (dtype ``FRAME``) of whole batches and ``scalars_at`` their indices;
    ``consumed`` is the number of frames that need not be read again, and ``damaged_at`` says where among
    them a stretch of bad frames or a message with a bad payload begins.
    """

    scalars: NDArray[np.void]
    scalars_at: NDArray[np.intp]
    messages: list[Message]
    consumed: int
    damaged_at: NDArray[np.intp]

    def since(self, frame: int) -> Content:
        """Only what begins at or after this frame."""
        first = int(np.searchsorted(self.scalars_at, frame))
        later = [message for message in self.messages if message.at >= frame]
        return self._replace(
            scalars=self.scalars[first:],
            scalars_at=self.scalars_at[first:],
            messages=later,
            damaged_at=self.damaged_at[self.damaged_at >= frame],
        )

    def with_damage(self, at: Sequence[int]) -> Content:
        """The same, with more frames found to be damaged."""
        return self._replace(damaged_at=np.concatenate((self.damaged_at, np.array(at, np.intp))))


def read_frames(data: bytes | bytearray | memoryview) -> Content:
    """Read every whole frame of ``data``, which begins between two batches or messages."""
    frames = np.frombuffer(data, FRAME, len(data) // FRAME_SIZE)
    types: NDArray[np.uint32] = np.bitwise_and(frames["mark"], np.uint32(0xFF))
    messages, in_message, broken, stop = _read_messages(data, frames, types)
    good = _good_scalars(frames[:stop], types[:stop], in_message[:stop])
    known = good | in_message[:stop]
    consumed = _consumed(frames["mark"][:stop], types[:stop], known)
    bad = np.concatenate(([False], ~known[:consumed]))
    damaged_at = np.concatenate((np.flatnonzero(bad[1:] > bad[:-1]), np.array(broken, np.intp)))
    at = np.flatnonzero(good[:consumed])
    return Content(frames[at], at, messages, consumed, damaged_at)


def _read_messages(
    data: bytes | bytearray | memoryview, frames: NDArray[np.void], types: NDArray[np.uint32]
) -> tuple[list[Message], NDArray[np.bool_], list[int], int]:
    """The messages, which frames they cover, where a payload was wrong, and where to stop."""
    messages: list[Message] = []
    covered = np.zeros(len(frames), bool)
    broken: list[int] = []
    after = 0
    for at in np.flatnonzero((types >= FrameType.OPEN) & (types <= FrameType.FINISH)).tolist():
        if at < after:
            continue
        header = bytes(data[at * FRAME_SIZE : (at + 1) * FRAME_SIZE])
        if not _header_is_good(header):
            continue
        length = int.from_bytes(header[16:20], "little")
        after = at + 1 + -(-length // FRAME_SIZE)
        if after > len(frames):
            return messages, covered, broken, at
        covered[at:after] = True
        begin = (at + 1) * FRAME_SIZE
        payload = bytes(data[begin : begin + length])
        if zlib.crc32(payload) != int.from_bytes(header[20:24], "little"):
            broken.append(at)
            continue
        frame = frames[at]
        kind = FrameType(int(types[at]))
        messages.append(
            Message(at, kind, int(frame["series"]), int(frame["step"]), float(frame["wall"]), payload)
        )
    return messages, covered, broken, len(frames)


def _header_is_good(header: bytes) -> bool:
    mark = int.from_bytes(header[28:], "little")
    unchecked = header[:28] + (mark & 0xFF).to_bytes(4, "little")
    return int.from_bytes(unchecked, "little") % CHECK_MODULUS == mark >> 8


def _good_scalars(
    frames: NDArray[np.void], types: NDArray[np.uint32], in_message: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Which frames belong to a batch whose check is right."""
    good = np.zeros(len(frames), bool)
    scalar = (types == FrameType.SCALAR) & ~in_message
    ends = np.flatnonzero((types == FrameType.SCALAR_END) & ~in_message)
    if not len(ends):
        return good
    starts = _batch_starts(frames["mark"], scalar, ends)
    inside = starts > np.concatenate(([-1], ends[:-1]))
    starts = np.where(inside, starts, ends)
    right = inside & (_checks(frames, starts, ends) == frames["mark"][ends] >> 8)
    edges = np.zeros(len(frames) + 1, np.int8)
    edges[starts[right]] = 1
    edges[ends[right] + 1] -= 1
    return np.cumsum(edges[:-1], dtype=np.int8).astype(bool)


def _batch_starts(
    marks: NDArray[np.uint32], scalar: NDArray[np.bool_], ends: NDArray[np.intp]
) -> NDArray[np.intp]:
    """The first frame of each batch, by the position in the frame before its last one."""
    before = np.maximum(ends - 1, 0)
    several = scalar[before] & (ends > 0)
    return np.where(several, before - (marks[before] >> 8).astype(np.intp), ends)


def _checks(frames: NDArray[np.void], starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The check each batch should carry: its bytes as one integer modulo ``CHECK_MODULUS``."""
    words = frames.view("<u4").reshape(-1, 8).astype(np.uint64)
    words[ends, 7] = FrameType.SCALAR_END
    residues = words @ _WORD_WEIGHTS
    residues %= CHECK_MODULUS
    start_of_frame = np.zeros(len(frames), np.intp)
    start_of_frame[starts] = starts
    within = np.arange(len(frames)) - np.maximum.accumulate(start_of_frame)
    residues *= _FRAME_WEIGHTS[np.minimum(within, MAX_BATCH - 1)]
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(residues, dtype=np.uint64)))
    return (sums[ends + 1] - sums[starts]) % CHECK_MODULUS


def _consumed(marks: NDArray[np.uint32], types: NDArray[np.uint32], known: NDArray[np.bool_]) -> int:
    """Where to read on: after the last good frame, and after bad ones that no later write can mend.

    Past a zero mark nothing is condemned: the message that begins there may be half written. A run of
    scalar frames at the end may be a batch whose last frame is still to come.
    """
    end = int(known.nonzero()[0][-1]) + 1 if known.any() else 0
    unwritten = np.flatnonzero(marks[end:] == 0)
    rest = types[end : end + int(unwritten[0])] if len(unwritten) else types[end:]
    hopeless = np.flatnonzero(rest != FrameType.SCALAR)
    return end + int(hopeless[-1]) + 1 if len(hopeless) else end
