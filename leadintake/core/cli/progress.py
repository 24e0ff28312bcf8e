"""Progress of long commands: a bar on standard error, where that is a terminal."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import click

Row = TypeVar("Row")
STEPS_A_CHANGE = 50
"""How often the bar is drawn: terminals are slow."""


def track(rows: Iterable[Row], label: str, *, length: int | None = None) -> Iterator[Row]:
    """Yield the rows, and show how many of `length` have been."""
    with show_progress(label, length=length) as advance:
        for row in rows:
            yield row
            advance(1)


@contextmanager
def show_progress(label: str, *, length: int | None = None) -> Iterator[Callable[[int], None]]:
    """Yield what is called with a number of finished steps. Without `length` they are only counted."""
    with click.progressbar(
        None if length is not None else itertools.repeat(None),
        length=length,
        label=label,
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
        show_pos=True,
        update_min_steps=STEPS_A_CHANGE,
    ) as bar:
        yield bar.update
