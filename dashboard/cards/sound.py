"""What a sound looks like: its greatest swings and its frequencies over time, however long it is."""

from __future__ import annotations

import io
import json
import wave
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .record import File

if TYPE_CHECKING:
    from ...storage.kinds.audio import Audio

COLUMNS = 600
ROWS = 96
_WINDOW = 1_024
_DECIBELS = 80.0
_FAINTEST = -40.0
_SCALES = {1: ("u1", 128.0, 128.0), 2: ("<i2", 0.0, 32_768.0), 4: ("<i4", 0.0, 2_147_483_648.0)}
_COLORS = np.array(
    [[8, 10, 30], [62, 20, 90], [140, 42, 98], [215, 80, 62], [250, 160, 50], [252, 250, 190]], np.float64
)
"""Dark to light, evenly in lightness."""


def is_drawable(audio: Audio) -> bool:
    """Whether a sound is of samples that are drawn."""
    try:
        with wave.open(io.BytesIO(audio.wav)) as file:
            return file.getsampwidth() in _SCALES
    except (wave.Error, EOFError):
        return False


def samples(audio: Audio) -> NDArray[np.float32]:
    """The mean of all channels, from -1 to 1. Raises ``ValueError`` for all but PCM of 8, 16 or 32 bits."""
    try:
        with wave.open(io.BytesIO(audio.wav)) as file:
            width, channels = file.getsampwidth(), file.getnchannels()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise ValueError(f"these bytes are not a PCM WAV file ({error})") from error
    if width not in _SCALES:
        raise ValueError(f"samples of {8 * width} bits are not drawn")
    kind, middle, greatest = _SCALES[width]
    values = np.frombuffer(data, kind, len(data) // width)
    frames = values[: len(values) // channels * channels].reshape(-1, channels)
    return (frames.mean(1, dtype=np.float32) - middle) / np.float32(greatest)


def swings(audio: Audio) -> File:
    """JSON of the least and the greatest sample in each of at most ``COLUMNS`` equal stretches."""
    values = samples(audio)
    starts = np.linspace(0, len(values), min(COLUMNS, len(values)), endpoint=False).astype(int)
    told = {
        name: np.round(reduce.reduceat(values, starts), 3).tolist() if len(values) else []
        for name, reduce in (("least", np.minimum), ("greatest", np.maximum))
    }
    return File(json.dumps(told).encode(), "application/json")


def spectrogram(audio: Audio) -> File:
    """A PNG of the power of frequencies over time, ``COLUMNS`` windows evenly placed, 0 Hz at the bottom.

    A window has 1,024 samples, of a shorter sound all; loudness spans 80 dB below the loudest, in silence
    below what 16 bits can tell.
    """
    from PIL import Image as pil

    values = samples(audio)
    width = max(min(_WINDOW, len(values)), 2)
    padded = np.pad(values, (width // 2, width - width // 2))
    starts = np.linspace(0, len(values), COLUMNS, endpoint=False).astype(int)
    windows = padded[starts[:, np.newaxis] + np.arange(width)] * np.hanning(width).astype(np.float32)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    rows = np.linspace(0, power.shape[1], min(ROWS, power.shape[1]), endpoint=False).astype(int)
    loudness = 10 * np.log10(np.maximum.reduceat(power, rows, axis=1) + 1e-12)
    loudest = max(loudness.max(), _FAINTEST)
    share = np.clip(1 + (loudness - loudest) / _DECIBELS, 0, 1).T[::-1] * (len(_COLORS) - 1)
    places = np.arange(len(_COLORS))
    levels = np.stack([np.interp(share, places, _COLORS[:, channel]) for channel in range(3)], axis=2)
    buffer = io.BytesIO()
    pil.fromarray(levels.astype(np.uint8)).save(buffer, "PNG")
    return File(buffer.getvalue(), "image/png")


PARTS = (swings, spectrogram)


def part(audio: Audio, number: int) -> File | None:
    """One of ``PARTS``; None for a sound that cannot be drawn."""
    try:
        return PARTS[number](audio) if number < len(PARTS) else None
    except ValueError:
        return None
