"""Dash components of our own: a Python face for each React component in ``assets/js/``.

The scripts are plain files that use the ``window.React`` Dash brings, so nothing is compiled. Each
registers its component on ``window.trainboard``, which is where Dash looks for this namespace.
"""

from __future__ import annotations

from typing import Any, ClassVar

from dash.development.base_component import Component


def aria(**attributes: str) -> dict[str, Any]:
    """Accessibility attributes as Dash takes them: ``html.Nav(**aria(label="Pages"))``."""
    return {f"aria-{name}": value for name, value in attributes.items()}


class _Drawn(Component):
    _namespace = "trainboard"
    _type = "Drawn"
    _props: ClassVar[tuple[str, ...]] = ()

    def __init__(self, **props: Any) -> None:
        self._children_props: list[str] = []
        self._base_nodes = ["children"]
        self._prop_names = self.available_properties = ["id", *self._props]
        self._valid_wildcard_attributes = self.available_wildcard_properties = []
        super().__init__(**props)


class RunList(_Drawn):
    """The sidebar's runs: search, visibility, groups, live status. It fills itself from the API."""

    _type = "RunList"


class ChartGrid(_Drawn):
    """Every scalar of the shown runs, one card a tag, in sections by prefix. It fills itself from the API."""

    _type = "ChartGrid"


class ControlBoard(_Drawn):
    """The knobs and buttons of the shown runs, and what was asked of them. It fills itself from the API."""

    _type = "ControlBoard"


class RunPage(_Drawn):
    """What is around the table of runs: filter, columns, changes, one run in full, differences."""

    _type = "RunPage"


class ComparePage(_Drawn):
    """Groups of runs by one number, and the verdict on two of them. It fills itself from the API."""

    _type = "ComparePage"


class ViewMenu(_Drawn):
    """The project's saved views: open, save, rename, delete. It fills itself from the API."""

    _type = "ViewMenu"


class HealthPage(_Drawn):
    """The layers' statistics by step, faults, and where time goes. It fills itself from the API."""

    _type = "HealthPage"


class ProfilePage(_Drawn):
    """The traces of the shown runs: timeline, operators, layers, memory. It fills itself from the API."""

    _type = "ProfilePage"


class PaneBoard(_Drawn):
    """The windows of Visdom's environments, and what people do with them. It fills itself from the API."""

    _type = "PaneBoard"


class ScalarChart(_Drawn):
    """One line chart. ``lines`` as from ``cards.scalar.line``; ``label`` is its name for screen readers."""

    _type = "ScalarChart"
    _props = ("lines", "label", "height")
