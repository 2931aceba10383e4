"""Dash components of our own: a Python face for each React component in ``assets/js/``.

The scripts are plain files that use the ``window.React`` Dash brings, so nothing is compiled. Each
registers its component on ``window.trainboard``, which is where Dash looks for this namespace.
"""

from __future__ import annotations

from typing import Any, ClassVar

from dash.development.base_component import Component


class _Drawn(Component):
    _namespace = "trainboard"
    _children_props: ClassVar[list[str]] = []
    _base_nodes: ClassVar[list[str]] = ["children"]
    _valid_wildcard_attributes: ClassVar[list[str]] = ["data-", "aria-"]
    available_wildcard_properties: ClassVar[list[str]] = ["data-", "aria-"]
    _type = "Drawn"
    _props: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **props: Any) -> None:
        self._prop_names = ["id", *self._props]
        self.available_properties = self._prop_names
        super().__init__(**props)


class RunList(_Drawn):
    """The sidebar's runs: search, visibility, groups, live status. It fills itself from the API."""

    _type = "RunList"


class ChartGrid(_Drawn):
    """Every scalar of the shown runs, one card a tag, in sections by prefix. It fills itself from the API."""

    _type = "ChartGrid"


class ScalarChart(_Drawn):
    """One line chart. ``lines`` as from ``cards.scalar.line``; ``label`` is its name for screen readers."""

    _type = "ScalarChart"
    _props = ("lines", "label", "height")
