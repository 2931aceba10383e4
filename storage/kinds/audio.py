"""A sound as a WAV file."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .base import Encoded, Kind, told_samples

_GREATEST = 32_767


@dataclass(frozen=True)
class Audio:
    """The bytes of a WAV file, samples a second, channels, samples in each channel, and a caption.

    ``samples``: this is the first of so many of one value in TensorBoard's log, see ``tfevents.samples``.
    """

    wav: bytes
    sample_rate: int
    channels: int
    frames: int
    caption: str = ""
    samples: int = 1

    @classmethod
    def from_array(cls, array: Any, sample_rate: int, caption: str = "") -> Audio:
        """Make one of an array of shape [samples] or [samples, channels].

        Floats are from -1 to 1 (clipped; NaN is silence) and kept as 16 bits, truncated as TensorBoard
        does; int16 is kept as it is. Raises ``ValueError`` for other shapes, and ``TypeError`` for others.
        """
        samples = np.asarray(array)
        if samples.ndim not in (1, 2) or samples.ndim == 2 and not 1 <= samples.shape[1] <= 32:
            raise ValueError(f"audio is [samples] or [samples, channels] (got shape {samples.shape})")
        channels = 1 if samples.ndim == 1 else samples.shape[1]
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(channels)
            file.setsampwidth(2)
            file.setframerate(sample_rate)
            file.writeframes(_to_int16(samples).tobytes())
        return cls(buffer.getvalue(), int(sample_rate), channels, len(samples), caption)

    @classmethod
    def from_wav(cls, wav: bytes, caption: str = "") -> Audio:
        """Make one of a WAV file's bytes. Raises ``ValueError`` for anything else."""
        try:
            with wave.open(io.BytesIO(wav)) as file:
                return cls(wav, file.getframerate(), file.getnchannels(), file.getnframes(), caption)
        except (wave.Error, EOFError) as error:
            raise ValueError(
                f"these bytes are not a PCM WAV file ({error}); pass an array instead"
            ) from error

    @property
    def seconds(self) -> float:
        return self.frames / self.sample_rate if self.sample_rate else 0.0


def _to_int16(samples: NDArray[Any]) -> NDArray[np.int16]:
    if samples.dtype == np.int16:
        return samples.astype("<i2")
    if samples.dtype.kind not in "fV":  # V: bfloat16 and its like
        raise TypeError(f"audio is float from -1 to 1, or int16 (got {samples.dtype})")
    clipped = np.nan_to_num(samples.astype(np.float64)).clip(-1, 1)
    return (clipped * _GREATEST).astype("<i2")


def encode(value: Audio) -> Encoded:
    header = {"sample_rate": value.sample_rate, "channels": value.channels, "frames": value.frames}
    return Encoded({**header, "caption": value.caption, **told_samples(value.samples)}, value.wav)


def decode(encoded: Encoded) -> Audio:
    return Audio(encoded.body, **encoded.header)


KIND = Kind("audio", Audio, "records", encode, decode, blob=True)
