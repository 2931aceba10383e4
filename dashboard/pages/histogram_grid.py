"""Which histogram cards there are, and where: by layer, weights beside gradients, run by run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dash import dcc, html

from ..cards.figure import CONFIG, nothing
from ..components import Description, Elsewhere

if TYPE_CHECKING:
    from ...storage import SeriesRecord

KINDS = ("histogram",)
OTHER = "other"
"""The section of tags without a prefix."""
MAX_SECTIONS = 40
MAX_COMPARED = 500
OVERLAID = frozenset({"bands", "compare", "one"})
"""Views that draw all runs into one card; of the others every run has a card of its own."""

_CONFIG: Any = {**CONFIG, "doubleClick": "autosize"}
_SIDE_BY_SIDE = ("weights", "gradients", "updates", "activations")
_Run = Mapping[str, str]


@dataclass(frozen=True)
class Cell:
    """One card: a tag, of one run or of several."""

    tag: str
    runs: tuple[str, ...]

    @property
    def key(self) -> str:
        return json.dumps([self.tag, *self.runs])

    def id(self, part: str) -> dict[str, str]:
        """The component id of a part of this card."""
        return {"type": part, "card": self.key}

    @staticmethod
    def from_id(component_id: Mapping[str, str]) -> Cell:
        """The card a component id belongs to. Raises ``ValueError`` for one that was not made by ``id``."""
        tag, *runs = json.loads(component_id["card"])
        return Cell(tag, tuple(runs))


@dataclass(frozen=True)
class Section:
    """The cards of one layer: what belongs to one parameter side by side."""

    layer: str
    rows: list[list[Cell]]

    @property
    def cells(self) -> list[Cell]:
        return [cell for row in self.rows for cell in row]


def split_tag(tag: str) -> tuple[str, str, str]:
    """``gradients/block.conv.weight`` is (``gradients``, layer ``block.conv``, parameter ``weight``).

    What ``activations/block.conv`` names is a layer. Any other tag is of the section that it begins with, as
    in TensorBoard: ``normal/bimodal`` is (``""``, ``normal``, ``bimodal``).
    """
    prefix, slash, path = tag.partition("/")
    if not slash:
        return "", OTHER, tag
    if prefix not in _SIDE_BY_SIDE:
        return "", prefix, path
    at = -1 if prefix == "activations" else max(path.rfind("."), path.rfind("/"))
    return (prefix, path[:at], path[at + 1 :]) if at > 0 else (prefix, path, "")


def arrange(series: Iterable[SeriesRecord], runs: Sequence[_Run], view: str, text: str) -> list[Section]:
    """The sections in the order in which a program logged their layers; ``text`` filters their names."""
    holders: dict[str, list[str]] = {}
    for one in series:
        holders.setdefault(one.tag, []).append(one.run_id)
    layers: dict[str, list[str]] = {}
    for tag in holders:
        if text.lower() in tag.lower():
            layers.setdefault(split_tag(tag)[1], []).append(tag)
    order = [run["id"] for run in runs]
    sections = []
    for layer in sorted(layers, key=lambda name: (name == OTHER, _natural(name))):
        tags = sorted(layers[layer], key=_within_layer)
        holding = {tag: [run for run in order if run in holders[tag]] for tag in tags}
        sections.append(Section(layer, [row for row in _rows(tags, holding, view) if row]))
    return sections


def draw_grid(sections: Sequence[Section], runs: Sequence[_Run], has_any: bool, shown: int) -> list[Any]:
    """The sections as components; figures come later, when their cards are in view."""
    if not has_any:
        return [_empty()]
    if not sections:
        return [html.Section(html.H2("No layer has this in its name"), className="notice")]
    by_id = {run["id"]: run for run in runs}
    parts: list[Any] = [_section(section, by_id) for section in sections[:MAX_SECTIONS]]
    if len(sections) > MAX_SECTIONS:
        parts.append(
            html.P(f"{len(sections) - MAX_SECTIONS:,} more layers: filter by name.", className="notice")
        )
    if shown > len(runs):
        parts.append(html.P(f"Only {len(runs)} of {shown} runs are drawn here.", className="notice"))
    return parts


def comparable(series: Sequence[SeriesRecord], runs: Sequence[_Run]) -> list[dict[str, Any]]:
    """What cards can be compared with, in the groups of a Select."""
    tags = list(dict.fromkeys(one.tag for one in series))[:MAX_COMPARED]
    return [
        {"group": "Runs", "items": [{"value": f"run:{run['id']}", "label": run["name"]} for run in runs]},
        {"group": "Tags", "items": [{"value": f"tag:{tag}", "label": tag} for tag in tags]},
    ]


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key by which ``block2`` comes before ``block10``."""
    parts: list[tuple[int, int, str]] = []
    digits = ""
    for character in f"{name}\0":
        if character.isdecimal():
            digits += character
            continue
        if digits:
            parts.append((0, int(digits), ""))
            digits = ""
        parts.append((1, 0, character))
    return parts


def _within_layer(tag: str) -> tuple[bool, str, int, str]:
    parameter = split_tag(tag)[2]
    return parameter not in ("weight", "kernel"), parameter, *_place_in_row(tag)


def _place_in_row(tag: str) -> tuple[int, str]:
    prefix = split_tag(tag)[0]
    return _SIDE_BY_SIDE.index(prefix) if prefix in _SIDE_BY_SIDE else len(_SIDE_BY_SIDE), prefix


def _rows(tags: Sequence[str], holding: Mapping[str, list[str]], view: str) -> Iterable[list[Cell]]:
    """A row for each parameter, and where runs have cards of their own for each of them.

    What is of the whole layer, such as its activations, stands beside the first parameter. Tags that tell
    of no layer share a row, run beside run.
    """
    of_layer = [tag for tag in tags if split_tag(tag)[0]]
    others = sorted((tag for tag in tags if not split_tag(tag)[0]), key=_natural)
    parameters = dict.fromkeys(split_tag(tag)[2] for tag in of_layer)
    names = [name for name in parameters if name] or [""]
    alike = [[tag for tag in of_layer if split_tag(tag)[2] in _beside(name, names)] for name in names]
    for row in (sorted(row, key=_place_in_row) for row in alike):
        if view in OVERLAID:
            yield [Cell(tag, tuple(holding[tag])) for tag in row]
            continue
        for run in dict.fromkeys(run for tag in row for run in holding[tag]):
            yield [Cell(tag, (run,)) for tag in row if run in holding[tag]]
    together = view in OVERLAID
    yield [Cell(tag, runs) for tag in others for runs in _cards_of(holding[tag], together)]


def _cards_of(runs: Sequence[str], together: bool) -> list[tuple[str, ...]]:
    """The runs of each card of a tag."""
    return [tuple(runs)] if together else [(run,) for run in runs]


def _beside(parameter: str, parameters: Sequence[str]) -> tuple[str, ...]:
    """The parameters in the row of one: what is of the whole layer is in the first row."""
    return (parameter, "") if parameter == parameters[0] else (parameter,)


def _section(section: Section, runs: Mapping[str, _Run]) -> html.Details:
    title = html.Summary([html.H2(section.layer), html.Span(len(section.cells), className="count")])
    rows = [html.Div([_card(cell, runs) for cell in row], className="cards") for row in section.rows]
    return html.Details([title, *rows], open=True, className="layer")


def _card(cell: Cell, runs: Mapping[str, _Run]) -> html.Article:
    prefix, layer, parameter = split_tag(cell.tag)
    title = " · ".join(filter(None, [prefix, parameter])) or layer
    owners = [
        html.Span(
            [_dot(runs[run]), html.Span(runs[run]["name"])], className="card-run", title=runs[run]["name"]
        )
        for run in cell.runs
    ]
    head = html.Div(
        [
            html.Span(title, className="card-title", title=cell.tag),
            Description(tag=cell.tag),
            html.Span(id=cell.id("histogram-note"), className="card-note"),
            html.Span(
                owners if len(owners) == 1 else [_dot(runs[run]) for run in cell.runs], className="card-note"
            ),
        ],
        className="card-head",
    )
    graph = dcc.Graph(
        id=cell.id("histogram-figure"),
        figure=nothing("", "light"),
        config=_CONFIG,
        className="card-body",
        responsive=True,
    )
    return html.Article([head, graph], id=cell.id("histogram-card"), className="card lazy")


def _dot(run: _Run) -> html.Span:
    return html.Span(className="run-dot", style={"backgroundColor": run["color"]}, title=run["name"])


def _empty() -> html.Section:
    return html.Section(
        [
            html.H2("No histograms in the runs shown"),
            Elsewhere(kinds=",".join(KINDS)),
            html.P("Watch a model once before training, and its weights and gradients appear here."),
            html.Pre("run.watch(model)"),
            html.P("Or log any values yourself."),
            html.Pre('run.log({"activations": tb.Histogram(values)})'),
        ],
        className="page-empty",
    )
