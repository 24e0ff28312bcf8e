"""The style sheet of the firm's accent colour, in light and dark mode."""

from __future__ import annotations

from leadintake.core.colours import DARK_SURFACES, LIGHT_SURFACES, choose_ink, find_legible


def build_sheet(accent: str) -> str:
    """Return CSS with Pico's accent (`#rrggbb`) in light and dark mode."""
    light, dark = find_legible(accent, LIGHT_SURFACES), find_legible(accent, DARK_SURFACES)
    return (
        f":root:not([data-theme]){{{_build_variables(light)}}}"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme]){{{_build_variables(dark)}}}}}"
    )


def _build_variables(shade: str) -> str:
    variants = ("", "-background", "-border", "-underline", "-hover", "-hover-background", "-hover-border",
            "-hover-underline")  # fmt: skip
    colours = "".join(f"--pico-primary{part}:{shade};" for part in variants)
    return f"{colours}--pico-primary-inverse:{choose_ink(shade)};--pico-primary-focus:{shade}80;"
