"""What each kind of message says. A new kind is a line here and two templates."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import jinja2

SUBJECTS = {
    "attorney_alert": "A new lead is waiting for you",
    "prospect_confirmation": "We received your information",
    "unassigned_alert": "A new lead has no attorney yet",
}
"""Constant texts: nothing a stranger typed ever reaches a header."""

LONGEST_GREETING = 40
NAME_MARKS = " '-\u2019"


@dataclass(frozen=True)
class Words:
    """A rendered message."""

    subject: str
    text: str
    html: str


def greeting_name(name: str) -> str:
    """A name as a stranger's mail may carry it: letters only and short, else nothing.

    Anybody can post anybody's address; the confirmation must not carry a message of theirs.
    """
    plain = all(char in NAME_MARKS or unicodedata.category(char)[0] in "LM" for char in name)
    return name if plain and len(name) <= LONGEST_GREETING else ""


_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("leadintake.notifications", "templates/mail"),
    autoescape=jinja2.select_autoescape(["html"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(kind: str, **words: object) -> Words:
    """Say it, as text and as HTML."""
    text = _templates.get_template(f"{kind}.txt").render(**words)
    html = _templates.get_template(f"{kind}.html").render(subject=SUBJECTS[kind], **words)
    return Words(SUBJECTS[kind], text, html)
