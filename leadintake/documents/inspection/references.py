"""Files that a DOC refers to ([MS-DOC] 2.9.269, 2.9.288, 2.9.162)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from . import merging
from .addresses import FETCH_HARMS, TEMPLATE_HARMS
from .fib import CONTROLS, FILES, MERGE, NAMES, Block
from .findings import Refused
from .harm import Findings, Harm
from .sentences import DAMAGED, TOO_MUCH
from .work import judge_address

TEMPLATE, DATA, HEADER = 1, 8, 9  # indexes of the document's associated names
IS_16_BIT = 0xFFFF
MAX_NAMES = 1000
MAX_TABLE_BYTES = 1024 * 1024
CONNECTION, DATA_FILE = 0, 2
LARGE = 0xFFFF


def judge(text: Block, findings: Findings) -> None:
    """Judge template, mail-merge data, other files and controls."""
    names = list(_read_names(text.table(NAMES, MAX_TABLE_BYTES)))
    for number, name in enumerate(names):
        if number == TEMPLATE:
            judge_address(findings, name, TEMPLATE_HARMS)
        if number in {DATA, HEADER}:
            merging.judge_file(name, findings)
    for name in _read_names(text.table(FILES, MAX_TABLE_BYTES)):
        judge_address(findings, name, FETCH_HARMS)
    _judge_source(text.table(MERGE, MAX_TABLE_BYTES), findings)
    if len(text.table(CONTROLS, MAX_TABLE_BYTES)) > 4:  # n controls have n + 1 places of 4 bytes
        findings.add(Harm.CONTROL)


def _read_names(table: bytes) -> Iterator[str]:
    """Yield the strings of an STTB, 2.2.4."""
    if not table:
        return
    is_wide = table[:2] == b"\xff\xff"
    position = 2 if is_wide else 0
    count, extra = struct.unpack("<HH", table[position : position + 4].ljust(4, b"\0"))
    if count > MAX_NAMES:
        raise Refused(TOO_MUCH)
    position += 4
    width = 2 if is_wide else 1
    for _ in range(count):
        length = int.from_bytes(table[position : position + width], "little") * width
        position += width
        if position > len(table) or position + length > len(table):
            raise Refused(DAMAGED)
        yield table[position : position + length].decode("utf-16-le" if is_wide else "cp1252", "replace")
        position += length + extra


def _judge_source(table: bytes, findings: Findings) -> None:
    """Judge a mail merge's data source, 2.9.162."""
    position = 0
    for _ in range(MAX_NAMES):
        if position >= len(table):
            return
        number, size = struct.unpack("<HH", table[position : position + 4].ljust(4, b"\0"))
        position += 4
        if size == LARGE:
            size = int.from_bytes(table[position : position + 4], "little")
            position += 4
        value = table[position : position + size].decode("utf-16-le", "replace").strip("\0")
        if number == CONNECTION:
            merging.judge_connection(value, findings)
        elif number == DATA_FILE:
            merging.judge_file(value, findings)
        position += size
    raise Refused(TOO_MUCH)
