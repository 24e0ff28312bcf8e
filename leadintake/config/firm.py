"""What the firm is called, how its pages look, and what its form asks."""

from __future__ import annotations

import typing
from dataclasses import dataclass, field

from leadintake.config.patterns import Colour, WebAddress


@dataclass(frozen=True, slots=True)
class FirmSettings:
    """The settings about the firm, with their defaults."""

    FIRM_NAME: str = "Our Law Firm"
    """The firm's name, on pages and in mails."""

    FIRM_LOGO: str = ""
    """Picture shown in place of the name: a file, relative to the instance folder."""

    FIRM_LOGO_DARK: str = ""
    """The same for dark mode; without it FIRM_LOGO stands on a light plate there."""

    FIRM_ADDRESS: str = ""
    """The firm's postal address, at the end of mails. Commas part its lines."""

    FIRM_PHONE: str = ""
    """The firm's telephone number, at the end of mails."""

    ACCENT_COLOR: Colour = "#1f4e8c"
    """The firm's colour, as #rrggbb. Readable shades for light and dark are derived from it."""

    PRACTICE_AREAS: list[str] = field(
        default_factory=lambda: ["business", "criminal", "employment", "estate", "family", "immigration"]
    )
    """Allowed values of a lead's practice_area."""

    LANGUAGES: list[str] = field(default_factory=lambda: ["en", "es"])
    """Allowed values of a lead's language."""

    ASK_PHONE: typing.Literal["off", "optional", "required"] = "off"
    """Whether the form asks for a telephone number. One that cannot be read is never refused."""

    ACCEPT_PHOTOS: bool = False
    """Whether a photograph (JPEG, PNG) is accepted as a resume."""

    TIMEZONE: str = ""
    """The firm's time zone, such as America/New_York. Default: `timezone` of ASSIGNMENT_POLICY, else UTC."""

    PHONE_REGION: str = ""
    """Two letters (ISO 3166) of the country whose numbers need no country code, such as US. Without it only
    numbers that begin with + can be read."""

    EMBED_ORIGINS: list[str] = field(default_factory=list)
    """Origins (https://www.firm.example) whose pages may frame the form and post to it."""

    RETURN_URL: WebAddress = ""
    """Where the link "Back to …" of the thank-you page leads, such as the firm's site."""
