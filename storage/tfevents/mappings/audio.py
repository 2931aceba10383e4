"""Sounds: one of TensorFlow 1, or several with captions."""

from __future__ import annotations

from ...kinds.audio import Audio
from .value import Read, Value, together


def read(value: Value) -> Read:
    """The clips of one step. Raises ``ValueError`` for what is not WAV."""
    if value.proto.HasField("audio"):
        yield value.tag, Audio.from_wav(value.proto.audio.encoded_audio_string)
        return
    clips = value.tensor
    yield from together(value.tag, [_clip(*clip) for clip in clips.reshape(len(clips), -1)])


def _clip(wav: bytes, label: bytes = b"") -> Audio:
    return Audio.from_wav(wav, label.decode("utf-8", "replace"))
