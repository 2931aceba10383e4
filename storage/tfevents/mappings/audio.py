"""Sounds: one of TensorFlow 1, or several with captions."""

from __future__ import annotations

from ...kinds.audio import Audio
from .value import Read, Value, numbered


def read(value: Value) -> Read:
    """The clips of one step. Raises ``ValueError`` for what is not WAV."""
    if value.proto.HasField("audio"):
        yield value.tag, Audio.from_wav(value.proto.audio.encoded_audio_string)
        return
    clips = value.tensor
    for index, (wav, *label) in enumerate(clips.reshape(len(clips), -1)):
        caption = label[0].decode("utf-8", "replace") if label else ""
        yield numbered(value.tag, index), Audio.from_wav(wav, caption)
