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


class CurvePage(_Drawn):
    """PR and ROC curves, calibration and confusion matrices. It fills itself from the API."""

    _type = "CurvePage"


class EventPage(_Drawn):
    """What happened in the shown runs, rules, and where alerts go. It fills itself from the API."""

    _type = "EventPage"


class Toasts(_Drawn):
    """New alerts for a moment, on every page, and how many nobody saw beside the page's name."""

    _type = "Toasts"


class RunPage(_Drawn):
    """What is around the table of runs: filter, columns, changes, one run in full, differences."""

    _type = "RunPage"


class ComparePage(_Drawn):
    """Groups of runs by one number, and the verdict on two of them. It fills itself from the API."""

    _type = "ComparePage"


class TrialTable(_Drawn):
    """Trials as a table that people sort. ``heads`` name the cells of ``rows``, ``{"id", "name", "color",
    "cells"}`` each: ``keys`` hyper-parameters, and then metrics, by the first of which it is sorted."""

    _type = "TrialTable"
    _props = ("heads", "rows", "keys")


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


class Picture(_Drawn):
    """An image with its boxes and masks, whose pixels can be read; a click opens it to zoom and compare.

    ``where`` says of which run, tag, rank and step it is. ``boxes`` are as ``image_labels.Box``; ``masks``
    tell the address, group and named classes of each.
    """

    _type = "Picture"
    _props = ("src", "width", "height", "alt", "title", "where", "boxes", "masks")


class Description(_Drawn):
    """What the shown runs say of ``tag``, behind a button; nothing where they say nothing."""

    _type = "Description"
    _props = ("tag",)


class Elsewhere(_Drawn):
    """Which other runs of the project have records of ``kinds``, and a button that shows them."""

    _type = "Elsewhere"
    _props = ("kinds",)


class ClassLegend(_Drawn):
    """The classes in the pictures of a tag, as buttons that show and hide them."""

    _type = "ClassLegend"
    _props = ("tag",)


class Sound(_Drawn):
    """A player below waveform and spectrogram, if it can be ``drawn``; ``rate`` is samples a second."""

    _type = "Sound"
    _props = ("src", "seconds", "rate", "drawn")


class Projector(_Drawn):
    """Embeddings in two and three dimensions. It fills itself from the API."""

    _type = "Projector"


class MeshBoard(_Drawn):
    """Meshes and point clouds, a card a run, to be turned together. It fills itself from the API."""

    _type = "MeshBoard"


class GraphBoard(_Drawn):
    """Models' graphs, one or two beside each other. It fills itself from the API."""

    _type = "GraphBoard"


class ScalarChart(_Drawn):
    """One line chart. ``lines`` as from ``cards.scalar.line``; ``label`` is its name for screen readers."""

    _type = "ScalarChart"
    _props = ("lines", "label", "height")
