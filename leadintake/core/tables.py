"""What commands print: a table for a person, JSON or CSV for a program."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet calculate, full-width forms included."""


def format_option(*more: str) -> Callable[[Any], Any]:
    """The option --format of a command that prints rows."""
    kinds = ["table", "json", *more]
    return click.option("--format", "form", type=click.Choice(kinds), default="table", show_default=True)


def show(rows: Iterable[Mapping[str, Any]], form: str, *, empty: str) -> None:
    """Print rows that all have the same columns."""
    rows = list(rows)
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerows([list(row) for row in rows[:1]])
        writer.writerows([safe_cell(value) for value in row.values()] for row in rows)
    elif not rows:
        click.echo(empty)
    else:
        table = Table(box=None, pad_edge=False)
        for column in rows[0]:
            table.add_column(column, overflow="fold")  # an id cut short is no id
        for row in rows:
            table.add_row(*(_plain(value) for value in row.values()))
        width = None if sys.stdout.isatty() else 200
        Console(width=width, highlight=False, markup=False, emoji=False).print(table)


def safe_cell(value: Any) -> str:
    """A CSV cell that no spreadsheet takes for a formula (OWASP, CSV Injection)."""
    text = _plain(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return "" if value is None else str(value)
