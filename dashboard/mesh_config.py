"""The configuration of three.js that TensorBoard's mesh plugin takes, checked before a browser acts on it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

CAMERAS = ("PerspectiveCamera", "OrthographicCamera")
LIGHTS = ("AmbientLight", "DirectionalLight", "HemisphereLight", "PointLight", "SpotLight")
MATERIALS = (
    "MeshBasicMaterial",
    "MeshLambertMaterial",
    "MeshNormalMaterial",
    "MeshPhongMaterial",
    "MeshPhysicalMaterial",
    "MeshStandardMaterial",
    "MeshToonMaterial",
    "PointsMaterial",
)
USUAL = "MeshStandardMaterial"
MAX_LIGHTS = 8
_COLOR = re.compile(r"#[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?|[a-zA-Z]{3,30}")


def checked(config: Any) -> tuple[dict[str, Any], list[str]]:
    """What is understood of a configuration, ``{camera, lights, material}``, and words on what is not."""
    if not config:
        return {}, []
    if not isinstance(config, Mapping):
        return {}, ["The configuration is not an object, so the usual one is used."]
    notes: list[str] = []
    found: dict[str, Any] = {}
    if "camera" in config and (camera := _part(config["camera"], CAMERAS, "camera", notes, CAMERAS[0])):
        found["camera"] = camera
    if "material" in config and (material := _part(config["material"], MATERIALS, "material", notes, USUAL)):
        found["material"] = material
    lights = config.get("lights", [])
    if not isinstance(lights, list):
        notes.append("The configuration's lights are not a list; the usual ones are used.")
    elif kept := [light for one in lights[:MAX_LIGHTS] if (light := _part(one, LIGHTS, "light", notes))]:
        found["lights"] = kept
    return found, notes


def _part(
    given: Any, classes: tuple[str, ...], what: str, notes: list[str], usual: str | None = None
) -> dict[str, Any] | None:
    """A camera, light or material: its class, the ``usual`` one if it names none, and its settings."""
    name = given.get("cls", usual) if isinstance(given, Mapping) else None
    if name not in classes:
        notes.append(
            f"The configuration's {what} is not understood ({str(name)[:40]}); the usual one is used."
        )
        return None
    settings = {key: value for key, value in given.items() if key != "cls" and _is_understood(key, value)}
    if bad := sorted(str(key)[:40] for key in given.keys() - settings.keys() - {"cls"}):
        notes.append(
            f"The configuration's {what} has settings that are not understood: {', '.join(bad[:5])}."
        )
    return {"cls": name, **settings}


def _is_understood(key: Any, value: Any) -> bool:
    if key in ("color", "emissive", "specular", "groundColor", "skyColor"):
        return _is_color(value)
    if key in ("position", "lookAt", "target"):
        return isinstance(value, list) and len(value) == 3 and all(_is_number(one) for one in value)
    return _SETTINGS.get(key, lambda _: False)(value)


def _is_color(value: Any) -> bool:
    if isinstance(value, str):
        return bool(_COLOR.fullmatch(value))
    return _is_number(value) and 0 <= value <= 0xFFFFFF


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _within(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: _is_number(value) and low <= value <= high


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool)


_SETTINGS: Mapping[str, Callable[[Any], bool]] = {
    "fov": _within(1, 170),
    "aspect": _is_number,
    "near": _is_number,
    "far": _is_number,
    "left": _is_number,
    "right": _is_number,
    "top": _is_number,
    "bottom": _is_number,
    "zoom": _within(1e-3, 1e3),
    "intensity": _within(0, 1e4),
    "distance": _within(0, 1e9),
    "decay": _within(0, 10),
    "angle": _within(0, math.pi),
    "penumbra": _within(0, 1),
    "roughness": _within(0, 1),
    "metalness": _within(0, 1),
    "shininess": _within(0, 1e4),
    "opacity": _within(0, 1),
    "size": _within(0, 1e6),
    "side": _within(0, 2),
    "transparent": _is_truth,
    "wireframe": _is_truth,
    "flatShading": _is_truth,
    "sizeAttenuation": _is_truth,
    "vertexColors": _is_truth,
}
"""Settings of cameras, lights and materials of three.js, and which values each may have."""
