"""Frames say what is whole, what is torn and what is damaged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainboard.storage.frame_reader import read_frames
from trainboard.storage.frames import FRAME_SIZE, MAX_BATCH, FrameType, message, scalar_batch


def batch(*numbers: tuple[int, float, float, int]) -> bytes:
    fields: list[float] = []
    for position, (step, wall, value, series) in enumerate(numbers):
        fields += [step, wall, value, series, FrameType.SCALAR | position << 8]
    return scalar_batch(fields).data


def a_batch_of(count: int) -> bytes:
    return batch(*((step, step * 0.5, -step, 7) for step in range(count)))


@settings(deadline=None)
@given(
    batches=st.lists(
        st.lists(
            st.tuples(
                st.integers(-(2**63), 2**63 - 1),
                st.floats(width=64),
                st.floats(width=64),
                st.integers(0, 2**32 - 1),
            ),
            min_size=1,
            max_size=8,
        ),
        max_size=8,
    )
)
def test_every_number_is_read_back_bit_for_bit(batches: list[list[tuple[int, float, float, int]]]) -> None:
    data = b"".join(batch(*numbers) for numbers in batches)
    content = read_frames(data)
    numbers = [number for each in batches for number in each]
    assert content.consumed * FRAME_SIZE == len(data)
    assert len(content.damaged_at) == 0
    for column, values in zip(("step", "wall", "value", "series"), zip(*numbers, strict=True), strict=False):
        expected = np.array(values, content.scalars[column].dtype)
        assert np.ascontiguousarray(content.scalars[column]).tobytes() == expected.tobytes()


def test_the_largest_batch_is_read(segment: Any) -> None:
    assert len(read_frames(a_batch_of(MAX_BATCH) * 3).scalars) == 3 * MAX_BATCH


@settings(deadline=None)
@given(
    payload=st.binary(max_size=200), series=st.integers(0, 2**32 - 1), step=st.integers(-(2**63), 2**63 - 1)
)
def test_a_message_is_read_back(payload: bytes, series: int, step: int) -> None:
    (read,) = read_frames(message(FrameType.RECORD, payload, series, step, 1.5).data).messages
    assert (read.payload, read.series, read.step, read.wall) == (payload, series, step, 1.5)


def test_frames_inside_a_payload_are_not_read_as_frames() -> None:
    content = read_frames(message(FrameType.RECORD, a_batch_of(3) + message(FrameType.RUN, b"{}").data).data)
    assert len(content.messages) == 1 and len(content.scalars) == 0


@pytest.mark.parametrize("written", range(1, 157))  # the last four bytes are one aligned store
def test_a_batch_cut_short_waits_for_its_rest(written: int) -> None:
    whole, torn = a_batch_of(2), a_batch_of(5)
    for rest in (b"", bytes(400)):
        content = read_frames(whole + torn[:written] + rest)
        assert content.consumed == 2
        assert len(content.scalars) == 2 and len(content.damaged_at) == 0


def test_a_message_cut_short_waits_for_its_rest() -> None:
    frames = message(FrameType.RECORD, b"x" * 100)
    unmarked = bytearray(frames.data)
    unmarked[frames.commit_at : frames.commit_at + 4] = bytes(4)
    for torn in (frames.data[:64], bytes(unmarked)):
        content = read_frames(a_batch_of(1) + torn)
        assert (content.consumed, content.messages) == (1, [])


def test_unwritten_space_after_the_last_frame_is_not_consumed() -> None:
    content = read_frames(a_batch_of(4) + bytes(1 << 20))
    assert content.consumed == 4 and len(content.damaged_at) == 0


@settings(deadline=None)
@given(at=st.integers(0, 10**6), flip=st.integers(1, 255), following=st.booleans())
def test_a_flipped_byte_never_yields_a_wrong_number(at: int, flip: int, following: bool) -> None:
    data = bytearray(a_batch_of(3) + message(FrameType.RUN, b"{}").data + a_batch_of(2))
    if following:
        data += a_batch_of(1)
    whole = read_frames(bytes(data))
    data[at % len(data)] ^= flip
    content = read_frames(bytes(data))
    known = {row.tobytes() for row in whole.scalars}
    padding = 3 * 32 + 32 + 2 <= at % len(data) < 3 * 32 + 64
    lost = len(whole.scalars) + 1 - len(content.scalars) - len(content.messages)
    assert padding or 1 <= lost <= 3
    assert all(row.tobytes() in known for row in content.scalars)


def test_a_message_with_a_damaged_payload_is_skipped_as_a_whole() -> None:
    data = bytearray(message(FrameType.RECORD, a_batch_of(3)).data + a_batch_of(1))
    data[40] ^= 1
    content = read_frames(bytes(data))
    assert len(content.scalars) == 1 and content.messages == []
    assert content.damaged_at.tolist() == [0]


@settings(deadline=None)
@given(noise=st.binary(max_size=2000))
def test_noise_is_never_taken_for_numbers_and_what_follows_is_read(noise: bytes) -> None:
    noise += bytes(-len(noise) % FRAME_SIZE)
    content = read_frames(noise + a_batch_of(3))
    assert content.scalars["step"].tolist() == [0, 1, 2]
    assert content.messages == []
