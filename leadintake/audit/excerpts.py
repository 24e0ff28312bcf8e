"""Excerpt of the trail: the entries about one subject, each checked against its hash.

An entry that was moved to another subject, or deleted, is in no excerpt: verification.py finds that.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from leadintake.audit import chain
from leadintake.audit.models import AuditEntry
from leadintake.audit.service import PURPOSE
from leadintake.core.crypto import keys
from leadintake.core.db.database import db

MAX_ENTRIES = 500


@dataclass(frozen=True)
class CheckedEntry:
    """An entry, the text of which its hash is the HMAC, and whether it is."""

    entry: Any
    content: str
    is_intact: bool


@dataclass(frozen=True)
class Excerpt:
    """The newest entries, newest first, and how many older ones there are."""

    entries: Sequence[CheckedEntry]
    older: int
    is_readable: bool = True
    """Whether every entry could be decoded. If not, `entries` is empty, and the trail was altered."""


def read_excerpt(subject_id: uuid.UUID, *, actions: Collection[str], excluded: bool = False) -> Excerpt:
    """Return the entries about a subject with these actions, or if `excluded` those with any other.

    One statement, a second if there are more than MAX_ENTRIES. Check first whether the reader may see the
    subject: nothing is hidden here, and nothing audited.
    """
    in_actions = AuditEntry.action.in_(actions)
    about = sa.and_(AuditEntry.subject_id == subject_id, ~in_actions if excluded else in_actions)
    try:
        rows = _fetch(about)
    except (AttributeError, TypeError, ValueError):  # SQLite stores any type
        return Excerpt([], 0, is_readable=False)
    older = 0
    if len(rows) > MAX_ENTRIES:
        count_query = sa.select(sa.func.count()).select_from(AuditEntry).where(about)
        older = (db.session.scalar(count_query) or 0) - MAX_ENTRIES
    with_keys = {chain.key_id(key): key for key in keys(PURPOSE)}
    return Excerpt([_check(row, with_keys) for row in rows[:MAX_ENTRIES]], older)


def _fetch(about: sa.ColumnElement[bool]) -> Sequence[Any]:
    """Return rows of entries, each with the hash of the entry before it as `before`."""
    columns = [getattr(AuditEntry, name) for name in (*chain.COVERED, "hash")]
    previous = aliased(AuditEntry)
    entries_query = (
        sa.select(*columns, previous.hash.label("before"))
        .outerjoin(previous, previous.number == AuditEntry.number - 1)
        .where(about)
        .order_by(AuditEntry.created_at.desc(), AuditEntry.number.desc())
    )
    return db.session.execute(entries_query.limit(MAX_ENTRIES + 1)).all()


def _check(row: Any, with_keys: dict[str, bytes]) -> CheckedEntry:
    before, key = row.before or "", with_keys.get(row.key_id)
    is_linked = row.before is not None or row.number == 1
    is_intact = is_linked and key is not None and chain.hash_of(row, before, key) == row.hash
    return CheckedEntry(row, chain.content_of(row, before), is_intact)
