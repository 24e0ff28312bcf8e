"""Embedded objects in compound files, judged by class and streams."""

from __future__ import annotations

import struct

from . import classes, macros, packages
from .compound import ROOT, STORAGE, STREAM, UNUSED, Compound, Entry
from .harm import Findings, Harm
from .work import OBJECT_UNITS, PROJECT_UNITS

MACRO_STORAGES = {"macros", "vba", "_vba_project", "_vba_project_cur"}  # [MS-OVBA] 2.2.1
STREAMS = {
    "equation native": Harm.EQUATION,
    "\x03linkinfo": Harm.DATA_LINK,
    "\x01ole10itemname": Harm.DATA_LINK,
    "\x03ocxname": Harm.CONTROL,
    "\x03ocxdata": Harm.CONTROL,
    "\x03vbframe": Harm.MACROS,
}
"""Harm by name of a stream ([MS-OLEDS] 2.3, [MS-DOC] 2.1.6)."""
NATIVE, COMPOBJ, OLE, INFO, PACKAGE = "\x01ole10native", "\x01compobj", "\x01ole", "\x03objinfo", "package"
BOOKS = {"workbook", "book"}
OFFICE_STREAMS = BOOKS | {"worddocument", "powerpoint document", PACKAGE}
PICTURE_STREAMS = {
    "\x03meta",
    "\x03pic",
    "\x03print",
    "\x03epic",
    "\x02olepres000",
    "contents",
    COMPOBJ,
    OLE,
    INFO,
}
"""Streams of a picture without a class."""
PICTURES = (b"BM", b"\xd7\xcd\xc6\x9a")  # a bitmap, a metafile
IS_LINK = 1  # [MS-OLEDS] 2.3.3
IS_LINK_IN_WORD, IS_CONTROL_IN_WORD = 1 << 4, 1 << 12  # [MS-DOC] 2.9.167
MAX_NAME_LENGTH = 400

BOUNDSHEET, SUPBOOK, FILEPASS, END_OF_GLOBALS = 0x85, 0x1AE, 0x2F, 0x0A  # [MS-XLS] 2.3
MACRO_SHEETS = {1, 6}
ITSELF, ADD_INS = 0x0401, 0x3A01
MAX_RECORDS, RECORDS = 50_000, 16
"""Limit of global records, and records per unit of work."""


def judge(compound: Compound, findings: Findings) -> None:
    """Judge macros, objects, links and controls of a compound file."""
    for entry in compound.entries:
        if entry.kind != UNUSED:
            _judge_entry(compound, entry, findings)
    projects = {entry.name for entry in compound.entries if entry.kind == STORAGE} & MACRO_STORAGES
    if projects:
        findings.spend(PROJECT_UNITS)
        is_empty = "vba" in projects and not macros.has_code(compound)
        findings.add(Harm.EMPTY_MACROS if is_empty else Harm.MACROS)
    pool = compound.at_root("ObjectPool")
    for entry in compound.children(pool.number) if pool else ():
        judge_object(compound, entry, findings)


def judge_file(compound: Compound, findings: Findings) -> None:
    """Judge a compound file that is itself an embedded object."""
    judge(compound, findings)
    judge_object(compound, compound.entries[0], findings)


def judge_object(compound: Compound, storage: Entry, findings: Findings) -> None:
    """Judge the object in a storage by class and streams."""
    findings.spend(OBJECT_UNITS)
    stream = compound.find(storage.number, COMPOBJ)
    clsid, name = _read_class(compound.open(stream).read(0, 4096)) if stream else (classes.NULL_CLASS_ID, "")
    ids = {storage.clsid, clsid} - {classes.NULL_CLASS_ID}
    for harm in [classes.classify_id(each) for each in ids]:
        findings.add(harm)
    if name:
        findings.add(classes.classify_name(name))
    streams = {entry.name for entry in compound.children(storage.number)}
    if not ids and not name and not streams & OFFICE_STREAMS and not streams <= PICTURE_STREAMS:
        findings.add(Harm.PACKED_FILE)
    findings.add(Harm.PASTED_OBJECT)


def _judge_entry(compound: Compound, entry: Entry, findings: Findings) -> None:
    if entry.name in MACRO_STORAGES and (entry.kind != STORAGE or entry.parent is None):
        is_part = entry.parent is not None and compound.entries[entry.parent].name == "vba"
        findings.add(Harm.EMPTY_MACROS if is_part else Harm.MACROS)  # judge() judges whole projects
    if entry.kind in {STORAGE, ROOT}:
        harm = classes.BY_ID.get(entry.clsid, Harm.PASTED_OBJECT)
        if harm is not Harm.PASTED_OBJECT:
            findings.add(harm)
    if entry.name in STREAMS:
        findings.add(STREAMS[entry.name])
    if entry.kind != STREAM:
        return
    if entry.parent is None:  # in no storage: programs cannot find it, its sectors may be reused
        if entry.name in {NATIVE, PACKAGE}:
            findings.add(Harm.PACKED_FILE)
        return
    _judge_stream(compound, entry, findings)


def _judge_stream(compound: Compound, entry: Entry, findings: Findings) -> None:
    if entry.name == NATIVE:
        is_picture = compound.open(entry).read(4, 4).startswith(PICTURES)
        findings.add(Harm.PASTED_OBJECT if is_picture else Harm.PACKED_FILE)
    elif entry.name == OLE:
        (flags,) = struct.unpack("<4xL", compound.open(entry).read(0, 8).ljust(8, b"\0"))
        if flags & IS_LINK:
            findings.add(Harm.DATA_LINK)
    elif entry.name == INFO:
        (flags,) = struct.unpack("<H", compound.open(entry).read(0, 2).ljust(2, b"\0"))
        if flags & IS_LINK_IN_WORD:
            findings.add(Harm.DATA_LINK)
        if flags & IS_CONTROL_IN_WORD:
            findings.add(Harm.CONTROL)
    elif entry.name == PACKAGE:
        packages.judge(compound.content(entry), findings)
    elif entry.name in BOOKS:
        _judge_book(compound.content(entry), findings)


def _read_class(content: bytes) -> tuple[bytes, str]:
    """Return class ID and class name of a CompObjStream, [MS-OLEDS] 2.3.7."""
    clsid, position = content[12:28].ljust(16, b"\0"), 28
    for _ in range(2):  # display name; clipboard format, as a string or as a number
        length = int.from_bytes(content[position : position + 4], "little")
        position += 4 + (4 if length >= 0xFFFFFFFE else length)
    length = int.from_bytes(content[position : position + 4], "little")
    name = content[position + 4 : position + 4 + length].decode("latin-1").strip("\0 ") if length else ""
    return clsid, name if 0 < length <= MAX_NAME_LENGTH else ""


def _judge_book(content: bytes, findings: Findings) -> None:
    """Judge an Excel workbook's global records: macro sheets, password, DDE."""
    position = 0
    for number in range(MAX_RECORDS):
        findings.spend(not number % RECORDS)
        kind, length = struct.unpack("<HH", content[position : position + 4].ljust(4, b"\0"))
        record = content[position + 4 : position + 4 + length]
        if kind == BOUNDSHEET and len(record) > 5 and record[5] in MACRO_SHEETS:
            findings.add(Harm.MACROS)
        if kind == FILEPASS:
            findings.add(Harm.PASSWORD)
        if kind == SUPBOOK and len(record) >= 4:
            sheets, letters = struct.unpack_from("<HH", record)
            if not sheets and letters not in {ITSELF, ADD_INS} and b"\x03" in record[4:]:
                findings.add(Harm.DATA_LINK)
        position += 4 + length
        if kind == END_OF_GLOBALS or position >= len(content):
            return
    findings.add(Harm.UNREAD)
