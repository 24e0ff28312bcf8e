"""Output of commands: a table for people, JSON or CSV for programs."""

from __future__ import annotations

import csv
import io
import os
import re
import sys
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from leadintake.core.cli.ids import shorten_ids
from leadintake.core.clock import firm_zone
from leadintake.core.text import BLANK_LETTERS, is_invisible

FORMULA_SIGNS = "=+@\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20-"
"""Signs that start a formula in a spreadsheet, with full-width and small forms."""
SEPARATORS = frozenset(";,|\t\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
"""Characters at which a spreadsheet program may start a new cell."""
SUSPICIOUS = re.compile(rf"(?:(?<!\w)|(?<=[{''.join(sorted(BLANK_LETTERS))}]))[{FORMULA_SIGNS}]|\A[\t\r\n]")
CHUNK = 32 * 1024
PIPE_WIDTH = 200
MAX_WHOLE_LENGTH = 11


def format_option(*more: str) -> Callable[[Any], Any]:
    """Return the --format option of a command that prints rows."""
    kinds = ["table", "json", *more]
    return click.option("--format", "form", type=click.Choice(kinds), default="table", show_default=True)


def show(rows: Iterable[Mapping[str, Any]], form: str, *, empty: str, seconds: bool = False) -> None:
    """Print rows, which have the same columns. `seconds`: in the times of a table."""
    rows = list(rows)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    elif form == "csv":
        for lines in format_csv([*rows[0]] if rows else (), (row.values() for row in rows), end="\n"):
            sys.stdout.write(lines)
    elif not rows:
        click.echo(empty)
    else:
        _print_table(rows, "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def show_rest(number: int, total: int, form: str, *, at_least: int = sys.maxsize) -> None:
    """Say on standard error how many of `total` rows a table shows, if not all. Above `at_least` is more."""
    if form == "table" and number < total:
        all_rows = f"more than {at_least:,}" if total > at_least else f"{total:,}"
        click.echo(f"{number} of {all_rows}; use --limit to see more.", err=True)


def _print_table(rows: list[Mapping[str, Any]], clock: str) -> None:
    """Print a table as wide as the terminal or as COLUMNS says; into a pipe, with one line a row.

    Columns in which nothing stands are left out, ids shortened, times the firm's, formatted as `clock`.
    """
    is_terminal = sys.stdout.isatty()
    ids = shorten_ids(value for row in rows for value in row.values() if isinstance(value, uuid.UUID))
    table = Table(box=SIMPLE_HEAD if is_terminal else None, pad_edge=False, header_style="bold")
    columns = [column for column in rows[0] if any(row[column] not in (None, "") for row in rows)]
    for column in columns:
        is_whole = all(_fits_whole(row[column]) for row in rows)
        table.add_column(column, overflow="fold", no_wrap=is_whole)  # a truncated id is useless
    for row in rows:
        cells = [row[column] for column in columns]
        table.add_row(*(ids.get(value) or _format_cell(value, clock) for value in cells))
    width = None if is_terminal or "COLUMNS" in os.environ else PIPE_WIDTH
    Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def _fits_whole(value: Any) -> bool:
    """Return whether a value is never broken over lines: ids, times, numbers, and short words."""
    return not isinstance(value, str) or (len(value) <= MAX_WHOLE_LENGTH and " " not in value)


def _format_cell(value: Any, clock: str) -> str:
    is_time = isinstance(value, datetime)
    return value.astimezone(firm_zone()).strftime(clock) if is_time else _format_value(value)


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
