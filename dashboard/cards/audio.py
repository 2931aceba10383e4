"""Sounds: what they look like, above the browser's own player."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dash import html

from ..components import Sound
from . import sound
from .record import File, Shown, caption, frame, nothing

if TYPE_CHECKING:
    from ...storage.kinds.audio import Audio


def file(audio: Audio) -> File | None:
    """The WAV file; None for bytes that are none."""
    is_wav = audio.wav[:4] == b"RIFF" and audio.wav[8:12] == b"WAVE"
    return File(audio.wav, "audio/wav") if is_wav else None


def draw(shown: Shown | None, name: str = "", color: str = "", theme: str = "light") -> html.Figure:
    """A player, and how long the sound is; in its place, words, if it cannot be played."""
    return frame(shown, name, color, _body(shown) if shown else [], "audio")


def _body(shown: Shown) -> list[Any]:
    audio = shown.record.value
    if file(audio) is None:
        return [nothing("This sound is damaged: its bytes are not a WAV file.")]
    if not audio.frames:
        return [nothing("This sound is empty: it has no samples.")]
    address = shown.url(audio.wav)
    channels = {1: "mono", 2: "stereo"}.get(audio.channels, f"{audio.channels} channels")
    facts = f"{audio.seconds:.3g} s · {audio.sample_rate:,} Hz · {channels}"
    drawn = sound.is_drawable(audio)
    player = Sound(src=address, seconds=audio.seconds, rate=audio.sample_rate, drawn=drawn)
    return [player, html.Div(facts, className="media-facts"), *caption(audio.caption)]
