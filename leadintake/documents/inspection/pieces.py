"""Text of a DOC in reading order, by its piece table ([MS-DOC] 2.4.1)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from itertools import pairwise

from .fib import FIELDS, PIECES, Block
from .findings import Refused
from .harm import Findings, Harm
from .instructions import Fields
from .sentences import DAMAGED, TOO_MUCH
from .textbuffer import TextBuffer

PRC, PCDT = 1, 2  # 2.9.38: first bytes of its parts
IS_8_BIT = 1 << 30  # 2.9.73
MAX_PIECES = 50_000
"""Pieces of a text; Word rewrites a file before it has thousands."""
MAX_TABLE_BYTES = 1024 * 1024
"""Bytes of a table of pieces or fields."""
CHUNK = 64 * 1024
MARK = re.compile("[\x13-\x15]")
BEGIN, MARK_BITS = 0x13, 0x1F
MAX_OPEN_FIELDS = 64
CHARACTERS = str.maketrans({"\r": "\n", "\x0b": "\n", "\x0c": "\n", "\x07": "\t", "\x1e": "-", "\x1f": None})
"""Paragraph, line, page, cell of a table, hyphens, 2.4.1 and 2.9."""
END_OF_ROW = "\x07\x07"
FETCHING = {11, 36, 45, 46, 55, 56, 68, 78}
"""Field types of RD, INCLUDE, DDE, DDEAUTO, IMPORT, LINK, INCLUDETEXT, DATABASE, 2.9.90: old versions of Word
localized the names."""


def judge(block: Block, findings: Findings) -> None:
    """Judge the fields of a text, its headers, notes and text boxes."""
    fields = Fields(findings)
    for words in _read_chunks(block):
        position = 0
        for mark in MARK.finditer(words):
            findings.spend(1)
            fields.add_text(words[position : mark.start()])
            position = mark.end()
            {"\x13": fields.begin, "\x14": fields.separate, "\x15": fields.end}[mark[0]]()
        fields.add_text(words[position:])
    fields.end_all()
    for number in FIELDS:
        _judge_numbers(block.table(number, MAX_TABLE_BYTES), findings)


def extract(block: Block, buffer: TextBuffer) -> None:
    """Take out the text: of fields what they show, not their instructions."""
    instructions = list[bool]()  # of each open field, whether its instruction has not ended
    for words in _read_chunks(block):
        position = 0
        for mark in MARK.finditer(words):
            if not any(instructions):
                buffer.add(words[position : mark.start()].replace(END_OF_ROW, "\n").translate(CHARACTERS))
            position = mark.end()
            if mark[0] == "\x13" and len(instructions) < MAX_OPEN_FIELDS:
                instructions.append(True)
            elif instructions and mark[0] == "\x14":
                instructions[-1] = False
            elif instructions and mark[0] == "\x15":
                instructions.pop()
        if not any(instructions):
            buffer.add(words[position:].replace(END_OF_ROW, "\n").translate(CHARACTERS))


def _judge_numbers(table: bytes, findings: Findings) -> None:
    """Judge fields by type: 2 bytes each after the offsets, 2.8.25."""
    count = max(0, len(table) - 4) // 6
    kinds = table[(count + 1) * 4 :]
    field_types = {
        field_type
        for mark, field_type in zip(kinds[0::2], kinds[1::2], strict=False)
        if mark & MARK_BITS == BEGIN
    }
    if field_types & FETCHING:
        findings.add(Harm.DATA_LINK)


def _read_chunks(block: Block) -> Iterator[str]:
    """Yield the text in reading order."""
    budget = 2 * block.text.size + CHUNK  # pieces may overlap
    for length, position, width in _read_pieces(_find_piece_table(block)):
        budget -= length
        if budget < 0:
            raise Refused(TOO_MUCH)
        end = position + length * width
        if end > block.text.size:
            raise Refused(DAMAGED)
        for start in range(position, end, CHUNK):
            content = block.text.read(start, min(CHUNK, end - start))
            yield content.decode("cp1252" if width == 1 else "utf-16-le", "replace")


def _find_piece_table(block: Block) -> bytes:
    """Return the piece table without its wrapper."""
    content = block.table(PIECES, MAX_TABLE_BYTES)
    position = 0
    while content[position : position + 1] == bytes([PRC]):
        (size,) = struct.unpack("<h", content[position + 1 : position + 3].ljust(2, b"\xff"))
        if size < 0:
            raise Refused(DAMAGED)
        position += 3 + size
    if content[position : position + 1] != bytes([PCDT]):
        raise Refused(DAMAGED)
    size = int.from_bytes(content[position + 1 : position + 5], "little")
    table = content[position + 5 : position + 5 + size]
    if len(table) < size or size < 16 or (size - 4) % 12:
        raise Refused(DAMAGED)
    return table


def _read_pieces(table: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield each piece: number of characters, offset, bytes per character."""
    count = (len(table) - 4) // 12
    if count > MAX_PIECES:
        raise Refused(TOO_MUCH)
    places = struct.unpack_from(f"<{count + 1}L", table)
    pieces = struct.iter_unpack("<2xL2x", table[(count + 1) * 4 :])
    for (start, end), (position,) in zip(pairwise(places), pieces, strict=True):
        if start > end:
            raise Refused(DAMAGED)
        if position & IS_8_BIT:
            yield end - start, (position & (IS_8_BIT - 1)) // 2, 1
        else:
            yield end - start, position & (IS_8_BIT - 1), 2
