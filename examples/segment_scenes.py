"""A model learns from colours which pixels are house, meadow or sky: pictures with masks and boxes.

It needs nothing but NumPy and Pillow, and takes a few seconds. Two runs differ in their learning rate.
"""

import argparse

import numpy as np
from PIL import Image, ImageDraw

import trainboard as tb

CLASSES = {0: "sky", 1: "meadow", 2: "house"}
HEIGHT, WIDTH = 96, 128
STEPS = 120


def scene(random, noise=12.0):
    """A noisy picture, H x W x 3 from 0 to 1, and the class of each pixel, H x W."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), (90, 130, 175))
    draw = ImageDraw.Draw(picture)
    draw.rectangle([0, 62, WIDTH, HEIGHT], fill=(85, 130, 70))
    left = int(random.integers(8, 80))
    draw.rectangle([left, 44, left + 36, 74], fill=(176, 80, 66))
    classes = np.zeros((HEIGHT, WIDTH), np.uint8)
    classes[62:] = 1
    classes[44:75, left : left + 37] = 2
    noisy = np.asarray(picture) + random.normal(0, noise, (HEIGHT, WIDTH, 3))
    return (noisy / 255).clip(0, 1), classes


def box(classes, share):
    """The rectangle around all pixels of a house, as a box with its score."""
    rows, columns = np.nonzero(classes == 2)
    sides = {"minX": columns.min(), "maxX": columns.max() + 1, "minY": rows.min(), "maxY": rows.max() + 1}
    return {"position": sides, "domain": "pixel", "class_id": 2, "scores": {"share": share}}


def shown(picture, truth, predicted):
    """A picture with what is in it, and what the model takes it for."""
    found = predicted == 2
    boxes = {"truth": {"box_data": [box(truth, 1.0)], "class_labels": CLASSES}}
    if found.any():
        guess = box(predicted, float((found & (truth == 2)).sum() / found.sum()))
        boxes["prediction"] = {"box_data": [guess], "class_labels": CLASSES}
    masks = {"prediction": {"mask_data": predicted, "class_labels": {1: "meadow", 2: "house"}}}
    return tb.Image(picture, boxes=boxes, masks=masks)


def tone(loss):
    """The loss as a sound: the lower, the deeper and the softer."""
    seconds = np.arange(8_000) / 8_000
    return tb.Audio(np.sin(2 * np.pi * (200 + 900 * loss) * seconds**1.2) * min(loss, 1.0), 8_000)


def train(run, rate):
    random = np.random.default_rng(0)
    weights = random.normal(0, 0.1, (4, 3))
    held = scene(np.random.default_rng(7))
    for step in range(STEPS):
        picture, truth = scene(random)
        pixels = np.concatenate([picture, np.ones((HEIGHT, WIDTH, 1))], axis=2).reshape(-1, 4)
        scores = pixels @ weights
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        wanted = np.eye(3)[truth.reshape(-1)]
        loss = float(-np.log((shares * wanted).sum(1) + 1e-9).mean())
        gradient = pixels.T @ (shares - wanted) / len(pixels)
        weights -= rate * gradient
        values = {"train/loss": loss, "weights/colors": tb.Histogram(weights)}
        values["gradients/colors"] = tb.Histogram(gradient)
        values["activations/scores"] = tb.Histogram(scores)
        if step % 8 == 0 or step == STEPS - 1:
            tested = np.exp(np.concatenate([held[0], np.ones((HEIGHT, WIDTH, 1))], axis=2) @ weights)
            predicted = tested.argmax(2).astype(np.uint8)
            values["val/shares"] = tb.Image(tested / tested.sum(2, keepdims=True), "sky, meadow, house")
            right = float((predicted == held[1]).mean())
            rows = [(CLASSES[n], int((held[1] == n).sum()), int((predicted == n).sum())) for n in CLASSES]
            values |= {"val/right": right, "val/scene": shown(*held, predicted), "loss": tone(loss)}
            values["pixels"] = tb.Table(rows, ["class", "are", "taken for"])
            values["notes"] = tb.Text(f"**{right:.1%}** of the pixels are right", "markdown")
        run.log(values, step)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--store")
    asked = parser.parse_args()
    for rate in (0.5, 4.0):
        with tb.init("scenes", f"rate {rate:g}", config={"rate": rate}, store=asked.store) as run:
            train(run, rate)
