"""What a container holds, looked at entry by entry: programs, objects, other containers and XML."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import IO

from . import compound, container, embedded
from .budget import MB, Budget
from .compound import Compound
from .container import Container
from .findings import Flag, Refused
from .markup import Reading, read
from .sentences import PACKED, PROGRAM
from .unpacking import unpacked
from .work import Work

Look = Callable[[str], Reading | None]
"""Told an entry's name, says how it is read; None when it is no XML. May raise Refused."""
Open = Callable[[Container, Budget], Look]
"""Told a container, the document or one within it, says how its entries are looked at. May raise Refused."""

# What Windows starts when it is opened; it forgets dots and spaces at a name's end.
PROGRAM_NAME = re.compile(
    r".*\.(bat|chm|cmd|com|cpl|dll|exe|hta|jar|jse?|lnk|ms[ci]|pif|ps1|sc[fr]|url|vb[es]|ws[fh])[. ]*",
    re.IGNORECASE | re.DOTALL,
)
PROGRAM_MAGIC = (
    b"MZ",
    b"\x7fELF",
    b"#!",
    b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",  # Mach-O
    b"\xca\xfe\xba\xbe",  # Java, and Mach-O for several processors
    b"L\0\0\0\x01\x14\x02\0",  # [MS-SHLLINK] 2.1
)  # fmt: skip
LONGEST_MAGIC = 8
CONTAINER_MAGIC = (container.MAGIC, b"PK\x05\x06")
SMALL = 1 * MB  # what is unpacked as a whole is kept in memory up to here, on disk beyond


def inspect(
    found: Container, opened: Open, budget: Budget, *, locked: Collection[str] = ()
) -> frozenset[Flag]:
    """Look at every entry but the locked ones, whose bytes say nothing. Raises Refused, returns flags."""
    return frozenset(_inspect(found, opened, budget, locked, nested=False))


def _inspect(
    found: Container, opened: Open, budget: Budget, locked: Collection[str], *, nested: bool
) -> Iterator[Flag]:
    look = opened(found, budget)
    for entry in found.entries:
        if PROGRAM_NAME.fullmatch(entry.name):
            raise Refused(PROGRAM)
        pieces = unpacked(found, entry, budget)
        if entry.name in locked:
            _exhaust(pieces)
            continue
        head = _head(pieces)
        whole = chain([head], pieces)
        if head.startswith(PROGRAM_MAGIC):
            raise Refused(PROGRAM)
        reading = look(entry.name)
        if reading and head:  # old programs write empty parts; those that are needed are read once more
            read(whole, reading, budget)
        elif head.startswith(compound.MAGIC):
            with _kept(whole) as stream:
                work = Work()
                embedded.judge(Compound(stream), work)
            yield from work.flags
            yield Flag.EMBEDDED
        elif head.startswith(CONTAINER_MAGIC):
            if nested:
                raise Refused(PACKED)
            with _kept(whole) as stream:
                yield from _inspect(Container.of(stream, budget), opened, budget, (), nested=True)
            yield Flag.EMBEDDED
        else:
            _exhaust(pieces)


def _head(pieces: Iterator[bytes]) -> bytes:
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= LONGEST_MAGIC:
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
