"""How the pages look: what the settings of a firm's own face may be."""

from __future__ import annotations

import re
from pathlib import Path

from leadintake.config.settings import Settings

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
PICTURES = (".svg", ".png", ".webp", ".jpg", ".jpeg")
HEAVIEST_LOGO = 100 * 1024


def appearance(settings: Settings) -> list[tuple[bool, str]]:
    """What is wrong with how it is to look."""
    return [
        (not COLOUR.fullmatch(settings.ACCENT_COLOR), "ACCENT_COLOR: write it as #rrggbb, such as #1f4e8c"),
        (bool(settings.FIRM_LOGO) and not _is_logo(Path(settings.FIRM_LOGO)),
         f"FIRM_LOGO: {settings.FIRM_LOGO} is not a picture that can be read "
         f"({', '.join(PICTURES)}; {HEAVIEST_LOGO // 1024} KB at most, for people on phones)"),
    ]  # fmt: skip


def _is_logo(path: Path) -> bool:
    try:
        return path.suffix.lower() in PICTURES and 0 < len(path.read_bytes()) <= HEAVIEST_LOGO
    except OSError:
        return False
