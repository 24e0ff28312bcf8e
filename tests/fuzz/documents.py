"""Documents of every kind with a unit repeated somewhere inside."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.documents.inspection.pdfs import pdf, pdf_stream
from tests.support.files import container, entries_of, real

PDF = (
    b"<<", b"[", b"(", b"/A ", b"1 0 obj\n", b"endobj\n", b"stream\n", b"endstream\n", b"#41", b"<41",
    b"%\n", b"/JS ", b"/S /URI /URI (x)", b"\r", b"xref\n", b"trailer\n<<>>\n", b"startxref\n1\n",
    b"1 0 R ", b"\\(", b"0 ", b"-", b"/Type /ObjStm ", b"%%EOF\n", b"%PDF-1.7\n",
)  # fmt: skip
XML = (
    b"<a>", b"<a/>", b"<a b='c'/>", b" b='c'", b"&amp;", b"<!-- -->", b"<!--", b"<?x y?>",
    b"<![CDATA[", b"]]>", b"<w:instrText>DDEAUTO </w:instrText>", b"<w:fldSimple w:instr='DDE'/>",
    b"xmlns:a='b' ", b"file:///", b"\xcc\x81", b"http://a.b/", b"<w:t>x</w:t>", b"\\\\", b"<a ", b"'",
    b'"', b"<!DOCTYPE a [", b"<!ENTITY a 'b'>",
)  # fmt: skip
RTF = (
    b"{", b"}", b"{}", b"\\'41", b"{\\*\\x ", b"\\u1?", b"\\bin9 ", b"\\object", b"\\b ", b"\\",
    b"{\\field{\\*\\fldinst x}}", b"\r\n", b"ff", b"\\objdata ", b"\\par ", b"{\\*\\template x}", b" ",
)  # fmt: skip
PLAIN = (
    b"x", b" ", b"\n", b"\xc3\xa9", b"\xff\xfe", b"\x00", b"\r", b"{\\rtf", b"%PDF", b"PK\x03\x04",
    b"<html>", b"\x1b",
)  # fmt: skip
OLE = (
    b"\xff\xff\xff\xff", b"\xfe\xff\xff\xff", b"\x00\x00\x00\x00", b"\x01\x00\x00\x00", b"M\x00a\x00",
    b"\x02\x00", b"\x14DDEAUTO ", b"\x13HYPERLINK \x14", b"\xec\xa5", b"\x05\x00\x00\x00" * 32,
)  # fmt: skip
MARKUP = (
    b"<?xml version='1.0'?>"
    b"<w:document xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'><w:body>",
    b"</w:body></w:document>",
)

Write = Callable[[int], tuple[str, bytes]]
"""A document, by its name and its bytes, with so many bytes of the unit in it."""


def thrown(dice: random.Random) -> tuple[str, Write]:
    """A kind of document, a place in it and a unit: what they are, and how to write it with any size."""
    kind = dice.choice([*MAKERS])
    units, write = MAKERS[kind]
    unit = b"".join(dice.choice(units) for _ in range(dice.randint(1, 4)))
    if dice.random() < 0.2:
        unit += dice.randbytes(dice.randint(1, 3))
    place = dice.randrange(8)
    named = f"{kind} place {place} unit {unit!r}"
    return named, lambda size: write(unit * max(1, size // len(unit)), place)


def _pdf(text: bytes, place: int) -> tuple[str, bytes]:
    made = (
        lambda: pdf(text),
        lambda: pdf(pdf_stream(text)),
        lambda: pdf(b"<< /A (%b) >>" % text),
        lambda: pdf(b"<< %b >>" % text),
        lambda: pdf(trailer=text),
        lambda: pdf() + text,
        lambda: real("resume.pdf").replace(b"endobj", b"endobj\n%b" % text, 1),
        lambda: b"%PDF-1.7\n" + text + pdf()[9:],
    )
    return "resume.pdf", made[place]()


def _docx(text: bytes, place: int) -> tuple[str, bytes]:
    return "resume.docx", _packed(
        "resume.docx", ("word/document.xml", "word/_rels/document.xml.rels"), text, place
    )


def _odt(text: bytes, place: int) -> tuple[str, bytes]:
    return "resume.odt", _packed("resume.odt", ("content.xml", "META-INF/manifest.xml"), text, place)


def _packed(name: str, parts: tuple[str, str], text: bytes, place: int) -> bytes:
    entries = entries_of(real(name))
    main = entries[parts[0]]
    if place == 7:
        count = max(1, len(text) // 400)
        return container(entries | {f"word/{number}{text[:9].hex()}.xml": b"<a/>" for number in range(count)})
    if place == 6:
        return container(entries, begin=text)
    if place == 5:
        return container(entries | {parts[1]: text})
    if place == 4:
        return container(entries | {parts[0]: MARKUP[0] + text + MARKUP[1]})
    cut = (main.find(b">") + 1, main.rfind(b"</"), main.find(b" ", main.find(b"?>")), len(main) // 2)[place]
    return container(entries | {parts[0]: main[:cut] + text + main[cut:]})


def _rtf(text: bytes, place: int) -> tuple[str, bytes]:
    before = (
        b"",
        b"{\\*\\x ",
        b"{\\object{\\*\\objdata ",
        b"{\\pict ",
        b"{\\field{\\*\\fldinst ",
        b"\\bin99999 ",
        b"{\\info",
        b"\\'",
    )
    return "resume.rtf", b"{\\rtf1\\ansi " + before[place] + text + b"}" * (1 + before[place].count(b"{"))


def _txt(text: bytes, place: int) -> tuple[str, bytes]:
    before = (b"", b"\xef\xbb\xbf", b"\xff\xfe", b"A resume.\n", b"\xfe\xff", b"x" * 600, b" ", b"\n")
    return "resume.txt", before[place] + text


def _doc(text: bytes, place: int) -> tuple[str, bytes]:
    whole = real("resume.doc")
    at = (512, 1024, len(whole) // 2, len(whole), 76, 48, len(whole) - 512, 2048)[place]
    keep = whole[at : at + max(0, len(whole) - at)] if place % 2 else b""
    return "resume.doc", whole[:at] + text + keep


MAKERS = {
    "PDF": (PDF, _pdf),
    "DOCX": (XML, _docx),
    "ODT": (XML, _odt),
    "RTF": (RTF, _rtf),
    "TXT": (PLAIN, _txt),
    "DOC": (OLE, _doc),
}
