"""Queries for leads: visibility, filters, search."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from flask import current_app

from leadintake.auth.actor import UserOrOperator
from leadintake.auth.models import User
from leadintake.auth.permissions import Permission
from leadintake.core.actor import OPERATOR, refuse_operator_in_request
from leadintake.core.db.database import db
from leadintake.core.errors import UnprocessableContent
from leadintake.core.phones import search_terms
from leadintake.core.text import fold_search, fold_texts, has_controls
from leadintake.leads import visibility
from leadintake.leads.matches import Search, Statement, has_tag
from leadintake.leads.models import Lead, has_key, is_listed
from leadintake.leads.reference import parse_reference
from leadintake.leads.schemas import LeadFilter


def visible_query(reader: UserOrOperator) -> Statement:
    """Select the listed leads visible to `reader`. Every list and count starts here.

    Screens override every role. OPERATOR sees all; in a request it raises RuntimeError.
    """
    return _unscreened_query(reader).where(is_listed())


def readable_query(reader: UserOrOperator) -> Statement:
    """Select the leads `reader` may open: for reviewers and OPERATOR also those in quarantine."""
    may_review = reader is OPERATOR or reader.may(Permission.REVIEW_QUARANTINE)
    return _unscreened_query(reader) if may_review else visible_query(reader)


def _unscreened_query(reader: UserOrOperator) -> Statement:
    statement = sa.select(Lead)
    if reader is OPERATOR:
        refuse_operator_in_request(reader)
        return statement
    statement = statement.where(Lead.id.not_in(visibility.screened_leads(reader.id)))
    return statement if sees_all(reader) else statement.where(Lead.assignee_id == reader.id)


def sees_all(reader: User) -> bool:
    """Return whether `reader` may see other people's leads, except those they are screened from."""
    everybody_does = current_app.config["ATTORNEY_VISIBILITY"] == "all"
    return everybody_does or reader.may(Permission.SEE_ALL_LEADS)


def matching_query(filters: LeadFilter, reader: UserOrOperator) -> Statement:
    """Select the visible leads that match the filters except `q`, unordered."""
    statement = visible_query(reader)
    if filters.status is not None:
        statement = statement.where(Lead.status == filters.status)
    if filters.assigned_to is not None:
        statement = statement.where(Lead.assignee_id == _assignee_id(filters.assigned_to, reader))
    if filters.created_from is not None:
        statement = statement.where(Lead.created_at >= filters.created_from)
    if filters.created_to is not None:
        statement = statement.where(Lead.created_at < filters.created_to)
    _check_words(filters)
    if filters.outcome is not None:
        outcome = None if filters.outcome == "none" else filters.outcome
        statement = statement.where(Lead.outcome == outcome)
    if filters.practice_area is not None:
        statement = statement.where(Lead.practice_area == filters.practice_area)
    if filters.language is not None:
        statement = statement.where(Lead.language == filters.language)
    if filters.source is not None:
        statement = statement.where(Lead.source == filters.source)
    return statement if filters.tag is None else statement.where(has_tag(filters.tag))


def _check_words(filters: LeadFilter) -> None:
    for name in ("tag", "practice_area", "language"):
        if has_controls(getattr(filters, name) or ""):
            raise UnprocessableContent({name: ["This has characters that cannot be shown."]})


def parse_search(statement: Statement, filters: LeadFilter) -> tuple[Statement, Search | None]:
    """Return the statement, and the search in it: None without `q` or for an existing reference.

    Raises UnprocessableContent for control characters.
    """
    text = (filters.q or "").strip()
    if not text:
        return statement, None
    if has_controls(text):
        raise UnprocessableContent(
            {"q": ["Search for letters and digits; this has characters that cannot be shown."]}
        )
    reference = parse_reference(text)
    if reference is not None and _has_any(by_reference := statement.where(has_key(reference))):
        return by_reference, None
    region = current_app.config["PHONE_REGION"]
    old = fold_texts(text).replace(",", " ").split()
    old_alternatives = [old, [_digits(word) or word for word in old]]
    return statement, Search(_alternatives(text, region), [*old_alternatives, *_numbers(text, region)])


def _alternatives(text: str, region: str) -> list[list[str]]:
    """Return the alternatives: the words, the words with bare digits, the text as a telephone number."""
    typed = text.split()
    parts_by_word = [fold_search(word, "" if _digits(word) else " ").split() for word in typed]
    words = [part for parts in parts_by_word for part in parts]
    if not words:
        return []
    bare = [
        part
        for word, parts in zip(typed, parts_by_word, strict=True)
        for part in ([_digits(word)] if _digits(word) else parts)
    ]
    alternatives = [words, bare, *_numbers(text, region)]
    return [
        list(alternative)
        for alternative in dict.fromkeys(tuple(dict.fromkeys(alternative)) for alternative in alternatives)
    ]


def _numbers(text: str, region: str) -> list[list[str]]:
    return [[number] for number in sorted(search_terms(text, region))]


def _digits(word: str) -> str:
    """Return the digits of a part of a telephone number, without leading zeros, else ""."""
    return min(search_terms(word, ""), key=len, default="")


def id_query(text: str) -> Statement | None:
    """Select the id of the lead with this reference, deleted or not; None for another text."""
    reference, table = parse_reference(text), Lead.__table__
    return None if reference is None else sa.select(table.c.id).where(table.c.reference == reference)


def _has_any(statement: Statement) -> bool:
    """Return whether the select has a row: many words can be read as a reference that no lead has."""
    return db.session.scalar(statement.with_only_columns(Lead.id, maintain_column_froms=True)) is not None


def _assignee_id(value: str, reader: UserOrOperator) -> uuid.UUID | None:
    if value == "none":
        return None
    if value == "me":
        return uuid.UUID(int=0) if reader is OPERATOR else reader.id
    return uuid.UUID(value)
