"""Validation of FIRM_LOGO and FIRM_LOGO_DARK."""

from __future__ import annotations

from pathlib import Path

from leadintake.config.settings import Settings

PICTURES = (".svg", ".png", ".webp", ".jpg", ".jpeg")
HEAVIEST_LOGO = 100 * 1024


def check_appearance(settings: Settings) -> list[tuple[bool, str]]:
    """Return the checks of the logos."""
    logos = {"FIRM_LOGO": settings.FIRM_LOGO, "FIRM_LOGO_DARK": settings.FIRM_LOGO_DARK}
    return [
        *((bool(path) and not _is_logo(Path(path)),
           f"{name}: {path} is not a picture that can be read "
           f"({', '.join(PICTURES)}; {HEAVIEST_LOGO // 1024} KB at most, for people on phones)")
          for name, path in logos.items()),
        (bool(settings.FIRM_LOGO_DARK) and not settings.FIRM_LOGO,
         "FIRM_LOGO_DARK: it needs FIRM_LOGO, the picture for light pages and for paper"),
    ]  # fmt: skip


def _is_logo(path: Path) -> bool:
    try:
        return path.suffix.lower() in PICTURES and 0 < len(path.read_bytes()) <= HEAVIEST_LOGO
    except OSError:
        return False
