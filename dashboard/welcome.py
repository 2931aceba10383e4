"""What people see before their first run: the four lines to paste."""

from __future__ import annotations

from pathlib import Path

from dash import dcc, html

DEFAULT_STORE = "trainboard.db"


def layout(store_url: str) -> html.Section:
    """The empty state; the shell shows it while the store has no runs."""
    lines = example(store_url)
    where = store_url.removeprefix("sqlite:///")
    return html.Section(
        [
            html.H1("No runs yet"),
            html.P("Paste these four lines into your training program and start it. The charts appear here."),
            html.Div(
                [
                    html.Pre(html.Code(lines, id="welcome-code")),
                    dcc.Clipboard(target_id="welcome-code", title="Copy", className="copy"),
                ],
                className="snippet",
            ),
            html.P(["Waiting for the first run in ", html.Code(where)]),
        ],
        id="welcome",
    )


def example(store_url: str) -> str:
    """Four lines of Python that log to this store; its address is left out where it is the default."""
    path = store_url.removeprefix("sqlite:///")
    is_default = path != store_url and Path(path).absolute() == Path(DEFAULT_STORE).absolute()
    address = "" if is_default else f', store="{path}"'
    return (
        "import trainboard as tb\n"
        f'run = tb.init(project="digits"{address})\n'
        'run.log({"train/loss": loss})\n'
        "run.finish()\n"
    )
