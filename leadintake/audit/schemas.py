"""JSON schemas of the room, and the encoding of details."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Any

import msgspec
import sqlalchemy as sa

from leadintake.audit.models import AuditEntry
from leadintake.core.db.pagination import Cursor
from leadintake.core.names import PATTERN, has_name

MACHINE_WORD = re.compile(r"[a-z0-9_.:-]{0,80}")
MAX_DETAIL_LENGTH = 8000
ACTION = "^[a-z0-9_.]{1,60}$(?!\n)"
Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class AuditItem(msgspec.Struct):
    """One act. Its number is omitted, since gaps would reveal hidden entries."""

    id: uuid.UUID
    at: datetime
    actor_kind: str
    actor_id: uuid.UUID | None
    action: str
    subject_kind: str
    subject_id: uuid.UUID | None
    via: str
    origin: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, row: Any) -> AuditItem:
        """Convert a row of `select_items`."""
        return cls(**row_of(row) | {"detail": read(row.detail)})


COLUMNS = AuditItem.__struct_fields__


def select_items(entries_query: sa.Select[Any]) -> sa.Select[Any]:
    """Select what an item shows, and the number (pagination.Shape)."""
    columns = [getattr(AuditEntry, "created_at" if name == "at" else name) for name in COLUMNS]
    return entries_query.with_only_columns(*columns, AuditEntry.number)


def row_of(row: Any) -> dict[str, Any]:
    """Return a row of `select_items` by the names of an item."""
    return dict(zip(COLUMNS, row[:-1], strict=True))


class AuditFilter(msgspec.Struct, forbid_unknown_fields=True):
    """Filters. `created_from` is inclusive, `created_to` exclusive.

    `about` is an id, or the reference of a lead.
    """

    actor: uuid.UUID | None = None
    action: Annotated[str, msgspec.Meta(max_length=60, pattern=ACTION)] | None = None
    about: Annotated[str, msgspec.Meta(max_length=36, pattern=PATTERN)] | None = None
    created_from: Aware | None = None
    created_to: Aware | None = None

    def to_dict(self) -> dict[str, object]:
        """Return the filters that are set, by name."""
        values = {name: getattr(self, name) for name in AuditFilter.__struct_fields__}
        return {name: value for name, value in values.items() if value is not None}

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the WHERE conditions."""
        fits: dict[str, Callable[[Any], sa.ColumnElement[bool]]] = {
            "actor": AuditEntry.actor_id.__eq__,
            "action": AuditEntry.action.__eq__,
            "about": lambda text: has_name(AuditEntry.subject_id, text),
            "created_from": AuditEntry.created_at.__ge__,
            "created_to": AuditEntry.created_at.__lt__,
        }
        return [fits[name](value) for name, value in self.to_dict().items()]


class AuditQuery(AuditFilter):
    """Filters and page."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    cursor: Cursor | None = None


class AuditPage(msgspec.Struct):
    """Entries, newest first, and the cursor of the next page."""

    items: list[AuditItem]
    next_cursor: str | None


def write(detail: Mapping[str, object]) -> str:
    """Encode a detail. Raises ValueError for values that could be text typed by people."""
    text = msgspec.json.encode({name: _plain(name, value) for name, value in detail.items()}).decode()
    if len(text) > MAX_DETAIL_LENGTH:
        raise ValueError(f"the detail of an entry is longer than {MAX_DETAIL_LENGTH}")
    return text


def read(text: str) -> dict[str, Any]:
    """Decode a detail. Damaged ones are empty: `flask audit verify` reports them."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}


def _plain(name: str, value: object) -> object:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Enum):  # defined in code, so any letters are safe
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, str) and MACHINE_WORD.fullmatch(value):
        return value
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return [_plain(name, one) for one in value]
    raise ValueError(f"{name} is no machine word: the audit trail takes nothing that a person typed")
