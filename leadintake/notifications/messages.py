"""Subjects and texts by kind of mail. A new kind is a line here and two templates."""

from __future__ import annotations

import functools
import unicodedata
import uuid
from dataclasses import dataclass

import jinja2
from babel.support import NullTranslations
from flask import current_app

from leadintake.core.i18n.languages import ENGLISH, N_, direction, translate_into
from leadintake.core.text import unlink_addresses
from leadintake.notifications.letterhead import Letterhead
from leadintake.notifications.models import MAX_SUBJECT_LENGTH

SUBJECTS = {
    "account_notice": "A change of your account",
    "audit_head": "Where the audit trail ends",
    "attorney_alert": "A new lead is waiting for you",
    "email_corrected": "A prospect corrected their e-mail address",
    "follow_up_due": "A next step is due",
    "delivery_failed": "A message could not be delivered",
    "leads_moved": "A change in your leads",
    "left_to_nobody": "A lead has no attorney any more",
    "invitation": "You are invited to sign in",
    "password_reset": "Choose a new password",
    "test_message": "A test of your mail",
    "quarantine_digest": "Submissions wait in quarantine",
    "returning_alert": "A prospect of yours wrote again",
    "prospect_confirmation": N_("We received your information"),
    "reply": "Reply",
    "reply_copy": "Copy of a reply",
    "unassigned_alert": "A new lead has no attorney yet",
}
"""Constant: no text of a prospect reaches a subject. Only PERSONAL_KINDS have another."""

PERSONAL_KINDS = {"reply", "reply_copy"}
"""Kinds whose subject and text a person of the firm writes."""

SECRET_KINDS = {"invitation", "password_reset"}
"""Kinds with a secret link: stored encrypted."""

OPTIONAL_KINDS = {"prospect_confirmation"}
"""Kinds with an unsubscribe link."""

UNTRUSTED_WORDS = {"prospect", "name", "reason", "note"}
"""Template variables with text from prospects or mail servers: addresses in them are not linked."""

PLACE_OF_WORDS = "\0"
MAX_GREETING_LENGTH, MAX_WORDS = 40, 3
NAME_MARKS = " '-\u2019"


@dataclass(frozen=True)
class RenderedMessage:
    """A rendered mail."""

    subject: str
    text: str
    html: str


def clean_greeting_name(name: str) -> str:
    """Return the name if it is a few short words of letters, else an empty text.

    Otherwise a confirmation could carry text to third parties.
    """
    has_letters_only = all(char in NAME_MARKS or unicodedata.category(char)[0] in "LM" for char in name)
    is_short = len(name) <= MAX_GREETING_LENGTH and len(name.split()) <= MAX_WORDS
    return name if has_letters_only and is_short else ""


def build_unsubscribe_link(message_id: uuid.UUID, language: str = ENGLISH) -> str:
    """Return the unsubscribe link of a message, in the language of the mail.

    The id is its only secret: time and at least 32 random bits. A guessed one only suppresses confirmations.
    """
    query = "" if language == ENGLISH else f"?lang={language}"
    return f"{current_app.config['PUBLIC_URL'].rstrip('/')}/unsubscribe/{message_id}{query}"


@functools.cache
def _templates_in(language: str) -> tuple[jinja2.Environment, NullTranslations]:
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("leadintake.notifications", "templates/mail"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    return templates, translate_into(language, templates)


def render(
    kind: str, *, letterhead: Letterhead, language: str = ENGLISH, about: str = "", **words: object
) -> RenderedMessage:
    """Render a mail as text and HTML. `about`: end of the subject.

    The word `subject` is the subject of PERSONAL_KINDS. Raises ValueError for it in another kind.
    """
    own_subject = str(words.pop("subject", ""))
    if own_subject and kind not in PERSONAL_KINDS:
        raise ValueError(f"{kind} has a constant subject")
    words |= {name: unlink_addresses(str(words[name])) for name in UNTRUSTED_WORDS & words.keys()}
    templates, catalogue = _templates_in(language)
    title = own_subject or catalogue.gettext(SUBJECTS[kind])
    subject = ": ".join(filter(None, (title, about)))[:MAX_SUBJECT_LENGTH]
    words |= {"firm": letterhead.firm, "letterhead": letterhead}
    text = templates.get_template(f"{kind}.txt").render(words)
    above, below = _build_frame(language, letterhead)
    html = templates.get_template(f"{kind}.html").render(words)
    return RenderedMessage(subject, text.rstrip() + letterhead.footer, above + html + below)


@functools.cache
def _build_frame(language: str, letterhead: Letterhead) -> tuple[str, str]:
    """Return the HTML above and below the words of a mail."""
    frame = _templates_in(language)[0].get_template("_frame.html")
    page = frame.render(
        letterhead=letterhead, language=language, direction=direction(language), words=PLACE_OF_WORDS
    )
    above, _, below = page.partition(PLACE_OF_WORDS)
    return above, below
