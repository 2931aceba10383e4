"""Why a value was not finite: causes that the evidence speaks for, the likeliest first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from .words import said

if TYPE_CHECKING:
    from .faults import Fault
    from .signals import Signal

GREW = 10.0
"""Gradients that were so many times their median before the fault were exploding."""
LOSS_GREW = 5.0
HALF_MAXIMUM = 65_504.0
"""The greatest finite float16."""
LR_JUMP = 2.0


@dataclass(frozen=True)
class Cause:
    """``title`` in a few words, ``why`` the evidence, ``cure`` what to try; ``weight`` orders causes."""

    title: str
    why: str
    cure: str
    weight: float


@dataclass(frozen=True)
class Evidence:
    """What is known of a fault and of the time before it."""

    fault: Fault
    signals: Sequence[Signal]

    def totals(self, source: str) -> list[tuple[int, float]]:
        """Steps and the norm of all of ``source`` together, where all of it was finite, before the fault."""
        norms = self.fault.norms[source]
        columns = zip(*norms.rows, strict=True) if norms.rows else ()
        totals = [
            (step, math.hypot(*column)) for step, column in zip(self.fault.steps, columns, strict=False)
        ]
        return [(step, total) for step, total in totals if math.isfinite(total) and step < self.fault.step]

    def of(self, what: str) -> list[Signal]:
        return [signal for signal in self.signals if signal.what == what]

    @property
    def growth(self) -> float | None:
        """How many times the median of the others the last gradients before the fault were."""
        totals = [total for _, total in self.totals("gradients")]
        if len(totals) < 3:
            return None
        usual = median(totals[:-1])
        return totals[-1] / usual if usual > 0 else None

    @property
    def exploded(self) -> bool:
        return self.growth is not None and self.growth >= GREW

    @property
    def is_first_layer(self) -> bool:
        """Whether the layer comes before all that was measured, so that only the batch comes before it."""
        names = self.fault.norms["gradients"].names or self.fault.norms["weights"].names
        return bool(names) and names[0].startswith((f"{self.fault.layer}.", f"{self.fault.layer}/"))


def causes(evidence: Evidence) -> list[Cause]:
    """The causes that something speaks for; where nothing does, what the phase alone tells."""
    found = [cause for rule in _RULES for cause in rule(evidence)]
    return sorted(found or [_unknown(evidence)], key=lambda cause: -cause.weight)


def _learning_rate(evidence: Evidence) -> Iterator[Cause]:
    for signal in [*evidence.of("knob"), *evidence.of("learning rate")]:
        is_rate = signal.what == "learning rate" or "lr" in signal.tag.lower() or "rate" in signal.tag.lower()
        if signal.jump is None or signal.jump < LR_JUMP or not is_rate:
            continue
        by = "a knob on the dashboard" if signal.what == "knob" else "the program"
        yield Cause(
            "The learning rate jumped",
            f"{signal.tag} became {said(signal.jump)} times as large at step {signal.jump_step:,}, by {by}.",
            "Go back to a checkpoint from before, and raise it in smaller steps or with a warm-up.",
            0.95,
        )


def _exploding(evidence: Evidence) -> Iterator[Cause]:
    growth = evidence.growth
    if growth is None or not evidence.exploded:
        return
    totals = evidence.totals("gradients")
    since = _begin(totals)
    earliest = ", the earliest that was kept" if since == totals[0][0] else ""
    yield Cause(
        "Gradients exploded",
        f"One step before, the norm of all gradients was {said(totals[-1][1])}, "
        f"{said(growth)} times its median; it grew from step {since:,} on{earliest}.",
        "Clip gradients by their norm (1.0 is usual), lower the learning rate, or warm it up.",
        0.9,
    )


def _batch(evidence: Evidence) -> Iterator[Cause]:
    calm = evidence.growth is not None and not evidence.exploded
    if evidence.fault.phase != "forward" or not (calm or evidence.is_first_layer):
        return
    first = evidence.is_first_layer
    batch = f"Batch {evidence.fault.batch:,}" if evidence.fault.batch is not None else "The batch"
    why = "Gradients were normal in the steps before" if calm else "No gradients were recorded before it"
    where = ", and the layer is the first of the model" if first else ""
    yield Cause(
        "A bad batch",
        f"{why}{where}. So {batch.lower()} itself probably holds NaN, infinite or huge values.",
        f"Look at {batch.lower()}: torch.isfinite(x).all() or np.isfinite(x).all() for inputs and targets. "
        "Empty sequences and divisions in the preprocessing are where they usually come from.",
        0.85 if first and calm else 0.6,
    )


def _in_layer(evidence: Evidence) -> Iterator[Cause]:
    fault = evidence.fault
    if fault.phase == "forward" and not evidence.is_first_layer and not evidence.exploded:
        yield Cause(
            f"An operation inside layer {fault.layer}",
            "What went into the layer was finite, and gradients were normal in the steps before.",
            "Look for a division by zero, a logarithm or root of 0 or less, exp of large numbers, or a "
            "softmax over a row that is masked entirely. An epsilon, a clamp or log_softmax cures most.",
            0.65,
        )


def _loss(evidence: Evidence) -> Iterator[Cause]:
    if evidence.fault.phase == "loss":
        yield Cause(
            "The loss function",
            "The model's output was finite, and what the loss made of it was not.",
            "Look for log(0), a division by a count of zero, or a root of 0 in it; use the versions on "
            "logits (cross_entropy, binary_cross_entropy_with_logits), and look at the targets.",
            0.85,
        )


def _backward(evidence: Evidence) -> Iterator[Cause]:
    if evidence.fault.phase == "backward" and not evidence.exploded:
        yield Cause(
            f"The derivative of layer {evidence.fault.layer}",
            "Its output was finite, and so was the gradient that reached it.",
            "sqrt, norm and pow have infinite derivatives at 0, and torch.where passes NaN on from the "
            "branch not taken: add an epsilon inside the root.",
            0.7,
        )


def _half_precision(evidence: Evidence) -> Iterator[Cause]:
    scales = [signal for signal in evidence.of("loss scale") if signal.usual > 1]
    totals = [total for source in ("gradients", "weights") for _, total in evidence.totals(source)]
    if scales:
        scale = scales[0]
        yield Cause(
            "Overflow in half precision",
            f"The loss is scaled ({scale.tag} was {scale.usual:,.4g}): float16 ends at 65,504.",
            "Use bfloat16, which needs no scale, or torch.amp.GradScaler, which skips such steps and lowers "
            "the scale.",
            0.8 if evidence.fault.phase in ("backward", "loss") else 0.5,
        )
    elif totals and max(totals) > HALF_MAXIMUM and not evidence.exploded:
        yield Cause(
            "Numbers as large as float16 ends",
            f"A norm of {max(totals):,.4g} was seen before; float16 ends at 65,504.",
            "Use bfloat16 or float32 for this model, or normalise its inputs.",
            0.5,
        )


def _diverging(evidence: Evidence) -> Iterator[Cause]:
    for signal in evidence.of("loss"):
        if signal.bad_since is not None and signal.bad_since < evidence.fault.step:
            yield Cause(
                "The loss was not finite before",
                f"{signal.tag} was NaN or infinite from step {signal.bad_since:,} on, before the recorder "
                "saw it in the model: it overflowed, or something outside of the model made it so.",
                "Look at what the loss is made of at that step; lower the learning rate if it had grown.",
                0.75,
            )
            return
        if signal.last is not None and signal.usual > 0 and signal.last >= LOSS_GREW * signal.usual:
            yield Cause(
                "Training diverged",
                f"{signal.tag} was {said(signal.last)} at step {signal.last_step:,}, "
                f"{said(signal.last / signal.usual)} times the median of the steps before.",
                "Lower the learning rate, or warm it up; clip gradients.",
                0.75,
            )
            return


def _update(evidence: Evidence) -> Iterator[Cause]:
    if evidence.fault.phase == "update":
        yield Cause(
            "The optimizer's step",
            "The gradients that went into it were finite, the weights that came out were not.",
            "A learning rate that is not finite or far too high, an epsilon of 0 in Adam, or weights near "
            "the end of float16. Keep weights in float32, and look at the optimizer's settings.",
            0.7,
        )


def _unknown(evidence: Evidence) -> Cause:
    return Cause(
        "Not known",
        "Nothing in the steps before points to a cause.",
        "Repeat the step with torch.autograd.set_detect_anomaly(True), or in Keras with "
        "tf.debugging.enable_check_numerics(): either names the operation.",
        0.0,
    )


def _begin(totals: Sequence[tuple[int, float]]) -> int:
    """The step from which on every total was greater than the one before."""
    since = totals[-1][0]
    for (step, total), (_, later) in reversed(list(pairwise(totals))):
        if later <= total:
            break
        since = step
    return since


_RULES: tuple[Callable[[Evidence], Iterator[Cause]], ...] = (
    _learning_rate,
    _exploding,
    _batch,
    _in_layer,
    _loss,
    _backward,
    _half_precision,
    _diverging,
    _update,
)
