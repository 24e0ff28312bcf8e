"""What a log may say of an exception: its type, its place and a code, and nothing that somebody typed.

A message quotes what did not fit (`invalid literal for int(): 'Jane'`, `Duplicate entry 'jane@…'`), and so it
stays out. The lines of code that the trace shows say as much of the cause.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator

QUOTES = "'\"`(\N{LEFT DOUBLE QUOTATION MARK}\N{LEFT SINGLE QUOTATION MARK}"
LONGEST_HINT, LONGEST_STATEMENT, MOST_CAUSES = 300, 1000, 10
CLIENT_ERRORS = 2000
"""From here on MariaDB's codes are about the connection (its manual, error codes)."""


def trace_of(error: BaseException) -> str:
    """A traceback without messages and without values, causes first."""
    parts: list[str] = []
    for cause in reversed([*_causes(error)]):
        parts += traceback.format_tb(cause.__traceback__)
        parts.append(f"{_name(cause)}{_after_colon(hint_of(cause))}\n")
        statement = getattr(cause, "statement", None)
        if isinstance(statement, str):  # of SQLAlchemy: the values are beside it
            parts.append(f"[SQL: {statement[:LONGEST_STATEMENT]}]\n")
    return "".join(parts).rstrip("\n")


def sentence_of(error: BaseException) -> str:
    """One line of an exception: type, hint, and where it was raised."""
    origin = getattr(error, "orig", None)
    cause = origin if isinstance(origin, BaseException) else error
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""  # noqa: PTH119 - imports nothing it need not
    return f"{_name(cause)}{_after_colon(hint_of(cause))}{place}"


def hint_of(error: BaseException) -> str:
    """What is known of the cause that no person wrote: a code, or words of the system or a database."""
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
        return f"{code} {text if whole else _before_quotes(text)}"[:LONGEST_HINT]
    reply = getattr(error, "smtp_code", None)
    return str(reply) if isinstance(reply, int) else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    known: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in known and len(known) < MOST_CAUSES:
        known.add(id(found))
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _after_colon(hint: str) -> str:
    return f": {hint}" if hint else ""


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:LONGEST_HINT]


def _before_quotes(text: str) -> str:
    end = min((place for quote in QUOTES if (place := text.find(quote)) >= 0), default=len(text))
    return text[:end].strip()
