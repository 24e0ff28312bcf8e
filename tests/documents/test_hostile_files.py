"""Files that pretend: programs, pages, containers of something else, and two kinds in one."""

from __future__ import annotations

import io
import struct
import tracemalloc

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.documents.inspection import BY_EXTENSION
from leadintake.documents.inspection.detection import detect_kind
from leadintake.documents.inspection.findings import Refused
from tests.documents.inspection.examples import examples
from tests.support.files import EXTENSIONS, container, entries_of, judged, real, repacked

OLE = bytes.fromhex("d0cf11e0a1b11ae1")
PROGRAM = (
    b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"
    + b"\x00" * 200
    + b"This program cannot be run"
)
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
SCRIPT = b"<?php system($_GET['c']); ?>"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(100)
HOSTILE = {
    "a program": PROGRAM,
    "a program for Linux": b"\x7fELF\x02\x01\x01" + bytes(60),
    "a shell script": b"#!/bin/sh\nrm -rf /\n",
    "a page": PAGE,
    "a page after a byte order mark": b"\xef\xbb\xbf" + PAGE,
    "a page after white space": b"\r\n\t  " + PAGE,
    "a page in UTF-16": PAGE.decode().encode("utf-16"),
    "a page in big-endian UTF-16": b"\xfe\xff" + PAGE.decode().encode("utf-16-be"),
    "a page after a comment": b"<!-- a resume -->" + PAGE,
    "a page without a head": b"<IFRAME src=//evil.example></IFRAME>",
    "a drawing": DRAWING,
    "a drawing with a declaration": b'<?xml version="1.0"?>' + DRAWING,
    "a drawing in UTF-16": DRAWING.decode().encode("utf-16"),
    "a script": SCRIPT,
    "a picture": PICTURE,
    "a program in a zip": container({"resume.exe": PROGRAM}),
    "an empty zip": container({}),
    "a spreadsheet": container({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}),
    "a zip with half of what Word writes": container({"word/document.xml": b"x"}),
    "a compound file that only mentions Word": OLE + "WordDocument".encode("utf-16-le") + bytes(512),
    "the first bytes of a compound file": OLE,
    "a page before a PDF": PAGE + real("resume.pdf"),
    "a page and a byte order mark before a PDF": PAGE + b"\xef\xbb\xbf" + real("resume.pdf"),
    "a word before a PDF": b"\nJane " + real("resume.pdf"),
    "much white space before a PDF": b"\n" * 1025 + real("resume.pdf"),
    "a page before RTF": PAGE + real("resume.rtf"),
    "a text with Ctrl-Z inside": b"Jane\x1a Doe",
    "a text with Ctrl-Z where it was read in pieces": b"x" * (64 * 1024 - 1) + b"\x1aDoe",
    "bold before a text": b"<b>Jane</b>",
    "a page before a DOCX": PAGE + real("resume.docx"),
    "a program before a DOCX": PROGRAM + real("resume.docx"),
    "half an odd UTF-16 text": "Jane".encode("utf-16") + b"\x00",
    "a UTF-16 text with a null": "Jane\x00Doe".encode("utf-16"),
    "a lone surrogate": b"\xff\xfe\x00\xd8",
    "a text with a null": b"Jane\x00Doe",
    "a text with a null far behind": b"Jane " * 30_000 + b"\x00",
}  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_it_is_refused_under_every_extension(content):
    for extension in EXTENSIONS:
        with pytest.raises(Refused, match=f"This file says {extension} but is "):
            judged(f"resume{extension}", content)


def test_a_docx_with_macros_is_refused_as_word_itself_would():
    with_macros = repacked(real("resume.docx"), **{"word/vbaProject.bin": b"Sub AutoOpen"})
    with pytest.raises(
        Refused, match=r"^This document contains macros\. Please save it as PDF and try again\.$"
    ):
        judged("resume.docx", with_macros)


def test_a_docx_whose_text_is_numbered_is_taken():
    numbered = {
        name.replace("document.xml", "document2.xml"): content.replace(b"document.xml", b"document2.xml")
        for name, content in entries_of(real("resume.docx")).items()
    }
    assert judged("resume.docx", container(numbered)).kind.extension == ".docx"


@pytest.mark.parametrize(
    "family", ["text-template", "text-master", "text-web", "spreadsheet", "presentation"]
)
def test_other_documents_of_the_opendocument_family_are_refused(family):
    kind = f"application/vnd.oasis.opendocument.{family}".encode()
    with pytest.raises(Refused):
        judged("resume.odt", container({"mimetype": kind, "content.xml": b"<x/>"}))


def test_an_odt_whose_kind_is_not_said_first_is_taken():
    entries = entries_of(real("resume.odt"))
    late = container(
        {**{name: entries[name] for name in entries if name != "mimetype"}, "mimetype": entries["mimetype"]}
    )
    assert judged("resume.odt", late).kind.extension == ".odt"


def test_a_container_that_is_two_documents_is_taken_as_one_of_them_only():
    both = container(entries_of(real("resume.odt")) | entries_of(real("resume.docx")))
    taken = []
    for extension in EXTENSIONS:
        try:
            taken.append(judged(f"resume{extension}", both).kind.extension)
        except Refused:
            continue
    assert taken == [".docx", ".docx"]  # as .doc, which Word opens whatever it is, and as .docx


def test_a_pdf_with_a_zip_behind_it_is_neither():
    both = real("resume.pdf") + real("resume.docx")
    for extension in EXTENSIONS:
        with pytest.raises(Refused):
            judged(f"resume{extension}", both)


@pytest.mark.parametrize(
    "text", ["Mzia Beridze, lawyer", "mz", "< 3 years", "P.S. see below", "[Jane]", "#1 in sales"]
)
def test_a_text_that_only_begins_like_something_else_is_text(text):
    assert judged("resume.txt", text.encode()).kind.content_type == "text/plain"


BEFORE = [b"\xef\xbb\xbf", b"\n", b"\xef\xbb\xbf\r\n\t "]


@pytest.mark.parametrize("name", ["resume.pdf", "resume.rtf"])
@pytest.mark.parametrize("before", [*BEFORE, b" " * 1015], ids=["mark", "line", "both", "much"])
def test_white_space_that_a_web_site_leaves_before_a_file_is_forgiven(name, before):
    taken = judged(name, before + real(name))
    assert (taken.kind, taken.flags) == (BY_EXTENSION[name[-4:]], frozenset())


@pytest.mark.parametrize("text", [b"Jane\x0bDoe", b"Jane Doe\r\n\x1a", b"x" * (64 * 1024 - 1) + b"\x1a"])
def test_what_old_editors_write_into_a_text_is_taken(text):
    assert judged("resume.txt", text).kind.content_type == "text/plain"


@pytest.mark.parametrize("encoding", ["shift_jis", "koi8-r", "windows-1252", "utf-8-sig", "iso2022_jp"])
def test_a_text_in_an_old_encoding_is_text(encoding):
    text = {"shift_jis": "山田太郎", "iso2022_jp": "山田太郎", "koi8-r": "Иван Петров"}.get(encoding, "Zoë")
    assert judged("resume.txt", text.encode(encoding)).kind.content_type == "text/plain"


def test_a_container_with_two_hundred_thousand_files_costs_neither_memory_nor_a_place():
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", *([0] * 8), 0, 0, 0, 1, *([0] * 6)) + b"a"
    listed = entry * (9 * 1024 * 1024 // len(entry))
    start = b"PK\x03\x04" + bytes(30)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, len(listed), len(start), 0)
    stream = io.BytesIO(start + listed + end)
    tracemalloc.start()
    try:
        assert detect_kind(stream) is None
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["resume.docx", "resume.odt", "resume.doc", "resume.pdf"])
@examples(60)
@given_that(data=st.data())
def test_a_damaged_file_is_taken_or_refused_but_never_a_failure(name, data):
    content = bytearray(real(name))
    for _ in range(data.draw(st.integers(1, 12))):
        # Most of what can be wrong with a container is in its last bytes, where its list is.
        near_end = data.draw(st.booleans())
        position = data.draw(st.integers(max(0, len(content) - 800) if near_end else 0, len(content) - 1))
        content[position] = data.draw(st.sampled_from([0x00, 0xFF, 0x7F, 0x80, 0x50, 0x06]))
    length = data.draw(st.one_of(st.just(len(content)), st.integers(1, len(content))))
    try:
        found = judged(name, bytes(content[:length]))
    except Refused:
        return
    assert found.kind in BY_EXTENSION.values()


def test_a_container_whose_list_begins_before_the_file_is_refused():
    start = b"PK\x03\x04" + bytes(100)
    far = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 2**63, 2**64 - 1)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(start), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", *([0xFFFF] * 4), 0xFFFFFFFF, 0xFFFFFFFF, 0)
    for extension in (".docx", ".odt"):
        with pytest.raises(Refused):
            judged(f"resume{extension}", start + far + locator + end)
