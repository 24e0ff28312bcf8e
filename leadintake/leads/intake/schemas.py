"""JSON schemas of the public endpoint."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec

from leadintake.leads.models import Lead
from leadintake.leads.reference import ReferenceText
from leadintake.leads.status import FIRST


class ReceivedResume(msgspec.Struct):
    """What the public is told of its file."""

    filename: str
    content_type: str
    size: int


class Receipt(msgspec.Struct):
    """What the public is told of its submission: nothing of attorneys, paths or keys."""

    id: uuid.UUID
    reference: ReferenceText
    status: str
    first_name: str
    last_name: str
    email: str
    resume: ReceivedResume
    created_at: datetime

    @classmethod
    def of(cls, lead: Lead, *, email: str) -> Receipt:
        """Convert a lead. With first status and address as sent: a replay equals the first response."""
        receipt = msgspec.convert(lead, cls, from_attributes=True)
        receipt.status, receipt.email = FIRST, email
        return receipt
