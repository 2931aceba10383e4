"""The colour of a run: the same one everywhere, and unchanged when runs are added."""

from __future__ import annotations

import math

# Chosen in OKLCH so that under normal, protan, deutan and tritan vision (Machado, Oliveira and Fernandes,
# 2009) the smallest distance between two of them is as large as it gets, with a contrast of at least
# 2.9:1 against the light and 3:1 against the dark background. The order keeps the first few furthest apart.
PALETTE = ("#226dc9", "#f5642b", "#ab4085", "#15ab83", "#a57afe", "#656818", "#e469cb", "#cc3239")

_GOLDEN_ANGLE = 137.50776405003785
_LIGHTNESS = (0.56, 0.66)
_CHROMA = 0.115


def run_color(index: int) -> str:
    """The colour, ``#rrggbb``, of a project's ``index``-th run in the order of creation.

    The first eight come from the palette; the others are spread over the hues of OKLCH by the golden
    angle, so that neighbours in age differ most.
    """
    if index < len(PALETTE):
        return PALETTE[index]
    return _oklch(_LIGHTNESS[index % 2], _CHROMA, (index * _GOLDEN_ANGLE) % 360)


def _oklch(lightness: float, chroma: float, hue: float) -> str:
    """OKLCH to sRGB, formulas of Björn Ottosson, "A perceptual color space for image processing", 2020."""
    a = chroma * math.cos(math.radians(hue))
    b = chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    return "#" + "".join(f"{_srgb(channel):02x}" for channel in linear)


def _srgb(linear: float) -> int:
    linear = min(max(linear, 0.0), 1.0)
    encoded = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return round(encoded * 255)
