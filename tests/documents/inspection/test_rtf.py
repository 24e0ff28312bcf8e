"""An RTF document is taken when it is whole and holds nothing but words and pictures."""

from __future__ import annotations

import contextlib
import io
import time
import tracemalloc

import pytest
from hypothesis import given as given_that
from hypothesis import settings as examples
from hypothesis import strategies as st

from leadintake.documents.inspection import rtf as kind
from leadintake.documents.inspection.findings import Refused
from leadintake.documents.inspection.sentences import DAMAGED, FETCHES, PACKED
from tests.support.files import TEN_MB, judged, real

UNICODE = "".join(f"\\u{ord(letter)}?" for letter in "http://example.com/a.dotm").encode()


def document(inside: bytes) -> bytes:
    """An RTF document with this after its first word."""
    return b"{\\rtf1\\ansi Jane Doe " + inside + b"\\par}"


def field(instruction: bytes) -> bytes:
    """A field as Word writes it."""
    return b"{\\field{\\*\\fldinst " + instruction + b"}{\\fldrslt shown}}"


def refusal(content: bytes) -> str:
    """What the sender is told."""
    with pytest.raises(Refused) as refused:
        judged("resume.rtf", content)
    return str(refused.value)


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"\x00", b" \r\n\x00\x00", b"\r\n\x1a"])
def test_white_space_behind_the_end_is_forgiven(behind):
    assert judged("resume.rtf", real("resume.rtf") + behind).flags == frozenset()


@pytest.mark.parametrize("name", ["resume.rtf", "illustrated.rtf"])
def test_a_document_cut_off_is_damaged(name):
    whole = real(name).rstrip()
    for length in (len(whole) - 1, len(whole) // 2, 8):
        assert refusal(whole[:length]) == DAMAGED


@pytest.mark.parametrize(
    "content",
    [
        b"{\\rtf1 a}}",
        b"{\\rtf1 {a}",
        b"{\\rtf1 a\\}",
        b"{\\rtf1 a}<script>alert(1)</script>",
        b"{\\rtf1 a}{\\rtf1 b}",
        b"{\\rtf1 a\\",
        b"{\\rtf1 \\ob\x00jdata 01}",
        b"{\\rtf1 \\\x00}",
        b"{\\rtf1 {\\pict\\bin99 a}}",
        b"{\\rtf1 {\\pict\\bin-3 abc}}",
        b"{\\rtf1 {\\pict\\bin4294967299 abc}}",
        b"{\\rtf1 \\bin3 }}}}",
        b"{\\rtf1 {\\*\\fldinst \\bin3 }}}}}",
        b"{\\rtf1 " + b"{" * 600 + b"}" * 601,
    ],
)
def test_a_document_that_does_not_close_as_it_opens_is_damaged(content):
    assert refusal(content) == DAMAGED


@pytest.mark.parametrize(
    "inside",
    [
        b"\\{ \\} \\\\ \\'7b \\'7d",
        b"{\\pict\\pngblip\\bin5 {{}\\}}",
        b"{\\*\\shppict{\\pict{\\*\\picprop{\\sp{\\sn wzName}{\\sv me}}}\\pngblip 89504e470d0a1a0a}}",
        b"{\\*\\themedata 504b030414000600080000002100}",
        b"{\\*\\datastore 0105000002000000d0cf11e0a1b11ae1}",
        b"{\\*\\template C:\\\\Users\\\\jane\\\\Templates\\\\Resume.dotx}",
        b"{\\*\\template Normal.dotm}",
        field(b' HYPERLINK "https://example.com/LINK" \\\\o "INCLUDEPICTURE"'),
        field(b"HYPERLINK mailto:jane@example.com"),
        field(b" PAGE  \\\\* MERGEFORMAT "),
        field(b"MACROBUTTON NoMacro [Click here]"),
        field(b'HYPERLINK "https://example.com/{\\rtlch link}{\\*\\bkmkstart a}{"}'),
        field(b"IF " + field(b"MERGEFIELD a") + b' = "link" "import" "embed"'),
        b"{\\listtext 1.}{\\footnote LINK}" + field(b"PAGE"),
        b"{\\sp{\\sn wzDescription}{\\sv https://example.com}}",
        b"objects, objdata and DDEAUTO are words; \\u8364? too",
    ],
)
def test_what_word_processors_write_is_taken(inside):
    assert judged("resume.rtf", document(inside)).flags == frozenset()


@pytest.mark.parametrize(
    "inside",
    [
        b"{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata 01050000}}",
        b"{\\*\\objdata 01050000}",
        b"{\\*\\objdata\\bin4 abcd}",
        b"{\\*\\unknown{\\*\\deeper{\\objocx}}}",
        b"\\objautlink",
        b"\\objlink",
        b"\\objupdate",
        b"\\OBJDATA 01",
        b"{\\object}",
        b"\\*\\*\\objhtml",
        b"{\\pict 4d5a90000300}",
        b"{\\pict\\pngblip\r\n 4D\r\n5A 90}",
        b"{\\pict{\\*\\blipuid 00}7f454c46}",
        b"{\\pict 504b0304}",
        b"{\\pict " + b" " * 70_000 + b"4d5a}",
        b"{\\pict\\bin4 MZ\x90\x00}",
        b"{\\*\\unknown{\\pict 4d5a}}",
    ],
)
def test_other_files_and_programs_inside_are_refused(inside):
    assert refusal(document(inside)) == PACKED


@pytest.mark.parametrize(
    "inside",
    [
        b"{\\*\\template http://example.com/a.dotm}",
        b"{\\*\\template " + UNICODE + b"}",
        b"{\\*\\template \\u8203?http://example.com/a.dotm}",
        b"{\\*\\template ht\\u173?t\\u-257?p://example.com/a.dotm}",
        b"{\\*\\template{\\uc0 " + UNICODE.replace(b"?", b"") + b"}}",
        b"{\\*\\template \\'68ttp{s}://example.com/a}",
        b"{\\*\\template \\\\\\\\server\\\\share\\\\a.dotm}",
        b"{\\template //server/share/a.dotm}",
        field(b"INCLUDEPICTURE http://example.com/a.png"),
        field(b'{\\rtlch  includepicture "a.png"}'),
        field(b"{INC}{LUDE}{\\b TEXT} a"),
        field(b" " * 70_000 + b"DDEAUTO c:\\\\\\\\windows cmd"),
        field(b"{\\*\\unknown ignored}DDE a b"),
        field(b"\\u68?\\u68?\\'45 a b"),
        field(b"\\*\\unknown DDE a b"),
        field(b"LINK Excel.Sheet a"),
        field(field(b"SET a b") + b" DDEAUTO cmd /k"),
        field(b"D" + field(b"SET a b") + b"DEAUTO cmd /k"),
        field(b"{\\field{\\*\\fldinst QUOTE 68}{\\fldrslt DDE}}AUTO cmd /k"),
        field(b"{\\pntext x}DDEAUTO cmd"),
        field(b"{\\footnote x}DDEAUTO cmd"),
        field(b"DDEAUTO\\u8203? cmd"),
        field(b"DDE a b\\sn "),
        b"{\\*\\unknown" + field(b"DDE a b") + b"}",
        b"{\\sp{\\sn pibName}{\\sv http://example.com/a.png}}",
        b"{\\sp{\\sn pibName}{\\sv \\\\\\\\server\\\\a.png}}",
    ],
)
def test_what_fetches_from_elsewhere_is_refused(inside):
    assert refusal(document(inside)) == FETCHES


WORST = {
    "groups": b"{}",
    "open groups": b"{",
    "words": b"\\a",
    "text": b"a",
    "letters": b"\\'41",
    "letters in unicode": b"\\u65?",
    "destinations": b"{\\sn a}",
    "open destinations": b"{\\pict a",
    "no bytes": b"\\bin0 ",
}


@pytest.mark.parametrize("begin", [b"", b"{\\*\\fldinst ", b"{\\pict "], ids=["text", "field", "picture"])
@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
def test_the_worst_document_costs_in_proportion_to_its_size(unit, begin):
    def cost(size: int) -> float:
        content = document(begin + unit * (size // len(unit)))
        return min(_seconds(content) for _ in range(3))

    # Eight times the size may cost eight times the time; quadratic work would cost sixty-four times.
    assert cost(200_000) < 24 * max(cost(25_000), 0.001)


def _seconds(content: bytes) -> float:
    begun = time.thread_time()
    with contextlib.suppress(Refused):
        kind.inspect(io.BytesIO(content))
    return time.thread_time() - begun


def test_a_document_of_millions_of_words_is_refused():
    assert "far longer inside" in refusal(document(b"{}" * 600_000))


def test_a_large_picture_costs_little_memory_beside_the_document():
    stream = io.BytesIO(document(b"{\\pict " + b"89504e47" * (TEN_MB // 8) + b"}"))
    tracemalloc.start()
    try:
        assert kind.inspect(stream) == frozenset()
        assert tracemalloc.get_traced_memory()[1] < 1.2 * TEN_MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["resume.rtf", "illustrated.rtf"])
@examples(max_examples=80, deadline=None, derandomize=True, database=None)
@given_that(data=st.data())
def test_a_damaged_document_is_taken_or_refused_but_never_a_failure(name, data):
    content = bytearray(real(name))
    pieces = st.sampled_from(
        [b"{", b"}", b"\\", b"\\u-9", b"\\bin9 ", b"\\'", b"{\\pict", b"\x00", b"\xff", b""]
    )
    for _ in range(data.draw(st.integers(1, 12))):
        start = data.draw(st.integers(6, len(content)))
        content[start : start + data.draw(st.integers(0, 40))] = data.draw(pieces)
    with contextlib.suppress(Refused):
        assert kind.inspect(io.BytesIO(bytes(content))) == frozenset()
