"""The timeline of a lead: the entries of all sources, newest first, a page at a time.

The caller has read the lead for its reader. A room adds a source: its kind and a function, here in SOURCES,
and a template of an entry, `desk/timeline/KIND.html`.
"""

from __future__ import annotations

import heapq
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa

from leadintake.auth.actor import UserOrOperator
from leadintake.core.db.database import db
from leadintake.leads.conversation import LeadContact, LeadNote, LeadNoteVersion
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.notes.service import notes
from leadintake.leads.schemas import HistoryItem
from leadintake.notifications.models import DeliveryAttempt, Notification

PAGE = 100
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
KEY = re.compile(r"(\d{1,17})\.([0-9a-f]{32})")
IN_OTHER_ENTRIES = ("noted", "contacted", "replied")
"""Actions of the history that have an entry of another source."""


@dataclass(frozen=True, order=True)
class Key:
    """The place of an entry: its time, and its id among those of one moment."""

    at: datetime
    id: uuid.UUID

    @classmethod
    def parse(cls, text: str) -> Key | None:
        """Parse `str(key)`; None for any other text."""
        match = KEY.fullmatch(text)
        if match is None:
            return None
        return cls(FIRST + timedelta(microseconds=int(match[1])), uuid.UUID(match[2]))

    def __str__(self) -> str:
        return f"{(self.at - FIRST) // timedelta(microseconds=1)}.{self.id.hex}"


@dataclass(frozen=True)
class Entry:
    """An entry: `item` is what the template of its kind shows, with `more`."""

    kind: str
    key: Key
    item: Any
    more: Any = None

    @property
    def anchor(self) -> str:
        """Id of its element on the page."""
        return anchor_of(self.key.id)


Read = Callable[[Lead, Key | None, int, UserOrOperator], Sequence[Entry]]
"""Returns a lead's entries for a reader from a key on, newest first, so many at most."""


@dataclass(frozen=True)
class Timeline:
    """A page of entries. `older`: the key of the next; `is_newest`: whether none is newer."""

    entries: Sequence[Entry]
    older: Key | None
    is_newest: bool


def anchor_of(entry_id: uuid.UUID) -> str:
    """Return the id of an entry's element."""
    return f"entry-{entry_id.hex[-12:]}"


def last_event(lead: Lead) -> uuid.UUID | None:
    """Return the id of the latest entry of the history. It tells an open page whether there is another."""
    events_query = sa.select(LeadEvent.id).where(LeadEvent.lead_id == lead.id)
    return db.session.scalar(events_query.order_by(LeadEvent.at.desc(), LeadEvent.id.desc()).limit(1))


def read_timeline(
    lead: Lead, kind: str = "", start: Key | None = None, *, reader: UserOrOperator
) -> Timeline:
    """Return the newest page, of one kind or of all; if `start` is not on it, the page that begins there."""
    page = _read_page(lead, kind, None, reader)
    if start is None or page.older is None or start > page.older:
        return page
    return _read_page(lead, kind, start, reader)


def _read_page(lead: Lead, kind: str, start: Key | None, reader: UserOrOperator) -> Timeline:
    sources = [SOURCES[kind]] if kind in SOURCES else SOURCES.values()
    lists = [read(lead, start, PAGE + 1, reader) for read in sources]
    entries = list(islice(heapq.merge(*lists, key=lambda entry: entry.key, reverse=True), PAGE + 1))
    older = entries[PAGE].key if len(entries) > PAGE else None
    return Timeline(entries[:PAGE], older, start is None)


def _read_notes(lead: Lead, start: Key | None, limit: int, _reader: UserOrOperator) -> Sequence[Entry]:
    rows: Sequence[LeadNote] = _read_rows(LeadNote, lead, start, limit)
    versions: Mapping[uuid.UUID, Sequence[LeadNoteVersion]] = notes.versions_of(rows)
    return [Entry("notes", Key(note.created_at, note.id), note, versions.get(note.id, ())) for note in rows]


def _read_contacts(lead: Lead, start: Key | None, limit: int, _reader: UserOrOperator) -> Sequence[Entry]:
    rows: Sequence[LeadContact] = _read_rows(LeadContact, lead, start, limit)
    return [Entry("contacts", Key(contact.created_at, contact.id), contact) for contact in rows]


def _read_mails(lead: Lead, start: Key | None, limit: int, _reader: UserOrOperator) -> Sequence[Entry]:
    """Return the messages, each with the mail server's last reply."""
    rows: Sequence[Notification] = _read_rows(Notification, lead, start, limit)
    replies: dict[uuid.UUID, str] = {}
    if rows:
        of_these = DeliveryAttempt.notification_id.in_([message.id for message in rows])
        columns = (DeliveryAttempt.notification_id, DeliveryAttempt.reply)
        replies_query = sa.select(*columns).where(of_these).order_by(DeliveryAttempt.id)
        replies = {row.notification_id: row.reply for row in db.session.execute(replies_query)}
    return [
        Entry("mails", Key(message.created_at, message.id), message, replies.get(message.id, ""))
        for message in rows
    ]


def _read_changes(lead: Lead, start: Key | None, limit: int, reader: UserOrOperator) -> Sequence[Entry]:
    not_elsewhere = LeadEvent.action.not_in(IN_OTHER_ENTRIES)
    rows: Sequence[LeadEvent] = _read_rows(LeadEvent, lead, start, limit, not_elsewhere, at=LeadEvent.at)
    return [Entry("changes", Key(event.at, event.id), HistoryItem.of(event, reader=reader)) for event in rows]


def _read_rows(
    model: Any, lead: Lead, start: Key | None, limit: int, *conditions: sa.ColumnElement[bool], at: Any = None
) -> Any:
    at = model.created_at if at is None else at
    rows_query = sa.select(model).where(model.lead_id == lead.id, *conditions)
    if start is not None:
        same_time = sa.and_(at == start.at, model.id <= start.id)
        rows_query = rows_query.where(sa.or_(at < start.at, same_time))
    return db.session.scalars(rows_query.order_by(at.desc(), model.id.desc()).limit(limit)).unique().all()


SOURCES: Mapping[str, Read] = {
    "notes": _read_notes,
    "contacts": _read_contacts,
    "mails": _read_mails,
    "changes": _read_changes,
}
"""By kind."""
