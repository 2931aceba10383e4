"""What the digit examples share: their options, and scikit-learn's 1,797 handwritten digits."""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SHIFTS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]


def options(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--store", help="where the run goes, by default ./trainboard.db")
    parser.add_argument("--project", default="digits")
    return parser.parse_args()


def load(seed: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Images (float32, n x 8 x 8, 0 to 1) and labels (int64) to train on and to validate with.

    Each training image is there five times: as it is, and shifted by one pixel in four directions.
    """
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)
    x_train, x_val, y_train, y_val = train_test_split(
        images, digits.target, test_size=0.2, random_state=seed, stratify=digits.target
    )
    shifted = [np.roll(x_train, shift, axis=(1, 2)) for shift in SHIFTS]
    return (np.concatenate(shifted), np.tile(y_train, len(SHIFTS))), (x_val, y_val)


def strip(images: np.ndarray, count: int = 8) -> np.ndarray:
    """The first few images side by side."""
    return np.hstack(images[:count])
