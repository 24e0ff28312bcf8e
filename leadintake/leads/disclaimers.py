"""What stands beside the button: no attorney-client relationship yet, and in which version it was read."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import sqlalchemy as sa
from markupsafe import Markup

from leadintake.core.database import db
from leadintake.core.languages import LANGUAGES, speaking, spoken
from leadintake.core.texts import text
from leadintake.leads.models import Disclaimer

VERSION = re.compile("[0-9a-f]{12}")


@dataclass(frozen=True)
class Shown:
    """The disclaimer of a page: its language, its HTML with every white space as one, and its version."""

    language: str
    html: Markup

    @property
    def version(self) -> str:
        """The first 12 hexadecimal digits of the SHA-256 of language and text."""
        return hashlib.sha256(f"{self.language}{self.html}".encode()).hexdigest()[:12]


def shown() -> Shown:
    """The present disclaimer in the language being spoken."""
    return Shown(spoken(), Markup(" ".join(text("disclaimer").split())))  # noqa: S704 - is Markup already


def of_version(version: str) -> Disclaimer | None:
    """The text of a version that somebody was shown, as it was kept."""
    return db.session.scalar(sa.select(Disclaimer).where(Disclaimer.version == version))


def keep(version: str) -> str | None:
    """Keep the text of this version, once; return the version, or None for one that we do not know.

    It must be kept already or be the present text in a language we speak. Two submissions at once would
    both keep it, so the caller holds the lock that lets one in at a time.
    """
    if not VERSION.fullmatch(version):
        return None
    if of_version(version) is None:
        known = next((one for one in _present() if one.version == version), None)
        if known is None:
            return None
        db.session.add(Disclaimer(version=version, language=known.language, text=str(known.html)))
    return version


def _present() -> list[Shown]:
    found = []
    for language in LANGUAGES:
        with speaking(language):
            found.append(shown())
    return found
