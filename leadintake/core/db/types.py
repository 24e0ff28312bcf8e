"""Column types with the same meaning on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import sqlalchemy as sa
from uuid_utils.compat import uuid7

E = TypeVar("E", bound=StrEnum)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


def new_id() -> uuid.UUID:
    """Return a new UUIDv7 (RFC 9562), ascending within a process."""
    return uuid7()


class UTCDateTime(sa.types.TypeDecorator[datetime]):
    """An aware datetime in UTC with microseconds. Naive values raise ValueError."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "mysql":
            from sqlalchemy.dialects import mysql  # loaded where that engine is used

            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        try:
            value = value if value.tzinfo is UTC else value.astimezone(UTC)
        except OverflowError:  # in other zones, the calendar's first and last hours are outside UTC's
            value = FIRST if value.year == FIRST.year else LAST
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class TextEnum(sa.types.TypeDecorator[E]):
    """A StrEnum stored by value: a new member needs no migration."""

    impl = sa.String(40)
    cache_ok = True

    def __init__(self, members: type[E]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: E | str | None, dialect: sa.Dialect) -> str | None:
        if isinstance(value, self.members):
            return value.value
        return None if value is None else self.members(value).value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> E | None:
        return None if value is None else self.members(value)


class BlankIsNull(sa.types.TypeDecorator[str]):
    """Text: "" in Python, NULL in the database, where a unique index allows many."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return str(value) if value else None

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str:
        return value or ""


class NoneIsBlank(sa.types.TypeDecorator[str]):
    """Text: None in Python, "" in the database, which every engine sorts before all others."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str:
        return value or ""

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return value or None


class CommaList(sa.types.TypeDecorator[list[str]]):
    """Texts without commas as one text; NULL without any."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: list[str] | None, dialect: sa.Dialect) -> str | None:
        return ",".join(value) if value else None

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> list[str]:
        return value.split(",") if value else []


class LongText(sa.types.TypeDecorator[str]):
    """Text beyond 64 KiB, which MySQL's TEXT cannot hold."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        if dialect.name == "mysql":
            from sqlalchemy.dialects import mysql  # loaded where that engine is used

            return dialect.type_descriptor(mysql.MEDIUMTEXT())
        return super().load_dialect_impl(dialect)
