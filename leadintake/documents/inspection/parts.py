"""Inspection of a container's entries: programs, objects, nested containers and XML."""

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
from .unpacking import unpack


class PackageReader(Protocol):
    """Reader of a document's package, which knows its types and links before entries are read."""

    seen: set[str]
    """Names of entries already read."""

    def reading(self, name: str) -> Reading | None:
        """Return how to read an XML entry, None for others."""

    def is_expected(self, name: str) -> bool:
        """Return whether an object of this name needs no warning."""

    def finish(self, *, has_empty_macros: bool) -> None:
        """Judge the package after all entries were read."""


Open = Callable[[Container, Budget, Findings], PackageReader]

COM = re.compile(r".*\.com[. ]*", re.IGNORECASE | re.DOTALL)  # an entry's name is no web address
CONTAINER_MAGIC = (container.MAGIC, b"PK\x05\x06")
LOCKED = ("encryptedpackage", "encryptioninfo")
SMALL = 1 * MB  # bytes spooled in memory, more on disk
LISTED = 4
"""Elements of the budget per directory entry of an embedded compound file."""


def inspect(
    container: Container,
    package: PackageReader,
    open_nested: Open,
    budget: Budget,
    findings: Findings,
    *,
    nested: bool = False,
) -> None:
    """Inspect every entry. `open_nested` creates readers of nested containers."""
    has_empty_macros = False
    for entry in container.entries:
        judge_name(entry.name, findings)
        if entry.name in package.seen:
            continue
        pieces = unpack(container, entry, budget)
        head = _head(pieces)
        content = chain([head], pieces)
        if head.startswith(programs.MAGIC):
            findings.add(Harm.PROGRAM)
        reading = package.reading(entry.name)
        if reading and head:  # old programs write empty parts
            read(content, reading, budget)
        elif head.startswith(compound.MAGIC):
            with _spool(content) as stream:
                has_empty_macros |= _judge_compound(Compound(stream), budget, findings)
        elif head.startswith(CONTAINER_MAGIC):
            if nested:
                raise Refused(PACKED)
            with _spool(content) as stream:
                nested_container = Container.of(stream, budget)
                inspect(
                    nested_container,
                    open_nested(nested_container, budget, findings),
                    open_nested,
                    budget,
                    findings,
                    nested=True,
                )
            if not package.is_expected(entry.name):
                findings.add(Harm.PASTED_OBJECT)
        else:
            _exhaust(pieces)
    package.finish(has_empty_macros=has_empty_macros)


def judge_name(name: str, findings: Findings) -> None:
    """Judge an entry's name."""
    if programs.is_program(name) or COM.fullmatch(name):
        findings.add(Harm.PROGRAM)


def _judge_compound(compound: Compound, budget: Budget, findings: Findings) -> bool:
    """Judge an embedded compound file. Return whether it is an empty macro project."""
    budget.element(LISTED * len(compound.entries))
    if any(compound.at_root(name) for name in LOCKED):
        findings.add(Harm.PASSWORD)
    if compound.at_root("vba") and not compound.at_root("worddocument"):
        embedded.judge(compound, findings)
        return True
    embedded.judge_file(compound, findings)
    return False


def _head(pieces: Iterator[bytes]) -> bytes:
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= programs.MAX_MAGIC_LENGTH:
            break
    return head


def _exhaust(pieces: Iterable[bytes]) -> None:
    for _ in pieces:
        pass


@contextmanager
def _spool(pieces: Iterable[bytes]) -> Iterator[IO[bytes]]:
    with tempfile.SpooledTemporaryFile(SMALL) as file:
        for piece in pieces:  # writelines checks the size only once
            file.write(piece)
        yield file
