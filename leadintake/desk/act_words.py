"""Acts that were not finished, in words: their titles, and what was typed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from leadintake.auth.service import auth
from leadintake.desk.words import CHANNELS, CONTACT_OUTCOMES, OUTCOMES, SOON

Fields = Sequence[tuple[str, str]]
UNSHOWN = {
    "csrf_token", "signer", "version", "shown_name", "shown_email", "submission_id", "act", "ids", "lead",
    "everything", "template", "begin", "replace", "preview",
}  # fmt: skip
LABELS = {
    "reason": "Reason", "notice": "Why", "user_id": "Person", "substitute_id": "Stands in",
    "first_day": "First day", "last_day": "Last day", "email": "E-mail", "name": "Name", "role": "Role",
    "timezone": "Time zone", "text": "Note", "note": "Note", "channel": "How", "outcome": "Outcome",
    "at": "Next step", "quick": "Next step", "tags": "Tags", "take_back": "Take it back",
    "subject": "Subject", "body": "Text", "language": "Language",
}  # fmt: skip
TEXTS = {"reason", "notice", "text", "note", "tags", "subject", "body", "name"}
"""Fields of free text; the others are choices."""
CHOICES: Mapping[str, Mapping[Any, str]] = {
    "channel": CHANNELS,
    "outcome": {**CONTACT_OUTCOMES, **OUTCOMES},
    "quick": SOON,
    "take_back": {"1": "Yes"},
    "one_name": {"1": "Yes"},
}
BULK = {
    "delete": "Delete {}",
    "tags": "Change the tags of {}",
    "outcome": "Set the outcome of {}",
    "note": "Write a note on {}",
}
MEMBERS = {"delete": "", "assign": "", "tags": "tags", "outcome": "outcome", "note": "text"}
"""The field that an act on several leads has, if its title does not say it."""


def title_of_act(title: str, fields: Fields) -> str:
    """Return the title, which names number and person where the act is about several leads."""
    values = dict(fields)
    act = values.get("act", "")
    if act not in MEMBERS:
        return title
    leads = _count_leads(fields)
    if act != "assign":
        return BULK[act].format(leads)
    person = name_of(values.get("user_id", ""))
    return f"Hand over {leads} to {person}" if person else f"Take {leads} from their attorneys"


def list_visible(fields: Fields) -> list[tuple[str, str, str]]:
    """Return name, label and words of each field that is not empty."""
    act = dict(fields).get("act", "")
    filled = [(name, value) for name, value in fields if name not in UNSHOWN and value.strip()]
    if act in MEMBERS:
        filled = [(name, value) for name, value in filled if name == MEMBERS[act]]
    return [(name, _label(name), _describe(name, value)) for name, value in filled]


def name_of(user_id: str) -> str:
    """Return the name of a user; empty if there is none."""
    with suppress(ValueError):
        user = auth.get(uuid.UUID(user_id))
        return user.name if user else ""
    return ""


def _count_leads(fields: Fields) -> str:
    values = dict(fields)
    if values.get("everything"):
        return "all leads of the list"
    number = len(values.get("ids", "").split()) + sum(name == "lead" for name, _ in fields)
    return "1 lead" if number == 1 else f"{number} leads"


def _label(name: str) -> str:
    return LABELS.get(name, name.replace("_", " ").capitalize())


def _describe(name: str, value: str) -> str:
    if name in CHOICES:
        return CHOICES[name].get(value, value)
    return (name_of(value) or value) if name.endswith("_id") else value
