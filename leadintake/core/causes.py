"""Classification of database and disk exceptions."""

from __future__ import annotations

import errno

import sqlalchemy.exc as database_errors

SCHEMA_CODES = {"42P01", "42703", 1054, 1146, 1364}
"""PostgreSQL: missing table, column. MariaDB: missing column, table; a column without value or default."""
SCHEMA_WORDS = ("no such table", "no such column", "has no column named")
"""SQLite, which has no codes for these."""

DISK_FAILURES = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE, errno.EUCLEAN})
"""Errors of a disk that cannot serve now; the request is not at fault."""


def is_schema_error(error: Exception) -> bool:
    """Return whether a table or column is missing, or a column lacks a default that this code needs."""
    cause = getattr(error, "orig", None)
    if not isinstance(error, database_errors.DBAPIError) or cause is None:
        return False
    codes = {getattr(cause, "sqlstate", None), *cause.args[:1]}
    return not SCHEMA_CODES.isdisjoint(codes) or any(words in str(cause) for words in SCHEMA_WORDS)


def is_database_failure(cause: Exception) -> bool:
    """Return whether the database cannot serve now, whatever the request.

    SQLite raises a plain DatabaseError for a damaged file, and for a disk that is unreadable for a moment.
    """
    away = (database_errors.OperationalError, database_errors.TimeoutError)
    return isinstance(cause, away) or type(cause) is database_errors.DatabaseError
