"""Old Word documents ([MS-DOC]) packed by hand, piece by piece."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping

from tests.documents.inspection.files import compound

TEXT_AT = 2048
PAIRS = 136
NAMES, PIECES, DRAWINGS, FILES, CONTROLS, MERGE = 32, 33, 50, 72, 85, 127
WORD = bytes.fromhex("0609020000000000c000000000000046")


def names(*strings: str, extra: int = 0) -> bytes:
    """A table of names, [MS-DOC] 2.2.4."""
    return struct.pack("<HHH", 0xFFFF, len(strings), extra) + b"".join(
        struct.pack("<H", len(name)) + name.encode("utf-16-le") + bytes(extra) for name in strings
    )


def piece_table(pieces: Iterable[tuple[int, int]]) -> bytes:
    """The piece table of pieces, each with its number of characters and what says where it is."""
    places, where = [0], b""
    for length, position in pieces:
        places.append(places[-1] + length)
        where += struct.pack("<HLH", 0, position, 0)
    table = struct.pack(f"<{len(places)}L", *places) + where
    return b"\x01\x02\0\x35\x08" + b"\x02" + struct.pack("<L", len(table)) + table


def block(tables: Mapping[int, bytes], flags: int = 0x200, following: int = 0) -> tuple[bytes, bytes]:
    """The block at the start of a text, and the stream with these tables by their number."""
    stream, pairs = bytes(16), []
    for number in range(PAIRS):
        table = tables.get(number, b"")
        pairs.append((len(stream) if table else 0, len(table)))
        stream += table
    head = struct.pack("<HH4xHH20x", 0xA5EC, 0xC1, following, flags)
    head += struct.pack("<H28xH88xH", 14, 22, PAIRS)
    return head + b"".join(struct.pack("<LL", *pair) for pair in pairs), stream


def text_streams(
    *pieces: str | bytes, tables: Mapping[int, bytes] | None = None, flags: int = 0x200, folder: str = ""
) -> dict[str, bytes]:
    """The streams of a text: pieces of str are kept in 16 bits, of bytes in 8, in the file last one first."""
    content, where = b"", []
    for piece in reversed(pieces):
        position = TEXT_AT + len(content)
        if isinstance(piece, str):
            where.append((len(piece), position))
            content += piece.encode("utf-16-le")
        else:
            where.append((len(piece), 1 << 30 | position * 2))
            content += piece + bytes(len(piece) % 2)
    head, stream = block({PIECES: piece_table(reversed(where))} | dict(tables or {}), flags)
    return {
        f"{folder}WordDocument": (head.ljust(TEXT_AT, b"\0") + content).ljust(4096, b"\0"),
        f"{folder}{'1Table' if flags & 0x200 else '0Table'}": stream.ljust(4096, b"\0"),
    }


def word(
    *pieces: str | bytes,
    tables: Mapping[int, bytes] | None = None,
    flags: int = 0x200,
    more: Mapping[str, bytes] | None = None,
    classes: Mapping[str, bytes] | None = None,
) -> bytes:
    """A DOC of this text, with more streams by path, and the class ids of storages."""
    streams = text_streams(*pieces, tables=tables, flags=flags)
    return compound(streams | dict(more or {}), {"": WORD} | dict(classes or {}))


def field(instruction: str, result: str = "shown") -> str:
    """A field as Word keeps it."""
    return f"\x13{instruction}\x14{result}\x15"


def described(clsid: bytes, name: bytes) -> bytes:
    """What an object says of its program, [MS-OLEDS] 2.3.8."""
    head = struct.pack("<LLL16s", 0xFFFE0001, 0x0A03, 0xFFFFFFFF, clsid)
    return (
        head
        + struct.pack("<L", 5)
        + b"Kind\0"
        + struct.pack("<L", 0)
        + struct.pack("<L", len(name) + 1)
        + name
        + b"\0"
    )


def link(address: str = "", path: str = "", flags: int = 0x3) -> bytes:
    """A link as [MS-OSHARED] 2.3.7 keeps it, to an address or to a file."""
    head = bytes.fromhex("d0c9ea79f9bace118c8200aa004ba90b") + struct.pack("<LL", 2, flags | 0x14)
    head += struct.pack("<L", 5) + "name\0".encode("utf-16-le")
    if address:
        said = f"{address}\0".encode("utf-16-le")
        return head + bytes.fromhex("e0c9ea79f9bace118c8200aa004ba90b") + struct.pack("<L", len(said)) + said
    short, wide = path.encode("cp1252", "replace") + b"\0", path.encode("utf-16-le")
    file = struct.pack("<HL", 0, len(short)) + short + struct.pack("<HH20x", 0xFFFF, 0xDEAD)
    file += struct.pack("<LLH", len(wide) + 6, len(wide), 3) + wide
    return head + bytes.fromhex("0303000000000000c000000000000046") + file


def properties(*named: tuple[int, str]) -> bytes:
    """A table of a drawing's properties that are strings, [MS-ODRAW] 2.2.9, after one that is none."""
    strings = [f"{value}\0".encode("utf-16-le") for _, value in named]
    table = struct.pack("<HL", 0x0104, 1) + b"".join(
        struct.pack("<HL", 0xC000 | number, len(string))
        for (number, _), string in zip(named, strings, strict=True)
    )
    content = table + b"".join(strings)
    return struct.pack("<HHL", (len(named) + 1) << 4 | 3, 0xF00B, len(content)) + content
