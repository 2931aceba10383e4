"""Finds the hooks for a model without importing the framework it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .run import Run


class Hook(Protocol):
    """Something installed in a framework. ``close()`` removes every trace of it, and may be repeated."""

    def close(self) -> None: ...


class Watch(Hook, Protocol):
    """A hook that looks at a model's steps."""

    def look_now(self) -> None:
        """Look at the next step, whatever it is."""
        ...


def watch(run: Run, model: Any, **options: Any) -> Hook:
    """Log statistics and histograms of ``model`` to ``run`` while it trains.

    ``options`` are those of ``layers.WatchOptions``. Raises TypeError for anything but a Keras model, a
    ``torch.nn.Module`` or a list of these.
    """
    several = isinstance(model, list | tuple) and model
    frameworks = {framework_of(one) for one in (model if several else [model])}
    if frameworks == {"keras"}:
        from . import keras_watch

        return keras_watch.watch(run, model, **options)
    from . import torch_watch

    return torch_watch.watch(run, model, **options)


def framework_of(model: Any) -> str:
    """``"keras"`` or ``"torch"``, by the classes that ``model`` inherits from.

    Keras comes first: on its PyTorch backend a Keras model is a ``torch.nn.Module`` as well.
    """
    for framework, base in (("keras", "Layer"), ("torch", "Module")):
        for cls in type(model).__mro__:
            if cls.__name__ == base and cls.__module__.partition(".")[0] == framework:
                return framework
    raise TypeError(f"expected a torch.nn.Module or a Keras model, not {type(model).__name__}")
