"""What oletools finds in old documents is never kept without a word."""

from __future__ import annotations

import io

import olefile
from hypothesis import given as given_that
from hypothesis import strategies as st
from oletools.msodde import FIELD_FILTER_DDE, process_doc, process_rtf
from oletools.rtfobj import RtfObjParser

from leadintake.documents.inspection.findings import Refused
from tests.documents.inspection.examples import examples
from tests.documents.inspection.files import inspected, real
from tests.documents.inspection.test_rtf import document, ole1
from tests.documents.inspection.word import field, word

WORDS = st.lists(
    st.sampled_from(["DDE", "DDEAUTO", "dde", "PAGE", " ", "cmd", '"', "HYPERLINK", "\\", "x", "é", "="]),
    max_size=6,
).map("".join)
TRIES = examples(80)


def is_silent(name: str, content: bytes) -> bool:
    """Whether it is kept without a warning."""
    try:
        return not inspected(name, content)
    except Refused:
        return False


def dde_in_doc(content: bytes) -> str:
    """The DDE fields that oletools finds in an old Word document."""
    with olefile.OleFileIO(io.BytesIO(content)) as found:
        return str(process_doc(found))


def dde_in_rtf(content: bytes) -> str:
    """The DDE fields that oletools finds in RTF; it takes the first five bytes for read."""
    return str(process_rtf(io.BytesIO(content[5:]), FIELD_FILTER_DDE))


def test_the_oracles_find_what_they_are_asked_for_and_nothing_in_what_is_harmless():
    assert dde_in_doc(word(field("DDEAUTO cmd x").encode()))
    assert not dde_in_doc(real("illustrated.doc"))
    assert dde_in_rtf(document(rb"{\field{\*\fldinst DDEAUTO cmd}}"))
    assert not dde_in_rtf(real("illustrated.rtf"))


@TRIES
@given_that(st.lists(WORDS, min_size=1, max_size=4), st.booleans(), st.integers(0, 30))
def test_fields_that_oletools_finds_in_a_doc_are_not_kept_silently(words, wide, cut):
    text = "".join(field(each) for each in words)
    pieces = [text[:cut], text[cut:]]
    content = word(*pieces) if wide else word(*(piece.encode("cp1252") for piece in pieces))
    assert not (dde_in_doc(content) and is_silent("a.doc", content))


@TRIES
@given_that(
    st.lists(
        st.sampled_from(
            [
                rb"{\field{\*\fldinst ",
                b"DDE",
                b"AUTO",
                b" cmd",
                b"}",
                b"{",
                rb"\b ",
                b"}{\\fldrslt a}}",
                b"\r\n",
            ]
        ),
        max_size=12,
    ).map(b"".join)
)
def test_fields_that_oletools_finds_in_rtf_are_not_kept_silently(inside):
    content = document(inside)
    assert not (is_silent("a.rtf", content) and dde_in_rtf(content))


DIGITS = ole1(b"Package", b"\x02\0a.exe\0C:\\a.exe\0\0\0\x03\0\x01\0\0\0\0\x04\0\0\0MZ\0\0").hex().encode()
EQUATION = ole1(b"Equation.3", b"\x1c\0\0\0").hex().encode()


@TRIES
@given_that(
    st.sampled_from([DIGITS, EQUATION]),
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.sampled_from(
                [
                    b" ",
                    b"\r\n",
                    b"{}",
                    rb"{\*\a 1}",
                    rb"\'41",
                    rb"\bin0 ",
                    b"\\\r\n",
                    b"x",
                    b"\x00",
                    rb"\a1 ",
                    b"}{",
                ]
            ),
        ),
        max_size=4,
    ),
    st.sampled_from(
        [rb"{\object\objemb{\*\objdata ", rb"{\*\x{\objdata ", rb"{\object{\*\objdata\a ", rb"{\objdata{"]
    ),
)
def test_objects_that_oletools_finds_in_rtf_are_not_kept_silently(digits, odd, begin):
    for at, piece in odd:
        digits = digits[:at] + piece + digits[at:]
    content = document(begin + digits + b"}" * (begin.count(b"{") - begin.count(b"}")))
    parser = RtfObjParser(content)
    parser.parse()
    assert parser.objects is not None
    assert not (parser.objects and is_silent("a.rtf", content))
