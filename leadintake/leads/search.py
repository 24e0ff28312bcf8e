"""Which leads somebody may see, and which of those they ask for."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from flask import current_app

from leadintake.auth.models import User
from leadintake.auth.permissions import Permission
from leadintake.core.database import db
from leadintake.core.errors import Invalid
from leadintake.core.text import has_controls, searchable
from leadintake.leads import barred
from leadintake.leads.models import Lead, has_key
from leadintake.leads.reference import parse_reference
from leadintake.leads.schemas import LeadFilter

Statement = sa.Select[Any]
"""A select of leads. How SQLAlchemy writes its type differs between 2.0 and 2.1."""


def visible_to(user: User | None) -> Statement:
    """The leads `user` may know of; None is an operator at the machine, who sees all.

    A screen is stronger than every role: whatever shows or counts leads begins here. What is in quarantine
    is in no list.
    """
    return _outside_walls(user).where(Lead.quarantined_at.is_(None))


def one_visible_to(user: User | None) -> Statement:
    """The same, of one lead: who reviews the quarantine, or is at the machine, reads what is in it, too."""
    reviews = user is None or user.may(Permission.REVIEW_QUARANTINE)
    return _outside_walls(user) if reviews else visible_to(user)


def _outside_walls(user: User | None) -> Statement:
    statement = sa.select(Lead)
    if user is None:
        return statement
    statement = statement.where(Lead.id.not_in(barred.hidden_from(user.id)))
    everything = current_app.config["ATTORNEY_VISIBILITY"] == "all"
    if everything or user.may(Permission.SEE_ALL_LEADS):
        return statement
    return statement.where(Lead.assignee_id == user.id)


def matching(wanted: LeadFilter, seen_by: User | None) -> Statement:
    """The visible leads that fit the filter, in no order yet."""
    statement = visible_to(seen_by)
    if wanted.status is not None:
        statement = statement.where(Lead.status == wanted.status)
    if wanted.assigned_to is not None:
        statement = statement.where(Lead.assignee_id == _assignee(wanted.assigned_to, seen_by))
    if wanted.created_from is not None:
        statement = statement.where(Lead.created_at >= wanted.created_from)
    if wanted.created_to is not None:
        statement = statement.where(Lead.created_at < wanted.created_to)
    words = _words(wanted.q)
    named = parse_reference(wanted.q or "")
    if named is not None and _is_there(with_it := statement.where(has_key(named))):
        return with_it
    for word in words:
        statement = statement.where(Lead.searchable.contains(word, autoescape=True))
    return statement


def id_query(text: str) -> Statement | None:
    """The id of the lead with this reference, deleted or not; None for what is no reference."""
    named, table = parse_reference(text), Lead.__table__
    return None if named is None else sa.select(table.c.id).where(table.c.reference == named)


def _is_there(statement: Statement) -> bool:
    """Whether there is such a lead: one look into an index, and many names read as a reference are none."""
    return db.session.scalar(statement.with_only_columns(Lead.id, maintain_column_froms=True)) is not None


def _assignee(wanted: str, seen_by: User | None) -> uuid.UUID | None:
    if wanted == "none":
        return None
    if wanted == "me":
        return seen_by.id if seen_by else uuid.UUID(int=0)
    return uuid.UUID(wanted)


def _words(text: str | None) -> list[str]:
    if text is None:
        return []
    if has_controls(text):
        raise Invalid({"q": ["Search for letters and digits; this has characters that cannot be shown."]})
    return searchable(text).split()
