"""What other programs write comes in without a word, and qpdf finds nothing in a PDF that we do not find."""

from __future__ import annotations

import io
import mmap
import tempfile
import warnings
import zlib
from collections.abc import Iterator

import pikepdf
import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from leadintake.documents.inspection import mapping
from leadintake.documents.inspection import pdf as kind
from leadintake.documents.inspection.findings import Flag, Refused
from tests.documents.inspection.examples import examples
from tests.documents.inspection.pdfs import OTHERS, RESUMES, flags, pdf, pdf_stream, real

PROGRAMS = sorted(OTHERS.glob("*.pdf"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_what_a_program_writes_is_taken_without_a_warning(path):
    with path.open("rb") as stream:
        assert kind.fits(stream)
        assert kind.inspect(stream) == frozenset()


def test_the_collection_is_small_and_of_many_programs():
    assert len([path for path in PROGRAMS if "encrypted" not in path.stem]) >= 6
    assert all(path.stat().st_size < 30_000 for path in OTHERS.iterdir())
    said = (OTHERS / "README.md").read_text()
    assert all(f"`{path.name}`" in said or "encrypted-" in path.name for path in PROGRAMS)


@pytest.mark.parametrize("encryption", [None, 40, 128])
def test_a_page_with_links_a_form_and_an_outline_is_taken_without_a_warning(encryption):
    written = io.BytesIO()
    encrypt = encryption and StandardEncryption("", "owner", canModify=0, strength=encryption)
    canvas = Canvas(written, encrypt=encrypt)
    canvas.drawString(100, 700, "Jane Doe (Lawyer) \\ <HTML/JavaScript>")
    canvas.linkURL("https://example.com/jane", (100, 700, 200, 720))
    canvas.linkURL("mailto:jane@example.com", (100, 600, 200, 620))
    canvas.acroForm.textfield(name="name", x=100, y=500)
    canvas.bookmarkPage("top")
    canvas.addOutlineEntry("Résumé", "top")
    canvas.showPage()
    canvas.save()
    assert flags(written.getvalue()) == frozenset()


WORD = (
    b"<</Type/Annot/Subtype/Link/Rect[ 72 690 151.7 708]/BS<</W 0>>/F 4"
    b"/A<</Type/Action/S/URI/URI(https://a.example/) >>"
    b"/StructParent 1/Contents(Link)>>"
)
QUARTZ = b"<< /Type /Annot /Subtype /Link /A 5 0 R /Border [0 0 0] /F 4 /AAPL:Keywords [ (a) ] >>"
FORM = (
    b"<</AcroForm<</Fields[]/DA(/Helv 0 Tf 0 g )/DR<</Font<</Helv 5 0 R>>>>/XFA null>>/AA null/Lang(en-US)>>"
)
SIGNATURE = (
    b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/Contents<"
    + b"30" * 9000
    + b">/ByteRange[0 1 2 3]>>"
)
TEX = b"<< /Type /Annot /A << /S /GoToR /F (thesis.pdf) /D (chapter.1) /NewWindow true >> >>"
SLOPPY = (
    b"<< /Type /Annot /Rect [0 nan -inf 1.] /W --5 /A << /S /URI /URI (a\\\nb) >> /X .5 /Y -.002 /Z 4. >>"
)


@pytest.mark.parametrize("written", [WORD, QUARTZ, FORM, SIGNATURE, TEX, SLOPPY])
def test_what_well_known_programs_put_into_a_pdf_is_nothing_to_be_warned_of(written):
    assert flags(pdf(written, b"<< /S /URI /URI (https://example.com/) >>")) == frozenset()


PRINTERS = {
    "a printer's job": b"\x1b%-12345X@PJL JOB\r\n@PJL SET DUPLEX=OFF\r\n@PJL ENTER LANGUAGE=PDF\r\n",
    "a printer's reset": b"\x1bE\x1b%-12345X@PJL ENTER LANGUAGE=PDF\n",
    "PostScript": b"%!PS-Adobe-3.0 PDF-1.4\n",
    "a comment": b"% made by a tool\n\n",
    "a web server": b"HTTP/1.1 200 OK\r\nX-Powered-By: a\r\nContent-Type: application/pdf\r\n\r\n",
    "a program of a web server": b"Content-type: application/pdf\nContent-Disposition: inline\n\n",
    "nothing": bytes(512),
    "an end of transmission": b"\x04\r\n",
}
OTHER_FILES = {
    "a program": b"MZ",
    "a program for Linux": b"\x7fELF",
    "a script": b"#!/bin/sh\n",
    "a container": b"PK\x03\x04",
    "an old document": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "RTF": b"{\\rtf1}",
    "a page": b"<html>",
    "a page after a printer's line": PRINTERS["a printer's job"] + b"<html>",
    "a page as a web server sends it": b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n",
    "a page in a header": b"X-A: <script>alert(1)</script>\r\n",
    "an object of a program": b"{}",
    "a mail": b"From: jane@example.com\r\nMIME-Version: 1.0\r\n\r\n",
    "words": b"Jane Doe\n",
    "a picture": b"\xff\xd8\xff",
    "another picture": b"GIF89a",
    "too much of nothing": bytes(1100),
}


@pytest.mark.parametrize("before", PRINTERS.values(), ids=PRINTERS)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_of_a_printer_or_a_tool_before_a_pdf_are_forgiven(before, mark):
    content = mark + before + real("resume.pdf")
    assert kind.fits(io.BytesIO(content))
    assert flags(content) == frozenset()


@pytest.mark.parametrize("before", OTHER_FILES.values(), ids=OTHER_FILES)
def test_what_begins_as_another_kind_of_file_is_no_pdf(before):
    assert not kind.fits(io.BytesIO(before + real("resume.pdf")))


@given_that(before=st.binary(max_size=40))
@examples(300)
def test_whatever_stands_before_a_pdf_is_looked_at(before):
    known = b"\xef\xbb\xbf\0\t\n\f\r \x04\x1b%"
    assert not kind.fits(io.BytesIO(before + b"%PDF-1.4\n")) or all(byte in known for byte in before[:1])


def test_a_file_is_mapped_and_one_in_memory_is_not_put_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(mapping, "SMALL", 1000)
    path = tmp_path / "resume.pdf"
    path.write_bytes(real("packed.pdf"))
    with path.open("rb") as stream:
        assert isinstance(mapping.map_stream(stream), mmap.mmap)
        assert kind.inspect(stream) == frozenset()
    monkeypatch.undo()
    with tempfile.SpooledTemporaryFile(max_size=100_000) as spooled:
        spooled.write(real("packed.pdf"))
        assert kind.inspect(spooled) == frozenset()
        assert spooled.name is None


# What qpdf finds, we find.


def _dictionaries(document: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    left = list(document.objects)
    while left:
        found = left.pop()
        if isinstance(found, pikepdf.Array):
            left += [one for one in found if not getattr(one, "is_indirect", False)]
        elif isinstance(found, (pikepdf.Dictionary, pikepdf.Stream)):
            yield found
            values = [found[key] for key in found.keys()]  # noqa: SIM118 - a stream's keys are its dictionary's
            left += [one for one in values if not getattr(one, "is_indirect", False)]


def expected(content: bytes) -> set[Flag]:
    """What qpdf and a few words of the table say of a PDF."""
    found: set[Flag] = set()
    with pikepdf.open(io.BytesIO(content), suppress_warnings=True) as document:
        for one in _dictionaries(document):
            if isinstance(one.get("/JS"), pikepdf.String) and str(one["/JS"]).strip():
                found.add(Flag.JAVASCRIPT)
            if one.get("/Subtype") in ("/Movie", "/Screen", "/Sound", "/3D", "/RichMedia"):
                found.add(Flag.MEDIA)
            if one.get("/S") == "/SubmitForm" and "/F" in one:
                found.add(Flag.REACHES_OUT)
            if isinstance(one.get("/EF"), pikepdf.Dictionary) and len(one["/EF"]) > 0:
                found.add(Flag.EMBEDDED)
            if isinstance(one.get("/URI"), pikepdf.String) and str(one["/URI"]).startswith("odd:"):
                found.add(Flag.UNUSUAL_LINK)
    return found


ACTIONS = {
    "script": {"S": "/JavaScript", "JS": "app.alert(1) // (é"},
    "film": {"Type": "/Annot", "Subtype": "/Movie"},
    "form": {"S": "/SubmitForm", "F": "https://example.com"},
    "odd": {"S": "/URI", "URI": "odd:thing"},
    "web": {"S": "/URI", "URI": "https://example.com/(a)"},
    "page": {"S": "/GoTo", "D": "top"},
}


def _document(names: list[str], **how: object) -> bytes:
    saved = io.BytesIO()
    with pikepdf.open(RESUMES / "resume.pdf") as document, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Encryption R=5 is deprecated")
        if "letter" in names:
            document.attachments["letter.txt"] = b"Dear Sirs"
        for name in names:
            action = {
                f"/{key}": pikepdf.Name(value) if value.startswith("/") else pikepdf.String(value)
                for key, value in ACTIONS.get(name, {}).items()
            }
            document.Root[f"/{name}"] = document.make_indirect(pikepdf.Dictionary(action))
        document.save(saved, **how)
    return saved.getvalue()


REVISIONS = st.sampled_from([None, (2, False), (3, False), (4, False), (4, True), (5, True), (6, True)])


@given_that(
    names=st.lists(st.sampled_from([*ACTIONS, "letter"]), unique=True),
    streams=st.sampled_from(list(pikepdf.ObjectStreamMode)),
    revision=REVISIONS,
    in_order=st.booleans(),
    readable=st.booleans(),
)
@examples(120)
def test_however_qpdf_writes_it_the_same_is_found(names, streams, revision, in_order, readable):
    how: dict[str, object] = {
        "object_stream_mode": streams,
        "linearize": in_order,
        "qdf": readable and not in_order,
    }
    if revision:
        number, aes = revision
        how["encryption"] = pikepdf.Encryption(owner="o", user="", R=number, aes=aes, metadata=aes)
    content = _document(names, **how)
    assert flags(content) == expected(content)


@given_that(data=st.data(), streams=st.sampled_from(list(pikepdf.ObjectStreamMode)))
@examples(200)
def test_what_qpdf_still_finds_in_a_damaged_file_is_found_or_refused(data, streams):
    content = bytearray(_document(["script", "odd", "film"], object_stream_mode=streams))
    pieces = st.sampled_from(
        [b"(", b")", b"<<", b">>", b"%", b" 9 0 obj ", b"endobj", b"stream\n", b"/JS", b"0 R", b""]
    )
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 20))] = data.draw(pieces)
    try:
        found = flags(bytes(content))
    except Refused:
        return
    try:
        known = expected(bytes(content))
    except pikepdf.PdfError:  # qpdf makes nothing of it
        return
    assert found >= known


def test_a_stream_of_objects_in_the_way_of_acrobat_is_read():
    """Rows of a table under a predictor, one stream that extends another, lengths elsewhere."""
    body = b"20 0 21 33 " + b"<< /S /URI /URI (odd:thing) >>   " + b"<< >>"
    rows = b"".join(b"\0" + body[at : at + 4].ljust(4) for at in range(0, len(body), 4))
    more = (
        b"/Type/ObjStm/N 2/First 11/Extends 4 0 R/Filter/FlateDecode/DecodeParms<</Columns 4/Predictor 12>>"
    )
    assert flags(pdf(pdf_stream(zlib.compress(rows), more))) == {Flag.UNUSUAL_LINK}
