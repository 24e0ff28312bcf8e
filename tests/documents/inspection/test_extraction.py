"""The text of documents, for reading: of every kind, of files that programs wrote, and of hostile ones."""

from __future__ import annotations

import codecs
import contextlib
import io
import random

import pytest

from leadintake.documents.inspection import KINDS, VIEWABLE_TYPES
from leadintake.documents.inspection.extraction import CUT, EXTRACTORS, extract
from leadintake.documents.inspection.findings import Refused
from leadintake.documents.inspection.rtftext import KNOWN_PAGES, PYTHON_NAMES
from leadintake.documents.inspection.textbuffer import MAX_TEXT_LENGTH

from .files import RESUMES, real, repacked
from .word import word

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
SENTENCE = "Jane Doe, engineer. Résumé, 2015 to 2024."
FILES = sorted(one.name for one in RESUMES.iterdir() if one.suffix in EXTRACTORS)


def text_of(name: str, content: bytes) -> str:
    """The text of a file of the kind that its name tells."""
    return extract(io.BytesIO(content), f".{name.rpartition('.')[2]}")


def docx(body: str) -> bytes:
    """A document of Word with this body."""
    document = f"<w:document {W}><w:body>{body}</w:body></w:document>"
    return repacked(real("resume.docx"), **{"word/document.xml": document.encode()})


def odt(body: str) -> bytes:
    """A document of LibreOffice with this body."""
    names = "".join(
        f' xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"' for one in ("office", "text")
    )
    content = f"<office:document-content{names}><office:body>{body}</office:body></office:document-content>"
    return repacked(real("resume.odt"), **{"content.xml": content.encode()})


def test_every_kind_that_no_browser_shows_has_a_text():
    assert set(EXTRACTORS) == {kind.extension for kind in KINDS if kind.content_type not in VIEWABLE_TYPES}


@pytest.mark.parametrize("name", [one for one in FILES if one.startswith("resume")])
def test_what_programs_wrote_is_read(name):
    assert text_of(name, real(name)) == SENTENCE


@pytest.mark.parametrize("name", ["utf-8.txt", "utf-16.txt", "latin-1.txt"])
def test_plain_text_is_read_in_its_encoding(name):
    assert text_of(name, real(name)) == "Jane Doe, engineer.\nRésumé, 2015 to 2024."


@pytest.mark.parametrize("name", ["illustrated.doc", "illustrated.docx", "illustrated.odt"])
def test_links_are_shown_and_tables_are_lines(name):
    told = text_of(name, real(name))
    assert told.startswith("Jane Doe, attorney at law. jane@example.com portfolio\n")
    assert told.split()[-4:] == ["school", "2022", "Public", "defender"]


def test_rtf_has_letters_of_several_alphabets():
    assert "Zoë & Söhne, 履歴書" in text_of("x.rtf", real("illustrated.rtf"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (rb"{\rtf1\ansi a\par b\line c\tab d\~e\_f \{\}\\}", "a\nb\nc\td\xa0e-f {}\\"),
        (rb"{\rtf1\ansicpg1251 \'cf\'f0\'e8}", "При"),
        (rb"{\rtf1{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}\f1\'cf{\f0\'e9}\plain\'e9}", "Пéé"),
        (rb"{\rtf1\ansicpg932 \'97\'9a\'97\'f0}", "履歴"),
        (rb"{\rtf1\u8226?\uc2\u26085 ab{\uc0\u-10179\u-8704}c}", "•日😀c"),
        (rb"{\rtf1{\info{\title no}}{\*\unknown no}{\pict 00ff}{\stylesheet no}yes}", "yes"),
        (rb"{\rtf1{\pict\bin3 }}}}yes}", "yes"),
        (rb'{\rtf1{\field{\*\fldinst HYPERLINK "x"}{\fldrslt shown}}}', "shown"),
        (rb"{\rtf1{\shp{\*\shpinst{\sp{\sn no}{\sv no}}{\shptxt box}}{\shprslt no}}}", "box"),
        (rb"{\rtf1\u-3913\'b7\tab point}", "•\tpoint"),
    ],
)
def test_words_of_rtf(content, expected):
    assert text_of("x.rtf", content) == expected


def test_every_code_page_of_rtf_has_a_decoder():
    for page in KNOWN_PAGES:
        assert codecs.lookup(PYTHON_NAMES.get(page, f"cp{page}")), page


def test_fields_of_doc_show_their_results():
    told = text_of(
        "x.doc", word('a\x13 HYPERLINK "x" \x13 PAGE \x14no\x15\x14shown\x15 b\rc\x07d\x07\x07e\x01')
    )
    assert told == "ashown b\nc\td\ne"


def test_a_drawing_of_docx_is_read_once_and_what_was_deleted_never():
    body = (
        "<w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/></w:r>"
        "<w:del><w:r><w:delText>no</w:delText></w:r></w:del><w:r><w:instrText>no</w:instrText></w:r></w:p>"
        '<mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        "<mc:Choice><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Choice>"
        "<mc:Fallback><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>"
    )
    assert text_of("x.docx", docx(body)) == "one\ttwo\n\nbox"


def test_spaces_of_odt_are_spaces_and_comments_are_left_out():
    body = (
        '<text:p>a<text:s text:c="3"/>b<text:tab/>c<text:line-break/>d<text:s text:c="99999999999"/>e'
        "<office:annotation><text:p>no</text:p></office:annotation></text:p>"
    )
    assert text_of("x.odt", odt(body)) == "a   b\tc\nd e"


def test_many_empty_lines_are_one_and_controls_are_none():
    assert text_of("x.txt", b"a\r\n\n\n\n\nb\x00\x0b\x1b[0mc\t\xc2\x85d") == "a\n\nb[0mc\td"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.txt", b"x" * 5_000_000),
        ("x.txt", ("é" * 3_000_000).encode()),
        ("x.rtf", rb"{\rtf1 " + rb"\'e9x\par " * 300_000 + b"}"),
        ("x.docx", docx("<w:p><w:r><w:t>word</w:t><w:br/></w:r></w:p>" * 100_000)),
        ("x.odt", odt("<text:p>word</text:p>" * 100_000)),
        ("x.doc", word("word\r" * 100_000)),
    ],
)
def test_of_a_long_one_the_beginning_is_read(name, content):
    told = text_of(name, content)
    assert told.endswith(CUT)
    assert len(told) <= MAX_TEXT_LENGTH + len(CUT)


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_gives_a_text_or_is_refused(name):
    whole, chance = real(name), random.Random(name)
    for _ in range(150):
        broken = bytearray(whole)
        for _ in range(chance.randint(1, 20)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        content = bytes(broken[: chance.randrange(len(broken))] if chance.random() < 0.3 else broken)
        with contextlib.suppress(Refused):
            assert isinstance(text_of(name, content), str)
