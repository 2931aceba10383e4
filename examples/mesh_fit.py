"""Pulls a sphere onto noisy points of a shape, and logs the mesh as it goes; needs NumPy alone."""

import argparse

import numpy as np

import trainboard as tb

RINGS, SEGMENTS = 40, 60
POINTS = 4_000
EVERY = 10
CONFIG = {
    "camera": {"cls": "PerspectiveCamera", "fov": 45},
    "material": {"cls": "MeshStandardMaterial", "roughness": 0.6, "metalness": 0.1},
}


def directions() -> np.ndarray:
    """Unit vectors on rings from pole to pole, RINGS * SEGMENTS x 3."""
    around, down = np.meshgrid(
        np.linspace(0, 2 * np.pi, SEGMENTS, endpoint=False), np.linspace(0.02, np.pi - 0.02, RINGS)
    )
    sides = np.sin(down)
    return np.stack([np.cos(around) * sides, np.cos(down), np.sin(around) * sides], axis=-1).reshape(-1, 3)


def triangles() -> np.ndarray:
    """Two triangles between each vertex, the next one on its ring, and those below."""
    here = np.arange((RINGS - 1) * SEGMENTS).reshape(RINGS - 1, SEGMENTS)
    right = np.roll(here, -1, axis=1)
    upper = np.stack([here, right, here + SEGMENTS], axis=-1)
    lower = np.stack([right, right + SEGMENTS, here + SEGMENTS], axis=-1)
    return np.concatenate([upper.reshape(-1, 3), lower.reshape(-1, 3)])


def radius_of(unit: np.ndarray) -> np.ndarray:
    """How far the shape reaches in a direction."""
    x, y, z = unit.T
    return 1 + 0.35 * np.sin(4 * np.arctan2(z, x)) * (1 - y**2) + 0.2 * y


def shades(change: np.ndarray) -> np.ndarray:
    """From blue, where a vertex has come inwards, through grey to red, where it has gone outwards."""
    share = np.clip(change / 0.5, -1, 1)[:, None]
    blue, grey, red = np.array([34, 109, 201]), np.array([215, 215, 215]), np.array([204, 50, 57])
    return np.where(share < 0, grey + share * (grey - blue), grey + share * (red - grey)).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--smoothing", type=float, default=0.2, help="how far a vertex follows its ring")
    parser.add_argument("--project", default="mesh-fit")
    parser.add_argument("--store", default=None)
    options = parser.parse_args()
    random = np.random.default_rng(0)
    unit, faces = directions(), triangles()
    seen = random.normal(size=(POINTS, 3))
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    points = seen * (radius_of(seen) + random.normal(0, 0.05, POINTS))[:, None]
    nearest = (seen @ unit.T).argmax(axis=1)
    radii = np.ones(len(unit))
    name = f"smoothing-{options.smoothing:g}"
    with tb.init(options.project, name, config=vars(options), store=options.store) as run:
        run.log({"target": tb.Mesh(points)}, 0)
        for step in range(options.steps + 1):
            wrong = np.linalg.norm(points, axis=1) - radii[nearest]
            run.log({"train/loss": float((wrong**2).mean())}, step)
            if step % EVERY == 0:
                mesh = tb.Mesh(unit * radii[:, None], colors=shades(radii - 1), faces=faces, config=CONFIG)
                run.log({"fit": mesh}, step)
            pull = np.zeros(len(radii))
            np.add.at(pull, nearest, 0.05 * wrong)
            radii += pull
            ring = radii.reshape(RINGS, SEGMENTS)
            middle = (np.roll(ring, 1, axis=1) + np.roll(ring, -1, axis=1)) / 2
            radii += (options.smoothing * (middle - ring)).reshape(-1)


if __name__ == "__main__":
    main()
