"""JSON schemas of leads that staff enter."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from leadintake.core.text import TYPED_PER_CHARACTER
from leadintake.leads.fields import FIELDS
from leadintake.leads.models import Lead
from leadintake.leads.reference import ReferenceText

MAX_KEY_LENGTH = 255
SPACE = 100
"""Characters around a value that a form strips."""


class _OwnMembers(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    one_name: bool = False
    submission_id: Annotated[str, msgspec.Meta(max_length=MAX_KEY_LENGTH)] = ""


def _bound_text(most: int) -> object:
    """Return the type of a text with at most so many characters, in any Unicode form, or null."""
    return Annotated[str, msgspec.Meta(max_length=most * TYPED_PER_CHARACTER + SPACE)] | None


if TYPE_CHECKING:
    _EntryMembers = _OwnMembers
else:
    _EntryMembers = msgspec.defstruct(
        "_EntryMembers",
        [(form_field.name, _bound_text(form_field.longest), None) for form_field in FIELDS],
        bases=(_OwnMembers,),
        kw_only=True,
    )


class LeadEntry(_EntryMembers, kw_only=True, forbid_unknown_fields=True):
    """A lead without a file. It needs its names, and one of `email` and `phone`.

    `one_name`: has only one name; `last_name` may be missing, and is `-`.
    """


class EntryReceipt(msgspec.Struct):
    """What is told of a lead to who entered it and may not open it."""

    id: uuid.UUID
    reference: ReferenceText
    first_name: str
    last_name: str

    @classmethod
    def of(cls, lead: Lead) -> EntryReceipt:
        """Convert a lead."""
        found: Any = msgspec.convert(lead, cls, from_attributes=True)
        return found  # type: ignore[no-any-return] # msgspec.convert returns what it was asked for
