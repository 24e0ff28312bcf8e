"""Exceptions in logs: type, place and code lines, no message.

A message may quote what a person typed: `invalid literal for int(): 'Jane'`, `Duplicate entry 'jane@…'`.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator

QUOTES = "'\"`(\N{LEFT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}"
MAX_HINT_LENGTH, MAX_STATEMENT_LENGTH, MAX_CAUSES = 300, 1000, 10
CLIENT_ERRORS = 2000
"""First of MariaDB's codes about the connection (its manual, error codes)."""


def trace_of(error: BaseException) -> str:
    """Return the traceback without messages and values, causes first."""
    parts: list[str] = []
    for cause in reversed([*_causes(error)]):
        parts += traceback.format_tb(cause.__traceback__)
        parts.append(f"{_name(cause)}{_after_colon(hint_of(cause))}\n")
        statement = getattr(cause, "statement", None)
        if isinstance(statement, str):  # SQLAlchemy's; it has no values
            parts.append(f"[SQL: {statement[:MAX_STATEMENT_LENGTH]}]\n")
    return "".join(parts).rstrip("\n")


def sentence_of(error: BaseException) -> str:
    """Return one line: type, hint, place."""
    origin = getattr(error, "orig", None)
    cause = origin if isinstance(origin, BaseException) else error
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119 - avoids an import
    return f"{_name(cause)}{_after_colon(hint_of(cause))}{place}"


def hint_of(error: BaseException) -> str:
    """Return a hint without typed text: a code, or words of the system or a database."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.strerror or ""
    module = type(error).__module__.partition(".")[0]
    if module == "psycopg":
        return getattr(error, "sqlstate", None) or _first_line(error)
    if module == "sqlite3":  # names of tables and columns, no values
        return _first_line(error)
    if module == "pymysql" and error.args:
        code, text = error.args[0], str(error.args[-1])
        whole = isinstance(code, int) and code >= CLIENT_ERRORS
        return f"{code} {text if whole else _before_quotes(text)}"[:MAX_HINT_LENGTH]
    reply = getattr(error, "smtp_code", None)
    return str(reply) if isinstance(reply, int) else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen and len(seen) < MAX_CAUSES:
        seen.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _after_colon(hint: str) -> str:
    return f": {hint}" if hint else ""


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:MAX_HINT_LENGTH]


def _before_quotes(text: str) -> str:
    end = min((place for quote in QUOTES if (place := text.find(quote)) >= 0), default=len(text))
    return text[:end].strip()
