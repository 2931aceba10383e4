"""What graphs cost: drawing a model of 1,000 layers, and following one, a pass at a time.

``python -m benchmarks.graph`` prints the table.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable

from .measure import median_of, table

LAYERS = 1_000
FRAMEWORKS = ("torch", "keras")
_PASSES = 100


def measure(folder: str, framework: str) -> dict[str, float]:
    """Milliseconds. ``folder`` is not used."""
    return _torch() if framework == "torch" else _keras()


def _torch() -> dict[str, float]:
    import torch

    from trainboard.loggers.torch_follow import TorchFollow
    from trainboard.loggers.torch_graph import capture

    model, other = (torch.nn.Sequential(*(torch.nn.Linear(8, 8) for _ in range(LAYERS))) for _ in range(2))
    x = torch.ones(4, 8)
    drawn = _milliseconds(lambda: capture(model, x))
    following = TorchFollow(model, print, print, draw_first=False)
    # In turns, so that whatever else the machine does is felt by both.
    pairs = [(_milliseconds(lambda: other(x)), _milliseconds(lambda: model(x))) for _ in range(_PASSES)]
    following.close()
    return {"draw": drawn, "follow": statistics.median(followed - alone for alone, followed in pairs)}


def _keras() -> dict[str, float]:
    import keras

    from trainboard.loggers.keras_graph import capture

    sys.setrecursionlimit(20 * LAYERS)  # Keras itself goes through a model from end to start
    layers = [keras.layers.Dense(8) for _ in range(LAYERS)]
    model = keras.Sequential([keras.Input((8,)), *layers])
    return {"draw": _milliseconds(lambda: capture(model)), "follow": 0.0}


def _milliseconds(action: Callable[[], object]) -> float:
    begin = time.perf_counter()
    action()
    return 1_000 * (time.perf_counter() - begin)


def report(repeats: int) -> str:
    rows = []
    for framework in FRAMEWORKS:
        cost = median_of(repeats, "benchmarks.graph", framework)
        followed = f"{cost['follow']:,.1f}" if framework == "torch" else "not followed"
        rows.append((framework, f"{cost['draw']:,.0f}", followed))
    columns = ("", "ms to draw, the first time", "ms to follow a pass")
    return table(f"Graph of a model of {LAYERS:,} layers", columns, rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        print(report(repeats=3))
