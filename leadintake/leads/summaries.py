"""Leads in a list, from plain rows: objects of lead, file and attorney cost several times as much."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.auth.schemas import UserSummary
from leadintake.documents.models import Document, list_warnings
from leadintake.leads.fields import listed_members
from leadintake.leads.models import Lead
from leadintake.leads.schemas import LeadSummary, Resume

OWN = (
    "id", "reference", *(name for name, *_ in listed_members()), "phone_as_typed", "status", "source",
    "created_at", "updated_at", "version", "outcome", "follow_up_at", "tags",
)  # fmt: skip
"""Members of a LeadSummary that are columns of the lead."""
FILE = ("id", "filename", "content_type", "size", "sha256")
ATTORNEY = ("id", "name", "email")


def select_summaries(leads_query: sa.Select[Any]) -> sa.Select[Any]:
    """Select what a LeadSummary shows (pagination.Shape)."""
    return (
        leads_query.outerjoin(Lead.resume)
        .outerjoin(Lead.assigned_to)
        .with_only_columns(
            *(getattr(Lead, name) for name in OWN),
            *(getattr(Document, name).label(f"file_{name}") for name in (*FILE, "flags")),
            *(getattr(User, name).label(f"attorney_{name}") for name in ATTORNEY),
        )
    )


def summary_of(row: Any) -> LeadSummary:
    """Convert a row of `select_summaries`."""
    own, file, attorney = row[: len(OWN)], row[len(OWN) : -len(ATTORNEY)], row[-len(ATTORNEY) :]
    return LeadSummary(
        **dict(zip(OWN, own, strict=True)),
        resume=_resume_of(*file) if file[0] else None,
        assigned_to=UserSummary(*attorney) if attorney[0] else None,
    )


def _resume_of(*file: Any) -> Resume:
    *members, flags = file
    return Resume(**dict(zip(FILE, members, strict=True)), warnings=list_warnings(flags))
