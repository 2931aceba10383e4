"""Environments as files: what Visdom's server saves, and pages that need no server."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plotly

from ...storage.panes import read_panes
from .commands import Transaction, put_pane
from .figure import drawable, finite

if TYPE_CHECKING:
    from ...storage import Store

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; media-src data:;
  script-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ margin: 16px; font: 13px/1.4 system-ui, sans-serif; display: flex; flex-wrap: wrap; gap: 8px; }}
section {{ border: 1px solid #dfe2e6; border-radius: 4px; padding: 8px; }}
h1 {{ width: 100%; font-size: 18px; margin: 0; }}
h2 {{ font-size: 13px; margin: 0 0 4px; }}
.plot {{ width: 480px; height: 360px; }}
iframe {{ border: 0; width: 480px; height: 360px; }}
</style>
<h1>{title}</h1>
{windows}
<script>{plotly}</script>
<script>
for (const place of document.querySelectorAll(".plot")) {{
  const figure = JSON.parse(place.dataset.figure);
  Plotly.newPlot(place, figure.data, {{ ...figure.layout, width: 480, height: 360 }});
}}
</script>
</html>
"""


def as_json(store: Store, name: str) -> str | None:
    """An environment as Visdom's server would save it, or None if there is none."""
    with store.reading() as connection:
        panes = read_panes(connection, name)
    return None if panes is None else json.dumps({"jsons": panes, "reload": {}})


def as_page(store: Store, name: str) -> str | None:
    """An environment as one HTML file that loads nothing, or None if there is none."""
    with store.reading() as connection:
        panes = read_panes(connection, name)
    if panes is None:
        return None
    drawn = "\n".join(_section(pane) for pane in panes.values())
    library = Path(plotly.__path__[0]) / "package_data" / "plotly.min.js"
    script = library.read_text().replace("</script", "<\\/script")
    return _PAGE.format(title=html.escape(name), windows=drawn, plotly=script)


def put_saved(transaction: Transaction, name: str, saved: dict[str, Any]) -> None:
    """Make an environment of a file that Visdom's server saved; one of this name is replaced."""
    if not name:
        raise ValueError("an environment needs a name")
    panes = dict(saved["jsons"])
    transaction.delete(name)
    environment = transaction.make(name)
    for window_id, pane in sorted(panes.items(), key=lambda item: item[1].get("i", 0)):
        put_pane(environment, {**pane, "id": window_id})


def _section(pane: dict[str, Any]) -> str:
    return f"<section><h2>{html.escape(str(pane.get('title') or pane['id']))}</h2>{_body(pane)}</section>"


def _body(pane: dict[str, Any]) -> str:
    content = pane["content"]
    if pane["type"] == "plot":
        figure = html.escape(json.dumps(drawable(content)), quote=True)
        return f'<div class="plot" data-figure="{figure}"></div>'
    if pane["type"] == "text":
        return f'<iframe sandbox srcdoc="{html.escape(str(content), quote=True)}"></iframe>'
    if pane["type"] in ("image", "image_history"):
        images = content if isinstance(content, list) else [content]
        return "".join(_image(image) for image in images)
    return f"<pre>{html.escape(json.dumps(finite(content), indent=1))}</pre>"


def _image(image: dict[str, Any]) -> str:
    source = html.escape(str(image.get("src")), quote=True)
    caption = html.escape(str(image.get("caption") or ""))
    return f'<figure><img src="{source}" alt=""><figcaption>{caption}</figcaption></figure>'
