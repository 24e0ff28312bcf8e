"""Data of an RTF object ([MS-OLEDS] 2.2): a header, then native data."""

from __future__ import annotations

import struct
from binascii import unhexlify

from . import classes, embedded, wordtext
from .compound import MAGIC, Compound
from .harm import Findings, Harm
from .mapping import Bytes
from .work import OBJECT_UNITS

LINKED, EMBEDDED, STATIC, PRESENTATION = 1, 2, 3, 5  # 2.2.4, 2.2.1
MAX_NAME_LENGTH = 256
CHUNK = 64 * 1024


def decode_hex(data: Bytes, start: int, end: int) -> bytes:
    """Decode hexadecimal digits without blanks."""
    content, rest = bytearray(), b""
    for position in range(start, end, CHUNK):
        digits = rest + data[position : min(position + CHUNK, end)].translate(None, b" \t\r\n\f\v")
        even = len(digits) // 2 * 2
        content += unhexlify(digits[:even])
        rest = digits[even:]
    return bytes(content)


def judge(content: bytes, findings: Findings) -> None:
    """Judge an object by its data."""
    findings.spend(OBJECT_UNITS)
    _, form = struct.unpack("<LL", content[:8].ljust(8, b"\0"))
    if form == LINKED:
        findings.add(Harm.DATA_LINK)
    if form not in {EMBEDDED, STATIC, PRESENTATION}:
        findings.add(Harm.PACKED_FILE)
    position, name = 8, ""
    for number in range(1 if form == PRESENTATION else 3):  # class, topic, item
        length = int.from_bytes(content[position : position + 4], "little")
        if length > MAX_NAME_LENGTH:
            findings.add(Harm.PACKED_FILE)
        if not number:
            name = content[position + 4 : position + 4 + length].decode("latin-1").partition("\0")[0]
        position += 4 + length
    findings.add(classes.classify_name(name))
    if form == EMBEDDED:
        size = int.from_bytes(content[position : position + 4], "little")
        if position + 4 + size > len(content):
            findings.add(Harm.PACKED_FILE)
        _judge_native(content[position + 4 : position + 4 + size], findings)


def _judge_native(native: bytes, findings: Findings) -> None:
    if native.startswith(MAGIC):
        found = Compound(native)
        wordtext.judge(found, findings)
        embedded.judge_file(found, findings)
    elif not native.startswith(embedded.PICTURES):
        findings.add(Harm.PACKED_FILE)
