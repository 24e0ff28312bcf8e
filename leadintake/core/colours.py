"""Shades of a colour that can be read: a contrast of 4.5 to 1 (WCAG 2.2, 1.4.3), for any setting."""

from __future__ import annotations

import colorsys

MIN_CONTRAST = 4.5
STEP = 0.01
BLACK, WHITE = "#000000", "#ffffff"
LIGHT_SURFACES, DARK_SURFACES = (WHITE, "#f3f5f9"), ("#13171f", "#222a38")
"""Backgrounds of accented text: the card and the page around it."""


def find_legible(accent: str, surfaces: tuple[str, ...]) -> str:
    """Return the nearest shade of `accent` with MIN_CONTRAST on all `surfaces`."""
    hue, light, saturation = colorsys.rgb_to_hls(*_parse_colour(accent))
    step = -STEP if _compute_luminance(surfaces[0]) > 0.5 else STEP
    shade = accent
    while min(compute_contrast(shade, surface) for surface in surfaces) < MIN_CONTRAST:
        light = min(1.0, max(0.0, light + step))
        shade = _format_colour(colorsys.hls_to_rgb(hue, light, saturation))
    return shade


def compute_contrast(colour: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21."""
    brighter, darker = sorted((_compute_luminance(colour), _compute_luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def choose_ink(background: str) -> str:
    """Return black or white, whichever is read better on `background`."""
    return max((WHITE, BLACK), key=lambda ink: compute_contrast(ink, background))


def _parse_colour(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _format_colour(parts: tuple[float, ...]) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts)


def _compute_luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parse_colour(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
