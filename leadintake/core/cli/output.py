"""Output of commands: a table for people, JSON or CSV for programs."""

from __future__ import annotations

import csv
import io
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from leadintake.core.text import BLANK_LETTERS, is_invisible

FORMULA_SIGNS = "=+@\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20-"
"""Signs that start a formula in a spreadsheet, with full-width and small forms."""
SEPARATORS = frozenset(";,|\t\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
"""Characters at which a spreadsheet program may start a new cell."""
SUSPICIOUS = re.compile(rf"(?:(?<!\w)|(?<=[{''.join(sorted(BLANK_LETTERS))}]))[{FORMULA_SIGNS}]|\A[\t\r\n]")
CHUNK = 32 * 1024


def format_option(*more: str) -> Callable[[Any], Any]:
    """Return the --format option of a command that prints rows."""
    kinds = ["table", "json", *more]
    return click.option("--format", "form", type=click.Choice(kinds), default="table", show_default=True)


def show(rows: Iterable[Mapping[str, Any]], form: str, *, empty: str) -> None:
    """Print rows, which have the same columns."""
    rows = list(rows)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    elif form == "csv":
        for lines in format_csv([*rows[0]] if rows else (), (row.values() for row in rows), end="\n"):
            sys.stdout.write(lines)
    elif not rows:
        click.echo(empty)
    else:
        table = Table(box=None, pad_edge=False)
        for column in rows[0]:
            table.add_column(column, overflow="fold")  # a truncated id is useless
        for row in rows:
            table.add_row(*(_format_value(value) for value in row.values()))
        width = None if sys.stdout.isatty() else 200
        Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def format_csv(columns: Iterable[str], rows: Iterable[Iterable[Any]], *, end: str = "\r\n") -> Iterator[str]:
    """Yield CSV (RFC 4180) in pieces, without formulas."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator=end)
    if columns := tuple(columns):
        writer.writerow(columns)
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        if buffer.tell() > CHUNK:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def safe_cell(value: Any) -> str:
    """Escape formulas in a cell (OWASP, CSV Injection), wherever a program splits it.

    An apostrophe precedes a sign at the start of the cell, of a word, or after a separator; blanks, quotation
    marks and invisible characters before it are ignored.
    """
    text = _format_value(value)
    if not SUSPICIOUS.search(text):
        return text
    safe, begins_cell, begins_word = [], True, False
    for place, char in enumerate(text):
        following = text[place + 1 : place + 2]
        if char in FORMULA_SIGNS and (begins_cell or (begins_word and following.strip())):
            safe.append("'")
        safe.append(char)
        ignorable = char.isspace() or _is_ignorable(char)
        begins_cell = char in SEPARATORS or (begins_cell and ignorable)
        begins_word = char.isspace() or (begins_word and ignorable)
    return f"'{''.join(safe)}" if text.startswith(("\t", "\r", "\n")) else "".join(safe)


def _is_ignorable(char: str) -> bool:
    return char == '"' or is_invisible(char) or unicodedata.category(char) == "Cc"


def _format_value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return "" if value is None else str(value)
