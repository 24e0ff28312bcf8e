"""Queries for leads: what a reader may see, and filters on it."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from flask import current_app

from leadintake.auth.actor import UserOrOperator
from leadintake.auth.permissions import Permission
from leadintake.core.actor import OPERATOR, refuse_operator_in_request
from leadintake.core.db.database import db
from leadintake.core.errors import UnprocessableContent
from leadintake.core.phones import search_terms
from leadintake.core.text import fold_texts, has_controls
from leadintake.leads import visibility
from leadintake.leads.models import Lead, has_key, is_listed
from leadintake.leads.reference import parse_reference
from leadintake.leads.schemas import LeadFilter

Statement = sa.Select[Any]
"""A select of leads. Its SQLAlchemy type differs between 2.0 and 2.1."""


def visible_query(reader: UserOrOperator) -> Statement:
    """Select the listed leads that `reader` may see; OPERATOR sees all.

    Every list and count starts here: a screen overrides every role, and leads in quarantine are left out.
    Raises RuntimeError for OPERATOR in a request.
    """
    return _unscreened_query(reader).where(is_listed())


def readable_query(reader: UserOrOperator) -> Statement:
    """Select the leads `reader` may open: also those in quarantine, for its reviewers and OPERATOR."""
    may_review = reader is OPERATOR or reader.may(Permission.REVIEW_QUARANTINE)
    return _unscreened_query(reader) if may_review else visible_query(reader)


def _unscreened_query(reader: UserOrOperator) -> Statement:
    statement = sa.select(Lead)
    if reader is OPERATOR:
        refuse_operator_in_request(reader)
        return statement
    statement = statement.where(Lead.id.not_in(visibility.screened_leads(reader.id)))
    sees_all = current_app.config["ATTORNEY_VISIBILITY"] == "all"
    if sees_all or reader.may(Permission.SEE_ALL_LEADS):
        return statement
    return statement.where(Lead.assignee_id == reader.id)


def matching_query(filters: LeadFilter, reader: UserOrOperator) -> Statement:
    """Select the visible leads that match the filters, unordered."""
    statement = visible_query(reader)
    if filters.status is not None:
        statement = statement.where(Lead.status == filters.status)
    if filters.assigned_to is not None:
        statement = statement.where(Lead.assignee_id == _assignee_id(filters.assigned_to, reader))
    if filters.created_from is not None:
        statement = statement.where(Lead.created_at >= filters.created_from)
    if filters.created_to is not None:
        statement = statement.where(Lead.created_at < filters.created_to)
    words = _words(filters.q)
    reference = parse_reference(filters.q or "")
    if reference is not None and _has_any(by_reference := statement.where(has_key(reference))):
        return by_reference
    return statement.where(_contains_all(filters.q or "", words)) if words else statement


def id_query(text: str) -> Statement | None:
    """Select the id of the lead with this reference, deleted or not. Return None if it is no reference."""
    reference, table = parse_reference(text), Lead.__table__
    return None if reference is None else sa.select(table.c.id).where(table.c.reference == reference)


def _has_any(statement: Statement) -> bool:
    """Return whether the select has a row: many names can be read as a reference that no lead has."""
    return db.session.scalar(statement.with_only_columns(Lead.id, maintain_column_froms=True)) is not None


def _contains_all(text: str, words: list[str]) -> sa.ColumnElement[bool]:
    """Match leads with all the words (numbers in any format), or with the whole text as a number."""
    region = current_app.config["PHONE_REGION"]
    each = (_contains_any({word} | search_terms(word, "")) for word in words)
    return sa.or_(sa.and_(*each), _contains_any(search_terms(text.strip(), region)))


def _contains_any(terms: set[str]) -> sa.ColumnElement[bool]:
    return sa.or_(sa.false(), *(Lead.searchable.contains(term, autoescape=True) for term in sorted(terms)))


def _assignee_id(value: str, reader: UserOrOperator) -> uuid.UUID | None:
    if value == "none":
        return None
    if value == "me":
        return uuid.UUID(int=0) if reader is OPERATOR else reader.id
    return uuid.UUID(value)


def _words(text: str | None) -> list[str]:
    if text is None:
        return []
    if has_controls(text):
        raise UnprocessableContent(
            {"q": ["Search for letters and digits; this has characters that cannot be shown."]}
        )
    return fold_texts(text).split()
