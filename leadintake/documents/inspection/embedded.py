"""Embedded objects in compound files: what each is, and whether anything in it runs or fetches."""

from __future__ import annotations

import struct

from . import classes, macros, packages
from .compound import ROOT, STORAGE, STREAM, UNUSED, Compound, Entry
from .harm import Findings, Harm
from .work import OF_OBJECT, OF_PROJECT

MACRO_STORAGES = {"macros", "vba", "_vba_project", "_vba_project_cur"}  # [MS-OVBA] 2.2.1
STREAMS = {
    "equation native": Harm.EQUATION,
    "\x03linkinfo": Harm.DATA_LINK,
    "\x01ole10itemname": Harm.DATA_LINK,
    "\x03ocxname": Harm.CONTROL,
    "\x03ocxdata": Harm.CONTROL,
    "\x03vbframe": Harm.MACROS,
}
"""What a stream of this name says of the object it is in ([MS-OLEDS] 2.3, [MS-DOC] 2.1.6)."""
NATIVE, COMPOBJ, OLE, INFO, PACKAGE = "\x01ole10native", "\x01compobj", "\x01ole", "\x03objinfo", "package"
BOOKS = {"workbook", "book"}
OF_OFFICE = BOOKS | {"worddocument", "powerpoint document", PACKAGE}
OF_PICTURES = {
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
"""What an object consists of that has no class: its own document, or nothing but its picture."""
PICTURES = (b"BM", b"\xd7\xcd\xc6\x9a")  # a bitmap, a metafile
IS_LINK = 1  # [MS-OLEDS] 2.3.3
IS_LINK_IN_WORD, IS_CONTROL_IN_WORD = 1 << 4, 1 << 12  # [MS-DOC] 2.9.167
LONGEST_NAME = 400

BOUNDSHEET, SUPBOOK, FILEPASS, END_OF_GLOBALS = 0x85, 0x1AE, 0x2F, 0x0A  # [MS-XLS] 2.3
MACRO_SHEETS = {1, 6}
ITSELF, ADD_INS = 0x0401, 0x3A01
MOST_RECORDS, RECORDS = 50_000, 16
"""Records before the sheets, and how many of them are a unit of work."""


def judge(found: Compound, findings: Findings) -> None:
    """Add what a compound file holds beside text: macros, objects, links, controls. Raises Refused."""
    for entry in found.entries:
        if entry.kind != UNUSED:
            _judge_entry(found, entry, findings)
    projects = {entry.name for entry in found.entries if entry.kind == STORAGE} & MACRO_STORAGES
    if projects:
        findings.spend(OF_PROJECT)
        is_empty = "vba" in projects and not macros.has_code(found)
        findings.add(Harm.EMPTY_MACROS if is_empty else Harm.MACROS)
    pool = found.at_root("ObjectPool")
    for entry in found.inside(pool.number) if pool else ():
        judge_object(found, entry, findings)


def judge_file(found: Compound, findings: Findings) -> None:
    """Add what a compound file does that is an object as a whole. Raises Refused."""
    judge(found, findings)
    judge_object(found, found.entries[0], findings)


def judge_object(found: Compound, storage: Entry, findings: Findings) -> None:
    """Add what the object in a storage is. Raises Refused."""
    findings.spend(OF_OBJECT)
    described = found.find(storage.number, COMPOBJ)
    clsid, name = _described(found.open(described).read(0, 4096)) if described else (classes.NOBODY, "")
    ids = {storage.clsid, clsid} - {classes.NOBODY}
    for harm in [classes.of_id(each) for each in ids]:
        findings.add(harm)
    if name:
        findings.add(classes.of_name(name))
    streams = {entry.name for entry in found.inside(storage.number)}
    if not ids and not name and not streams & OF_OFFICE and not streams <= OF_PICTURES:
        findings.add(Harm.PACKED_FILE)
    findings.add(Harm.PASTED_OBJECT)


def _judge_entry(found: Compound, entry: Entry, findings: Findings) -> None:
    if entry.name in MACRO_STORAGES and (entry.kind != STORAGE or entry.within is None):
        is_part = entry.within is not None and found.entries[entry.within].name == "vba"
        findings.add(Harm.EMPTY_MACROS if is_part else Harm.MACROS)  # looked at as a whole
    if entry.kind in {STORAGE, ROOT}:
        harm = classes.BY_ID.get(entry.clsid, Harm.PASTED_OBJECT)
        if harm is not Harm.PASTED_OBJECT:
            findings.add(harm)
    if entry.name in STREAMS:
        findings.add(STREAMS[entry.name])
    if entry.kind != STREAM:
        return
    if entry.within is None:  # in no storage: no reader should find it, and its bytes may be another's by now
        if entry.name in {NATIVE, PACKAGE}:
            findings.add(Harm.PACKED_FILE)
        return
    _judge_stream(found, entry, findings)


def _judge_stream(found: Compound, entry: Entry, findings: Findings) -> None:
    if entry.name == NATIVE:
        is_picture = found.open(entry).read(4, 4).startswith(PICTURES)
        findings.add(Harm.PASTED_OBJECT if is_picture else Harm.PACKED_FILE)
    elif entry.name == OLE:
        (flags,) = struct.unpack("<4xL", found.open(entry).read(0, 8).ljust(8, b"\0"))
        if flags & IS_LINK:
            findings.add(Harm.DATA_LINK)
    elif entry.name == INFO:
        (flags,) = struct.unpack("<H", found.open(entry).read(0, 2).ljust(2, b"\0"))
        if flags & IS_LINK_IN_WORD:
            findings.add(Harm.DATA_LINK)
        if flags & IS_CONTROL_IN_WORD:
            findings.add(Harm.CONTROL)
    elif entry.name == PACKAGE:
        packages.judge(found.content(entry), findings)
    elif entry.name in BOOKS:
        _judge_book(found.content(entry), findings)


def _described(content: bytes) -> tuple[bytes, str]:
    """The class id and the class name that [MS-OLEDS] 2.3.7 CompObjHeader and its strings tell."""
    clsid, position = content[12:28].ljust(16, b"\0"), 28
    for _ in range(2):  # the kind in words; the format of the clipboard, whose number stands in its place
        length = int.from_bytes(content[position : position + 4], "little")
        position += 4 + (4 if length >= 0xFFFFFFFE else length)
    length = int.from_bytes(content[position : position + 4], "little")
    name = content[position + 4 : position + 4 + length].decode("latin-1").strip("\0 ") if length else ""
    return clsid, name if 0 < length <= LONGEST_NAME else ""


def _judge_book(content: bytes, findings: Findings) -> None:
    """Look at the list of sheets at the start of an Excel book: macros may be sheets, data may be DDE's."""
    position = 0
    for number in range(MOST_RECORDS):
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
