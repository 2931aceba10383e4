"""Spool segments with some of everything, and what becomes of them in a store."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings

from trainboard.storage.frames import FrameType
from trainboard.storage.kinds import KINDS
from trainboard.storage.kinds.text import Text

BRIEF = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def text_payload(text: str) -> bytes:
    return KINDS["text"].encode(Text(text)).to_bytes()


def mixed_segment(make: Any, steps: int = 30, run: str = "run") -> Any:
    """Scalars, texts and an end, interleaved as a program would."""
    made = make(run=run, project="digits", name="a run", config={"lr": 0.1})
    for step in range(steps):
        made.scalars(step, {"loss": 1.0 / (step + 1), "accuracy": step / steps})
        if step % 10 == 0:
            made.record("notes", "text", text_payload(f"step {step}"), step)
    made.say(FrameType.FINISH, {"status": "finished", "exit_code": 0, "error": None, "dropped": 0})
    return made
