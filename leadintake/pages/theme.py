"""The firm's colour, made legible: whatever ACCENT_COLOR is, text in it and on it has enough contrast.

Contrast is WCAG 2.2's (relative luminance, success criterion 1.4.3): 4.5 to 1 at least.
"""

from __future__ import annotations

import colorsys

ENOUGH = 4.5
STEP = 0.01
BLACK, WHITE = "#000000", "#ffffff"
LIGHT_SURFACES, DARK_SURFACES = (WHITE, "#f3f5f9"), ("#13171f", "#222a38")
"""What accented text may stand on: the page and its raised parts."""


def sheet(accent: str) -> str:
    """CSS that gives Pico the accent (`#rrggbb`), in light and in dark."""
    light, dark = legible(accent, LIGHT_SURFACES), legible(accent, DARK_SURFACES)
    return (
        f":root:not([data-theme]){{{_variables(light)}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme]){{{_variables(dark)}}}}}"
    )


def legible(accent: str, surfaces: tuple[str, ...]) -> str:
    """The nearest shade of `accent` that can be read on all of `surfaces`."""
    hue, light, saturation = colorsys.rgb_to_hls(*_parts(accent))
    away = -STEP if _luminance(surfaces[0]) > 0.5 else STEP
    shade = accent
    while min(contrast(shade, surface) for surface in surfaces) < ENOUGH:
        light = min(1.0, max(0.0, light + away))
        shade = _written(colorsys.hls_to_rgb(hue, light, saturation))
    return shade


def contrast(one: str, other: str) -> float:
    """How much two colours differ, from 1 to 21."""
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _variables(shade: str) -> str:
    upon = max((WHITE, BLACK), key=lambda ink: contrast(ink, shade))
    same = ("", "-background", "-border", "-underline", "-hover", "-hover-background", "-hover-border",
            "-hover-underline")  # fmt: skip
    colours = "".join(f"--pico-primary{part}:{shade};" for part in same)
    return f"{colours}--pico-primary-inverse:{upon};--pico-primary-focus:{shade}80;"


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _written(parts: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
