"""The room as JSON, and what an entry may say of itself."""

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
from leadintake.core.names import PATTERN, has_name
from leadintake.core.pages import Cursor

MACHINE_WORD = re.compile(r"[a-z0-9_.:-]{0,80}")
LONGEST_DETAIL = 8000
ACTION = "^[a-z0-9_.]{1,60}$(?!\n)"
Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class AuditItem(msgspec.Struct):
    """Something somebody did. Its place in the trail is not told: a gap says that something is hidden."""

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
    def of(cls, entry: AuditEntry) -> AuditItem:
        """One line of the list."""
        row = {name: getattr(entry, name) for name in cls.__struct_fields__ if name not in ("at", "detail")}
        return cls(**row, at=entry.created_at, detail=read(entry.detail))


COLUMNS = AuditItem.__struct_fields__


def row_of(entry: AuditEntry) -> dict[str, object]:
    """An entry as one row of plain values."""
    row = msgspec.structs.asdict(AuditItem.of(entry))
    return {**row, "detail": entry.detail}


class AuditFilter(msgspec.Struct, forbid_unknown_fields=True):
    """`created_from` is the first instant that counts, `created_to` the first that does not.

    `about` is an id, or the reference of a lead.
    """

    actor: uuid.UUID | None = None
    action: Annotated[str, msgspec.Meta(max_length=60, pattern=ACTION)] | None = None
    about: Annotated[str, msgspec.Meta(max_length=36, pattern=PATTERN)] | None = None
    created_from: Aware | None = None
    created_to: Aware | None = None

    def given(self) -> dict[str, object]:
        """The filters that are set, by name."""
        values = {name: getattr(self, name) for name in AuditFilter.__struct_fields__}
        return {name: value for name, value in values.items() if value is not None}

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """What an entry must be to fit."""
        fits: dict[str, Callable[[Any], sa.ColumnElement[bool]]] = {
            "actor": AuditEntry.actor_id.__eq__,
            "action": AuditEntry.action.__eq__,
            "about": lambda text: has_name(AuditEntry.subject_id, text),
            "created_from": AuditEntry.created_at.__ge__,
            "created_to": AuditEntry.created_at.__lt__,
        }
        return [fits[name](value) for name, value in self.given().items()]


class AuditQuery(AuditFilter):
    """Which page of which entries."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    cursor: Cursor | None = None


class AuditPage(msgspec.Struct):
    """Some entries, newest first, and the cursor of those that follow."""

    items: list[AuditItem]
    next_cursor: str | None


def write(detail: Mapping[str, object]) -> str:
    """The detail of an entry as it is kept. Raises ValueError for what could be somebody's words."""
    text = msgspec.json.encode({name: _plain(name, value) for name, value in detail.items()}).decode()
    if len(text) > LONGEST_DETAIL:
        raise ValueError(f"the detail of an entry is longer than {LONGEST_DETAIL}")
    return text


def read(text: str) -> dict[str, Any]:
    """The detail of an entry; nothing of one that was spoilt, which is for `flask audit verify` to say."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError):
        return {}


def _plain(name: str, value: object) -> object:
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, Enum):  # written in the code, whatever its letters
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, str) and MACHINE_WORD.fullmatch(value):
        return value
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        return [_plain(name, one) for one in value]
    raise ValueError(f"{name} is no machine word: the audit trail takes nothing that a person typed")
