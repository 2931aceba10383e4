"""PyTorch's profiler, from when it is made until it is stopped."""

from __future__ import annotations

from pathlib import Path

from torch.profiler import profile


class TorchProfile:
    """Profiles every device that PyTorch can see work on, with the shapes of operations' inputs."""

    def __init__(self) -> None:
        self._profile = profile(record_shapes=True)
        self._profile.start()

    def stop(self, folder: Path) -> Path:
        self._profile.stop()
        path = folder / "trace.json"
        self._profile.export_chrome_trace(str(path))
        return path
