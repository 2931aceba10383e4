"""The look of ag-grid tables: the colours of the page."""

from __future__ import annotations

_PARAMETERS = """themeQuartz.withParams({
    backgroundColor: "var(--surface)", foregroundColor: "var(--text)", borderColor: "var(--line)",
    headerBackgroundColor: "var(--page)", headerTextColor: "var(--quiet)", accentColor: "var(--accent)",
    rowHoverColor: "var(--hover)", selectedRowBackgroundColor: "var(--accent-soft)", chromeBackgroundColor:
    "var(--page)", fontFamily: "inherit", fontSize: 13, headerFontWeight: 550, borderRadius: 0,
    wrapperBorderRadius: 0, wrapperBorder: false, cellHorizontalPadding: 10,
    browserColorScheme: "inherit"})"""
TABLE_THEME = {"function": _PARAMETERS}
