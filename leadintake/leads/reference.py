"""The reference of a lead: a short name for the telephone, accepted like the id."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Annotated, Any

import msgspec
from sqlalchemy.exc import IntegrityError
from werkzeug.routing import BaseConverter

from leadintake.core.text import fold_text

ALPHABET = "23456789CFGHJMPQRVWX"
"""From Open Location Code, which chose it against words of thirty languages: no vowels. Of characters that
look or sound alike (0 O, 1 I L, 2 Z, 5 S, 8 B, U V, D T, M N) it has one or none."""
LOOK_ALIKES = str.maketrans("0OZSBU", "QQ258V")
"""Read as a similar character of the alphabet."""
GROUP = 4
LENGTH = 2 * GROUP + 1
MAX_TYPED_LENGTH = 20
SEPARATOR = r"[\s.\-_\u2010-\u2015\u2212]"
SEPARATORS = re.compile(f"{SEPARATOR}+")
UUID = re.compile("[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
TYPED_GROUP = f"[{ALPHABET}{ALPHABET.lower()}0OSZBUoszbu]{{{GROUP}}}"
PATTERN = f"^[{ALPHABET}]{{{GROUP}}}-[{ALPHABET}]{{{GROUP}}}$"
UNIQUE_INDEX_NAMES = ("uq_leads_reference", "leads.reference")
"""The unique index in errors of PostgreSQL and MariaDB, and of SQLite."""


class Reference(str):
    """A canonical reference: `7QM4-2XRF`."""

    __slots__ = ()


ReferenceText = Annotated[str, msgspec.Meta(description="Said on the telephone; taken wherever the id is.")]
"""A reference in JSON. Empty ("") until the backfill gives one to a lead written by an older process."""
LeadKey = uuid.UUID | Reference
"""The id or the reference of a lead."""


def draw_reference() -> str:
    """Draw a random reference: 20**8 values (34 bits), unrelated to the id."""
    number, characters = secrets.randbelow(len(ALPHABET) ** (2 * GROUP)), ""
    for _ in range(2 * GROUP):
        number, place = divmod(number, len(ALPHABET))
        characters += ALPHABET[place]
    return f"{characters[:GROUP]}-{characters[GROUP:]}"


def parse_reference(text: str) -> Reference | None:
    """Parse a reference in any case, with or without separator; None if invalid."""
    if len(text) > MAX_TYPED_LENGTH:
        return None
    typed = SEPARATORS.sub("", fold_text(text, MAX_TYPED_LENGTH)).upper().translate(LOOK_ALIKES)
    if len(typed) != 2 * GROUP or set(typed) - set(ALPHABET):
        return None
    return Reference(f"{typed[:GROUP]}-{typed[GROUP:]}")


def parse_key(text: str) -> LeadKey | None:
    """Parse an id or a reference; None if invalid."""
    return uuid.UUID(text) if UUID.fullmatch(text) else parse_reference(text)


def is_reference_conflict(error: IntegrityError) -> bool:
    """Return whether the error is a duplicate reference."""
    return any(name in str(error.orig) for name in UNIQUE_INDEX_NAMES)


class LeadKeyConverter(BaseConverter):
    """`<lead:lead_id>` in a route: an id or a reference."""

    # As narrow as parse_key: a path that matches responds 405 to a wrong method, not 404.
    regex = f"(?:{UUID.pattern}|{TYPED_GROUP}{SEPARATOR}?{TYPED_GROUP})"
    schema = {  # noqa: RUF012 - read by the OpenAPI document, a constant
        "type": "string",
        "description": "The id, or the reference in any case, with or without its separator.",
        "anyOf": [{"format": "uuid"}, {"pattern": PATTERN}],
    }

    def to_python(self, value: str) -> LeadKey:
        """Parse the key."""
        key = parse_key(value)
        assert key is not None  # noqa: S101 - the pattern matches only keys
        return key

    def to_url(self, value: Any) -> str:
        """Format the key."""
        return str(value)
