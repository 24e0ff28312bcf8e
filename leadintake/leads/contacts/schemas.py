"""JSON schemas of contacts."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from leadintake.auth.schemas import UserSummary
from leadintake.core.db.pagination import Cursor
from leadintake.leads.conversation import ContactChannel, ContactOutcome, LeadContact
from leadintake.leads.texts import LongText


class NewContact(msgspec.Struct, forbid_unknown_fields=True):
    """A contact to record. `note`: up to 4,000 characters."""

    channel: ContactChannel
    outcome: ContactOutcome
    note: LongText | None = None


class Contact(msgspec.Struct):
    """A contact with a prospect, or an attempt."""

    id: uuid.UUID
    channel: ContactChannel
    outcome: ContactOutcome
    note: str | None
    author: UserSummary
    created_at: datetime

    @classmethod
    def of(cls, contact: LeadContact) -> Contact:
        """Convert a contact."""
        return msgspec.convert(contact, cls, from_attributes=True)


class ContactQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which page of contacts."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    cursor: Cursor | None = None


class ContactPage(msgspec.Struct):
    """Contacts, newest first, and the cursor of those that follow."""

    items: list[Contact]
    next_cursor: str | None
