"""The disclaimer of an attorney-client relationship beside the submit button, and its versions."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import sqlalchemy as sa
from markupsafe import Markup
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core.db.database import Model, db
from leadintake.core.db.types import LongText
from leadintake.core.i18n.firm_texts import text
from leadintake.core.i18n.languages import LANGUAGES, current_language, use_language

VERSION = re.compile("[0-9a-f]{12}")


class Disclaimer(Model):
    """A disclaimer shown to prospects, stored once per version."""

    __tablename__ = "disclaimers"

    version: Mapped[str] = mapped_column(sa.String(12), unique=True)
    language: Mapped[str] = mapped_column(sa.String(10))
    text: Mapped[str] = mapped_column(LongText)


@dataclass(frozen=True)
class RenderedDisclaimer:
    """A disclaimer on a page. White space in `html` is collapsed."""

    language: str
    html: Markup

    @property
    def version(self) -> str:
        """First 12 hexadecimal digits of the SHA-256 of language and text."""
        return hashlib.sha256(f"{self.language}{self.html}".encode()).hexdigest()[:12]


def render_current() -> RenderedDisclaimer:
    """Render the disclaimer in the current language."""
    return RenderedDisclaimer(current_language(), Markup(" ".join(text("disclaimer").split())))  # noqa: S704 - is Markup already


def find_version(version: str) -> Disclaimer | None:
    """Return the stored disclaimer of this version."""
    return db.session.scalar(sa.select(Disclaimer).where(Disclaimer.version == version))


def store_version(version: str) -> str | None:
    """Store the text of this version unless stored. Return the version, or None if it is unknown.

    Known: stored versions, and the current text in each language. The caller holds the assignment lock: two
    submissions would both insert.
    """
    if not VERSION.fullmatch(version):
        return None
    if find_version(version) is None:
        rendered = next((found for found in _render_all() if found.version == version), None)
        if rendered is None:
            return None
        db.session.add(Disclaimer(version=version, language=rendered.language, text=str(rendered.html)))
    return version


def _render_all() -> list[RenderedDisclaimer]:
    rendered = []
    for language in LANGUAGES:
        with use_language(language):
            rendered.append(render_current())
    return rendered
