"""What the digit examples share: their options, and scikit-learn's 1,797 handwritten digits."""

import argparse

import numpy as np
from sklearn.datasets import load_digits

SHIFTS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]


def options(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--store", help="where the run goes, by default ./trainboard.db")
    parser.add_argument("--project", default="digits")
    return parser.parse_args()


def load(seed: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Images (float32, n x 8 x 8, 0 to 1) and labels (int64): 7,200 to train on, 357 to validate with.

    Each training image is there five times: as it is, and shifted by one pixel in four directions.
    """
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / 16).astype(np.float32).reshape(-1, 8, 8)
    order = np.random.default_rng(seed).permutation(len(images))
    train, val = order[:1440], order[1440:]
    shifted = [np.roll(images[train], shift, axis=(1, 2)) for shift in SHIFTS]
    return (np.concatenate(shifted), np.tile(labels[train], len(SHIFTS))), (images[val], labels[val])


def strip(images: np.ndarray, count: int = 8) -> np.ndarray:
    """The first few images side by side."""
    return np.hstack(list(images[:count]))
