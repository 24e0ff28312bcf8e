"""What an exception of the database or of a disk says about its cause."""

from __future__ import annotations

import errno

import sqlalchemy.exc as database_errors

SCHEMA_CODES = {"42P01", "42703", 1054, 1146, 1364}
"""PostgreSQL: no such table, column. MariaDB: no such column, table; a column without a value or default."""
SCHEMA_WORDS = ("no such table", "no such column", "has no column named")
"""SQLite, which has no codes for these."""

DISK_FAILURES = frozenset({errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ESTALE, errno.EUCLEAN})
"""What a disk says that cannot serve now: nothing of the request is at fault."""


def is_schema_error(error: Exception) -> bool:
    """Whether the database misses a table or a column, or wants one that this code does not fill."""
    cause = getattr(error, "orig", None)
    if not isinstance(error, database_errors.DBAPIError) or cause is None:
        return False
    codes = {getattr(cause, "sqlstate", None), *cause.args[:1]}
    return not SCHEMA_CODES.isdisjoint(codes) or any(words in str(cause) for words in SCHEMA_WORDS)


def is_of_the_database(cause: Exception) -> bool:
    """Whether the database cannot serve now, however right the request.

    A DatabaseError of no narrower class is what SQLite raises for a file that it reads as damaged, and that
    is also what a disk that cannot be read for a moment looks like.
    """
    away = (database_errors.OperationalError, database_errors.TimeoutError)
    return isinstance(cause, away) or type(cause) is database_errors.DatabaseError
