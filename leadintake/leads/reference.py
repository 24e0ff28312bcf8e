"""The reference of a lead: what people say on the telephone, wherever a program takes the id."""

from __future__ import annotations

import re
import secrets
import uuid
from typing import Annotated, Any

import click
import msgspec
from sqlalchemy.exc import IntegrityError
from werkzeug.routing import BaseConverter

from leadintake.core.text import compatible

ALPHABET = "23456789CFGHJMPQRVWX"
"""Of Open Location Code, chosen there over words of thirty languages: no vowels, so that nothing spells a
word, and of what looks or sounds alike (0 O, 1 I L, 2 Z, 5 S, 8 B, U V, D T, M N) one or none."""
LOOK_ALIKES = str.maketrans("0OZSBU", "QQ258V")
"""What is read for something of the alphabet."""
GROUP = 4
LENGTH = 2 * GROUP + 1
LONGEST_TYPED = 20
SEPARATOR = r"[\s.\-_\u2010-\u2015\u2212]"
SEPARATORS = re.compile(f"{SEPARATOR}+")
UUID = re.compile("[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}")
TYPED_GROUP = f"[{ALPHABET}{ALPHABET.lower()}0OSZBUoszbu]{{{GROUP}}}"
PATTERN = f"^[{ALPHABET}]{{{GROUP}}}-[{ALPHABET}]{{{GROUP}}}$"
TAKEN = ("uq_leads_reference", "leads.reference")
"""How PostgreSQL and MariaDB, and SQLite, name the rule that a second lead with a reference breaks."""


class Reference(str):
    """A reference that names a lead, as it is written: `7QM4-2XRF`."""

    __slots__ = ()


ReferenceText = Annotated[str, msgspec.Meta(description="Said on the telephone; taken wherever the id is.")]
"""The same in an answer. Nothing ("") for the seconds until a lead that an older process wrote has one."""
LeadKey = uuid.UUID | Reference
"""What names a lead: its id or its reference."""


def draw_reference() -> str:
    """Draw a reference from the cryptographic random source: 20**8, or 34 bits, and nothing of the id."""
    signs = [secrets.choice(ALPHABET) for _ in range(2 * GROUP)]
    return f"{''.join(signs[:GROUP])}-{''.join(signs[GROUP:])}"


def parse_reference(text: str) -> Reference | None:
    """Read a reference in any case, with or without separator; None for what is no reference."""
    if len(text) > LONGEST_TYPED:
        return None
    typed = SEPARATORS.sub("", compatible(text, LONGEST_TYPED)).upper().translate(LOOK_ALIKES)
    if len(typed) != 2 * GROUP or set(typed) - set(ALPHABET):
        return None
    return Reference(f"{typed[:GROUP]}-{typed[GROUP:]}")


def parse_key(text: str) -> LeadKey | None:
    """Read an id or a reference; None for what is neither."""
    return uuid.UUID(text) if UUID.fullmatch(text) else parse_reference(text)


def is_taken(error: IntegrityError) -> bool:
    """Whether the database refused a row because its reference belongs to another lead."""
    return any(name in str(error.orig) for name in TAKEN)


class LeadKeyConverter(BaseConverter):
    """`<lead:lead_id>` in a route: an id or a reference."""

    # As narrow as what it takes: what matches is an address, which may be asked with a wrong method (405).
    regex = f"(?:{UUID.pattern}|{TYPED_GROUP}{SEPARATOR}?{TYPED_GROUP})"
    schema = {  # noqa: RUF012 - read by the OpenAPI document, written by nobody
        "type": "string",
        "description": "The id, or the reference in any case, with or without its separator.",
        "anyOf": [{"format": "uuid"}, {"pattern": PATTERN}],
    }

    def to_python(self, value: str) -> LeadKey:
        """Read it; a path with anything else leads nowhere."""
        key = parse_key(value)
        assert key is not None  # noqa: S101 - the pattern lets nothing else through
        return key

    def to_url(self, value: Any) -> str:
        """Write it as it is."""
        return str(value)


class LeadKeyType(click.ParamType[LeadKey]):
    """ID of a command: an id or a reference."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> LeadKey:
        """Read it, or fail with status 2."""
        key = parse_key(str(value).strip())
        if key is None:
            self.fail(f"{value!r} is neither the id nor the reference of a lead.", param, ctx)
        return key
