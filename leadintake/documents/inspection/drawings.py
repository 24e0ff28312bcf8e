"""Addresses of linked pictures ([MS-ODRAW] 2.3.7) and links ([MS-OSHARED] 2.3.7) in a DOC's drawings."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from .addresses import CLICK_HARMS, FETCH_HARMS, Place, classify_address
from .compound import Content
from .harm import Findings
from .work import ADDRESS_UNITS, judge_address

# Property tables are recognized by their headers, wherever they are: version 3, count, type.
HEAD = re.compile(
    rb"[\x03\x13\x23\x33\x43\x53\x63\x73\x83\x93\xa3\xb3\xc3\xd3\xe3\xf3].[\x0b\x21\x22][\xf0\xf1]", re.S
)
TYPES = {0xF00B, 0xF121, 0xF122}
PROPERTY = struct.Struct("<HL")
IS_COMPLEX, NUMBER = 0x8000, 0x3FFF
PICTURES = {0x0105, 0x0109, 0x0187, 0x01C7}
"""Names of a picture (pibName), its print version, and the fills of shapes and lines."""
MAX_LENGTH = 16 * 1024

LINK = bytes.fromhex("d0c9ea79f9bace118c8200aa004ba90b")
ADDRESS, PATH = (
    bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b"),
    bytes.fromhex("0303000000000000c000000000000046"),
)
HAS_MONIKER, HAS_NAME, HAS_FRAME, IS_STRING = 1, 0x10, 0x80, 0x100


def judge(content: Content, findings: Findings) -> None:
    """Judge all addresses in a stream."""
    data = content.all()
    for name in _find_pictures(data, findings):
        judge_address(findings, name, FETCH_HARMS)
    judge_links(data, findings)


def judge_links(data: bytes, findings: Findings) -> None:
    """Judge the links in `data`."""
    start = 0
    while (start := data.find(LINK, start)) >= 0:
        start += len(LINK)
        findings.spend(ADDRESS_UNITS)
        place = _classify_link(data, start)
        if place:
            findings.add(CLICK_HARMS[place])


def _find_pictures(data: bytes, findings: Findings) -> Iterator[str]:
    for head in HEAD.finditer(data):
        first, kind, size = struct.unpack("<HHL", data[head.start() : head.start() + 8].ljust(8, b"\0"))
        count, start = first >> 4, head.start() + 8
        if kind not in TYPES or count * PROPERTY.size > size or start + size > len(data):
            continue
        findings.spend(1 + count // 8)
        position = start + count * PROPERTY.size
        for number, length in PROPERTY.iter_unpack(data[start:position]):
            if number & IS_COMPLEX:
                if number & NUMBER in PICTURES:
                    yield (
                        data[position : position + min(length, MAX_LENGTH)]
                        .decode("utf-16-le", "replace")
                        .strip("\0")
                    )
                position += length


def _classify_link(data: bytes, start: int) -> Place | None:
    """Return a link's place, None inside the document."""
    version, flags = struct.unpack("<LL", data[start : start + 8].ljust(8, b"\0"))
    position = start + 8
    for _ in range((flags & HAS_NAME > 0) + (flags & HAS_FRAME > 0)):
        position += 4 + 2 * _read_long(data, position)
    if version != 2:
        return None
    if not flags & HAS_MONIKER:
        return None
    if flags & IS_STRING:
        return classify_address(_read_wide(data, position + 4, 2 * _read_long(data, position)))
    kind, position = data[position : position + 16], position + 16
    if kind == ADDRESS:
        return classify_address(_read_wide(data, position + 4, _read_long(data, position)))
    if kind != PATH:
        return Place.UNUSUAL
    length = _read_long(data, position + 2)
    short = (
        data[position + 6 : position + 6 + min(length, MAX_LENGTH)].decode("cp1252", "replace").strip("\0")
    )
    position += 6 + length + 24
    wide = (
        _read_wide(data, position + 10, _read_long(data, position + 4)) if _read_long(data, position) else ""
    )
    places = [classify_address(path) for path in (short, wide) if path]
    return max(places, key=lambda place: place in {Place.OTHER_MACHINE, Place.PROGRAM}, default=None)


def _read_long(data: bytes, position: int) -> int:
    return int.from_bytes(data[position : position + 4], "little")


def _read_wide(data: bytes, start: int, size: int) -> str:
    return data[start : start + min(size, MAX_LENGTH)].decode("utf-16-le", "replace").partition("\0")[0]
