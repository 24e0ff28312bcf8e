"""What frames every mail: the firm's name, logo and colours above, its address and telephone number below."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import PurePath

from flask import current_app

from leadintake.core.colours import DARK_SURFACES, LIGHT_SURFACES, choose_ink, find_legible

MAIL_PICTURES = (".png", ".jpg", ".jpeg")
"""What mail programs show. Gmail and Outlook show no SVG, Outlook no WebP."""
LOGO_PATH = "/logo"
BUTTON = (
    "display:inline-block;padding:10px 24px;line-height:24px;background:{accent};color:{ink};"
    "border-radius:6px;font-weight:bold;text-decoration:none"
)
"""44 px high, as a finger needs (WCAG 2.2, 2.5.5)."""


@dataclass(frozen=True)
class Letterhead:
    """`logo`: its address, empty where mails cannot show it. `button`: a style. Colours: #rrggbb."""

    firm: str
    logo: str
    address: tuple[str, ...]
    phone: str
    accent: str
    button: str
    dark_accent: str
    dark_ink: str

    @property
    def footer(self) -> str:
        """The lines below a plain text, after the mark of a signature (RFC 3676, 4.3)."""
        return "\n".join(("\n", "-- ", self.firm, *self.address, *filter(None, [self.phone]), ""))


def get_letterhead() -> Letterhead:
    """Return the firm's letterhead, as its settings say."""
    config = current_app.config
    return build_letterhead(
        config["FIRM_NAME"],
        logo=config["FIRM_LOGO"],
        public_url=config["PUBLIC_URL"],
        address=config["FIRM_ADDRESS"],
        phone=config["FIRM_PHONE"],
        colour=config["ACCENT_COLOR"],
    )


@functools.cache
def build_letterhead(
    firm: str, *, logo: str, public_url: str, address: str, phone: str, colour: str
) -> Letterhead:
    """Build a letterhead. `logo`: the name of a file; `address`: lines with commas between."""
    has_picture = PurePath(logo).suffix.lower() in MAIL_PICTURES
    accent, dark_accent = find_legible(colour, LIGHT_SURFACES), find_legible(colour, DARK_SURFACES)
    return Letterhead(
        firm=firm,
        logo=public_url.rstrip("/") + LOGO_PATH if has_picture else "",
        address=tuple(line.strip() for line in address.split(",") if line.strip()),
        phone=phone,
        accent=accent,
        button=BUTTON.format(accent=accent, ink=choose_ink(accent)),
        dark_accent=dark_accent,
        dark_ink=choose_ink(dark_accent),
    )
