"""Numbers as sentences say them."""

from __future__ import annotations


def said(value: float) -> str:
    """Three digits, and whole numbers in full as far as they can be taken in."""
    return f"{value:,.0f}" if 100 <= abs(value) < 1e7 else f"{value:.3g}"
