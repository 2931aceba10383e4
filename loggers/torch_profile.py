"""PyTorch's profiler, from when it is made until it is stopped."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.profiler import profile


class TorchProfile:
    """Profiles every device that PyTorch can see work on, with the shapes of operations' inputs."""

    def __init__(self) -> None:
        if torch.autograd._profiler_enabled():  # pyright: ignore[reportPrivateImportUsage]
            raise RuntimeError("a profiler of PyTorch is on already")  # a second one would end the process
        self._profile = profile(record_shapes=True)
        self._profile.start()

    def stop(self, folder: Path) -> Path:
        self._profile.stop()
        path = folder / "trace.json"
        self._profile.export_chrome_trace(str(path))
        return path
