"""What each kind of message says. A new kind is a line here and two templates."""

from __future__ import annotations

import unicodedata
import uuid
from dataclasses import dataclass

import jinja2
from flask import current_app

from leadintake.core.languages import ENGLISH, direction, phrase, said, speaking, translate_in
from leadintake.core.text import unlinked
from leadintake.notifications.models import LONGEST_SUBJECT

SUBJECTS = {
    "account_notice": "A change of your account",
    "audit_head": "Where the audit trail ends",
    "attorney_alert": "A new lead is waiting for you",
    "delivery_failed": "A message could not be delivered",
    "left_to_nobody": "A lead has no attorney any more",
    "invitation": "You are invited to sign in",
    "password_reset": "Choose a new password",
    "test_message": "A test of your mail",
    "returning_alert": "A prospect of yours wrote again",
    "prospect_confirmation": phrase("We received your information"),
    "unassigned_alert": "A new lead has no attorney yet",
}
"""Constant texts, each language's own: nothing a stranger typed ever reaches a subject."""

SECRET = {"invitation", "password_reset"}
"""Kinds whose words let somebody in: they wait in the outbox sealed."""

OPTIONAL = {"prospect_confirmation"}
"""Kinds that a stranger may refuse: their mails carry a link for it."""

OF_STRANGERS = {"prospect", "name", "reason"}
"""What strangers typed, or their mail servers answered: no address in it becomes a link."""

LONGEST_GREETING, MOST_WORDS = 40, 3
NAME_MARKS = " '-\u2019"


@dataclass(frozen=True)
class Words:
    """A rendered message."""

    subject: str
    text: str
    html: str


def greeting_name(name: str) -> str:
    """A name as a stranger's mail may carry it: a few short words of letters, else nothing.

    Anybody can post anybody's address; the confirmation must not carry a message of theirs.
    """
    plain = all(char in NAME_MARKS or unicodedata.category(char)[0] in "LM" for char in name)
    short = len(name) <= LONGEST_GREETING and len(name.split()) <= MOST_WORDS
    return name if plain and short else ""


def unsubscribe_link(message_id: uuid.UUID, language: str = ENGLISH) -> str:
    """Where the recipient of this message can say that they want no more, in the language of the mail.

    The id is the key: made of the time and at least 32 random bits, and only the recipient's mailbox has
    seen it. Who guessed one could spare somebody a confirmation, no more.
    """
    spoken = "" if language == ENGLISH else f"?lang={language}"
    return f"{current_app.config['PUBLIC_URL'].rstrip('/')}/unsubscribe/{message_id}{spoken}"


_templates = jinja2.Environment(
    loader=jinja2.PackageLoader("leadintake.notifications", "templates/mail"),
    autoescape=jinja2.select_autoescape(["html"]),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
translate_in(_templates)


def render(kind: str, *, language: str = ENGLISH, about: str = "", **words: object) -> Words:
    """Say it in a language we speak, as text and as HTML; the subject ends with what it is about."""
    words |= {name: unlinked(str(words[name])) for name in OF_STRANGERS & words.keys()}
    with speaking(language):
        subject = ": ".join(filter(None, (said(SUBJECTS[kind]), about)))[:LONGEST_SUBJECT]
        text = _templates.get_template(f"{kind}.txt").render(**words)
        frame = {"subject": subject, "language": language, "direction": direction(language)}
        html = _templates.get_template(f"{kind}.html").render(**frame, **words)
    return Words(subject, text, html)
