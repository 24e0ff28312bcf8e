"""Files for the tests of the readers: compound files, macro projects, and containers, packed by hand."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest

from leadintake.documents.inspection import KINDS
from leadintake.documents.inspection.detection import READERS, detect_kind
from leadintake.documents.inspection.findings import Flag, Refused

RESUMES = Path(__file__).parents[2] / "data" / "resumes"
FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR = 512


def real(name: str) -> bytes:
    """The bytes of a file that a word processor wrote."""
    return (RESUMES / name).read_bytes()


def inspected(name: str, content: bytes) -> frozenset[Flag]:
    """What a file of the kind that its name tells is marked with. Raises Refused, also for another kind."""
    stream = io.BytesIO(content)
    found = detect_kind(stream)
    if found is None or found.extension != Path(name).suffix:
        raise Refused(f"This is {found.name if found else 'damaged or nothing'}, not what {name} says.")
    stream.seek(0)
    return READERS[found.extension].inspect(stream)


def refused(name: str, content: bytes, sentence: str) -> None:
    """Expect that it is refused with this sentence."""
    with pytest.raises(Refused, match=sentence):
        inspected(name, content)


def container(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these entries."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def entries_of(whole: bytes) -> dict[str, bytes]:
    """What a container holds, in its order."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(whole: bytes, /, **more: bytes) -> bytes:
    """The container with more entries, or others in place of its own."""
    return container(entries_of(whole) | more)


class _Sectors:
    """Sectors of one size, and the table that chains them."""

    def __init__(self, size: int) -> None:
        self.size, self.content, self.following = size, b"", list[int]()

    def place(self, content: bytes) -> int:
        """Add the bytes, and say where they start."""
        if not content:
            return END
        start, count = len(self.following), -(-len(content) // self.size)
        self.content += content.ljust(count * self.size, b"\0")
        self.following += [*range(start + 1, start + count), END]
        return start

    def table(self) -> bytes:
        """The table, filled up to whole sectors of the file."""
        count = -(-len(self.following) * 4 // SECTOR)
        return struct.pack(f"<{len(self.following)}L", *self.following).ljust(count * SECTOR, b"\xff")


def compound(streams: dict[str, bytes], classes: dict[str, bytes] | None = None) -> bytes:
    """A compound file ([MS-CFB]) with streams and class ids of storages by path; the root is ""."""
    ways = [path.split("/") for path in streams]
    storages = sorted({"/".join(way[:depth]) for way in ways for depth in range(1, len(way))})
    paths = ["", *storages, *streams]
    large, small = _Sectors(SECTOR), _Sectors(64)
    placed = {
        path: (large if len(content) >= 4096 else small).place(content) for path, content in streams.items()
    }
    shared = large.place(small.content)
    listed = b""
    for number, path in enumerate(paths):
        within, _, name = path.rpartition("/")
        beside = [n for n, other in enumerate(paths) if n > number > 0 and other.rpartition("/")[0] == within]
        inside = [n for n, other in enumerate(paths) if n and other.rpartition("/")[0] == path != other]
        kind = 5 if not path else 2 if path in streams else 1
        raw = (name or "Root Entry").encode("utf-16-le") + b"\0\0"
        start, size = (placed[path], len(streams[path])) if kind == 2 else (END, 0)
        if not path:
            start, size = shared, len(small.content)
        listed += struct.pack(
            "<64sHBBLLL16sLQQLQ",
            raw, len(raw), kind, 1, FREE, beside[0] if beside else FREE,
            inside[0] if inside and kind != 2 else FREE,
            (classes or {}).get(path, bytes(16)), 0, 0, 0, start, size,
        )  # fmt: skip
    directory, minor = large.place(listed), large.place(small.table())
    tables = 1
    while (len(large.following) + tables) * 4 > tables * SECTOR:
        tables += 1
    start = len(large.following)
    large.following += [TABLE] * tables
    first = [*range(start, start + tables), *[FREE] * (109 - tables)]
    header = struct.pack(
        "<8s16s5H6xLLLLLLLLL109L",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, directory, 0, 4096,
        minor, len(small.table()) // SECTOR, END, 0, *first,
    )  # fmt: skip
    return header + large.content + large.table()


def squeezed(content: bytes) -> bytes:
    """Bytes as a macro project keeps them, [MS-OVBA] 2.4.1, each letter as itself."""
    packed = b"\x01"
    for at in range(0, len(content), 3600):
        piece = content[at : at + 3600]
        tokens = b"".join(b"\0" + piece[n : n + 8] for n in range(0, len(piece), 8))
        packed += struct.pack("<H", 0xB000 | len(tokens) - 1) + tokens
    return packed


def record(kind: int, content: bytes) -> bytes:
    """One record of a project's list, [MS-OVBA] 2.3.4.2."""
    return struct.pack("<HL", kind, len(content)) + content


def macro_project(modules: dict[str, str], at: str = "", cache: bytes = b"") -> dict[str, bytes]:
    """The streams of a macro project with these sources by name, in the storage of this path."""
    listed = record(0x01, b"\x03\0\0\0") + record(0x02, b"\x09\x04\0\0") + record(0x14, b"\x09\x04\0\0")
    listed += record(0x03, b"\xe4\x04") + record(0x04, b"Project") + record(0x05, b"") + record(0x40, b"")
    listed += record(0x06, b"") + record(0x3D, b"") + record(0x07, bytes(4)) + record(0x08, bytes(4))
    listed += struct.pack("<HLLH", 0x09, 4, 1, 1) + record(0x0C, b"") + record(0x3C, b"")
    listed += record(0x0F, struct.pack("<H", len(modules))) + record(0x13, b"\xff\xff")
    streams = {}
    for name, source in modules.items():
        raw, wide = name.encode(), name.encode("utf-16-le")
        listed += record(0x19, raw) + record(0x47, wide) + record(0x1A, raw) + record(0x32, wide)
        listed += record(0x1C, b"") + record(0x48, b"") + record(0x31, struct.pack("<L", len(cache)))
        listed += record(0x1E, bytes(4)) + record(0x2C, b"\xff\xff") + record(0x22, b"") + record(0x2B, b"")
        streams[f"{at}VBA/{name}"] = cache + squeezed(source.encode("cp1252"))
    listed += record(0x10, b"")
    names = "".join(f"Document={name}/&H00000000\r\n" for name in modules)
    return streams | {
        f"{at}VBA/dir": squeezed(listed),
        f"{at}VBA/_VBA_PROJECT": b"\xcc\x61\xff\xff\0\0\0",
        f"{at}PROJECT": f'ID="{{00000000-0000-0000-0000-000000000000}}"\r\n{names}'.encode(),
    }


EXTENSIONS = tuple(kind.extension for kind in KINDS)
