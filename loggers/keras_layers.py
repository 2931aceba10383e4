"""The parts of a watched Keras model by name, as its graph stands now."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable
from typing import Any

import keras


class Layers:
    """A model, held weakly: its layers and trainable variables under unique names, without its own name.

    The names begin with ``prefix``.
    """

    def __init__(self, model: keras.Model, prefix: str = "") -> None:
        self._model = weakref.ref(model)
        self._prefix = prefix
        self.names: dict[int, str] = {}
        self.owners: dict[int, str] = {}

    @property
    def model(self) -> Any:
        return self._model()

    def variables(self) -> list[tuple[str, Any]]:
        """Each trainable variable, by the path that it has in the model."""
        model = self.model
        if model is None:
            return []
        variables = model.trainable_variables
        names = self._unique(variable.path for variable in variables)
        return list(zip(names, variables, strict=True))

    def refresh(self) -> None:
        """Look again which layers there are: the ``names`` of their ids, and ``owners`` of variables' ids."""
        model = self.model
        layers = model._flatten_layers() if model is not None else []
        names = self._unique(_path(layer, model) for layer in layers)
        self.names = {id(layer): name for layer, name in zip(layers, names, strict=True)}
        self.owners = {
            id(variable): name
            for layer, name in zip(layers, names, strict=True)
            for variable in layer._trainable_variables
        }

    def _unique(self, paths: Iterable[str]) -> list[str]:
        seen: Counter[str] = Counter()
        unique = []
        for path in paths:
            name = self._prefix + path.removeprefix(f"{self.model.name}/")
            seen[name] += 1
            unique.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
        return unique


def _path(layer: Any, model: Any) -> str:
    return model.name if layer is model else getattr(layer, "path", None) or layer.name
