"""Validation of FIRM_LOGO."""

from __future__ import annotations

from pathlib import Path

from leadintake.config.settings import Settings

PICTURES = (".svg", ".png", ".webp", ".jpg", ".jpeg")
HEAVIEST_LOGO = 100 * 1024


def check_appearance(settings: Settings) -> list[tuple[bool, str]]:
    """Return the checks of the logo."""
    return [
        (bool(settings.FIRM_LOGO) and not _is_logo(Path(settings.FIRM_LOGO)),
         f"FIRM_LOGO: {settings.FIRM_LOGO} is not a picture that can be read "
         f"({', '.join(PICTURES)}; {HEAVIEST_LOGO // 1024} KB at most, for people on phones)"),
    ]  # fmt: skip


def _is_logo(path: Path) -> bool:
    try:
        return path.suffix.lower() in PICTURES and 0 < len(path.read_bytes()) <= HEAVIEST_LOGO
    except OSError:
        return False
