"""How a classifier gets better: PR curves of each class, confusion matrices, a layout, rules and alerts.

The labels are drawn, and predictions know them better with every step, so nothing has to be trained.
"""

import numpy as np

import trainboard as tb

CLASSES = ("cat", "dog", "fox", "owl", "pike")
STEPS = 20
SAMPLES = 2_000
LAYOUT = {
    "Quality": {
        "Losses": ["Multiline", ["(train|val)/loss"]],
        "Validation loss": ["Margin", ["val/loss", "val/low", "val/high"]],
    }
}


def evaluate(run: tb.Run, labels: np.ndarray, scores: np.ndarray, step: int) -> None:
    """Log what ``scores`` (samples x classes) say of the true ``labels``."""
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    curves = {f"pr/{name}": tb.PRCurve(labels == k, shares[:, k]) for k, name in enumerate(CLASSES)}
    run.log({**curves, "confusion": tb.ConfusionMatrix(labels, shares.argmax(1), CLASSES)}, step)
    losses = -np.log(shares[np.arange(len(labels)), labels])
    loss, error = float(losses.mean()), float(losses.std() / 10)
    values = {"train/loss": 0.9 * loss, "val/loss": loss, "val/low": loss - error, "val/high": loss + error}
    run.log(values, step)


def main() -> None:
    for name, skill in (("small", 2.0), ("large", 3.5)):
        random = np.random.default_rng(len(name))
        with tb.init("evaluation", name, config={"skill": skill}) as run:
            run.log({"losses": tb.Layout(LAYOUT)}, step=0)
            run.rule("validation loss rises", "divergence", "val/loss", value=1.2)
            for step in range(STEPS):
                labels = random.integers(0, len(CLASSES), SAMPLES)
                known = skill * step / STEPS * np.eye(len(CLASSES))[labels]
                known[labels == 1, 0] += step / STEPS  # dogs look like cats
                evaluate(run, labels, known + random.normal(size=known.shape), step * 100)
            run.alert("Evaluated", f"{STEPS} times on {SAMPLES:,} samples each")


if __name__ == "__main__":
    main()
