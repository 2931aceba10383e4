"""PyTorch's own SummaryWriter, which writes TensorBoard's event files beside ours."""

from __future__ import annotations

from typing import Any


def open_mirror(log_dir: str, **arguments: Any) -> Any:
    """One for ``log_dir`` with other arguments of its own. Raises ImportError where there is none."""
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(log_dir, **arguments)
