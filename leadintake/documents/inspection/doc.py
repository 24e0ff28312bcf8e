"""DOC: a compound file ([MS-CFB]) with a Word text ([MS-DOC])."""

from __future__ import annotations

from typing import IO

from . import embedded, pieces, wordtext
from .compound import Compound
from .fib import read_block
from .findings import Flag, Refused
from .harm import Findings, Harm
from .textbuffer import TextBuffer

RIGHTS = {"\tdrmcontent", "encryptedpackage"}  # [MS-OFFCRYPTO] 1.3: rights management


def fits(stream: IO[bytes]) -> bool:
    """Return whether it is a compound file with Word's own stream ([MS-DOC] 2.1)."""
    try:
        return Compound(stream).at_root(wordtext.TEXT) is not None
    except Refused:
        return False


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Inspect a DOC and return its flags."""
    found, findings = Compound(stream), Findings()
    if any(entry.name in RIGHTS for entry in found.children(0)):
        findings.add(Harm.PASSWORD)
    wordtext.judge(found, findings)
    embedded.judge(found, findings)
    return frozenset(findings.flags)


def extract(stream: IO[bytes], buffer: TextBuffer) -> None:
    """Take out the text."""
    pieces.extract(read_block(Compound(stream), 0), buffer)
