"""What a container holds, looked at entry by entry: programs, objects, other containers and XML."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import IO, Protocol

from . import compound, container, embedded, programs
from .budget import MB, Budget
from .compound import Compound
from .container import Container
from .findings import Refused
from .harm import Findings, Harm
from .markup import Reading, read
from .sentences import PACKED
from .unpacking import unpacked


class Opened(Protocol):
    """What is known of a container, the document or one within it, before its entries are looked at."""

    seen: set[str]
    """Names of entries that were read already."""

    def reading(self, name: str) -> Reading | None:
        """How the entry of this name is read; None when it is no XML. May raise Refused."""

    def is_expected(self, name: str) -> bool:
        """Whether an object of this name is nothing to be warned of."""

    def finish(self, *, has_empty_macros: bool) -> None:
        """Judge what only shows when all entries were looked at. May raise Refused."""


Open = Callable[[Container, Budget, Findings], Opened]

COM = re.compile(r".*\.com[. ]*", re.IGNORECASE | re.DOTALL)  # in a container a name is none of the web
CONTAINER_MAGIC = (container.MAGIC, b"PK\x05\x06")
LOCKED = ("encryptedpackage", "encryptioninfo")
SMALL = 1 * MB  # what is unpacked as a whole is kept in memory up to here, on disk beyond
LISTED = 4
"""Elements of the budget that a line in the list of an embedded object costs."""


def inspect(
    found: Container, opened: Opened, again: Open, budget: Budget, findings: Findings, *, nested: bool = False
) -> None:
    """Look at every entry; `again` opens a container within. Raises Refused."""
    has_empty_macros = False
    for entry in found.entries:
        judge_name(entry.name, findings)
        if entry.name in opened.seen:
            continue
        pieces = unpacked(found, entry, budget)
        head = _head(pieces)
        whole = chain([head], pieces)
        if head.startswith(programs.MAGIC):
            findings.add(Harm.PROGRAM)
        reading = opened.reading(entry.name)
        if reading and head:  # old programs write empty parts; those that are needed are missed later
            read(whole, reading, budget)
        elif head.startswith(compound.MAGIC):
            with _kept(whole) as stream:
                has_empty_macros |= _judge(Compound(stream), budget, findings)
        elif head.startswith(CONTAINER_MAGIC):
            if nested:
                raise Refused(PACKED)
            with _kept(whole) as stream:
                within = Container.of(stream, budget)
                inspect(within, again(within, budget, findings), again, budget, findings, nested=True)
            if not opened.is_expected(entry.name):
                findings.add(Harm.PASTED_OBJECT)
        else:
            _exhaust(pieces)
    opened.finish(has_empty_macros=has_empty_macros)


def judge_name(name: str, findings: Findings) -> None:
    """Add what the name of an entry tells. Raises Refused."""
    if programs.is_program(name) or COM.fullmatch(name):
        findings.add(Harm.PROGRAM)


def _judge(found: Compound, budget: Budget, findings: Findings) -> bool:
    """Add what an embedded object does; say whether it is nothing but an empty macro project."""
    budget.element(LISTED * len(found.entries))
    if any(found.at_root(name) for name in LOCKED):
        findings.add(Harm.PASSWORD)
    if found.at_root("vba") and not found.at_root("worddocument"):
        embedded.judge(found, findings)
        return True
    embedded.judge_file(found, findings)
    return False


def _head(pieces: Iterator[bytes]) -> bytes:
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= programs.LONGEST_MAGIC:
            break
    return head


def _exhaust(pieces: Iterable[bytes]) -> None:
    for _ in pieces:
        pass


@contextmanager
def _kept(pieces: Iterable[bytes]) -> Iterator[IO[bytes]]:
    """Keep the pieces in a file for a while, so that they can be read out of order."""
    with tempfile.SpooledTemporaryFile(SMALL) as kept:
        for piece in pieces:  # writelines would look at the size only after the last one
            kept.write(piece)
        yield kept
