"""A PDF is taken when it is whole; what it could do when opened is marked, and found where it hides."""

from __future__ import annotations

import base64
import io
import zlib

import pytest
from hypothesis import assume
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.documents.inspection import pdf as kind
from leadintake.documents.inspection.findings import Flag, Refused
from tests.documents.inspection.examples import examples
from tests.documents.inspection.pdfs import flags, packed, pdf, pdf_stream, real, zipped

SCRIPT = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"
WORDS = b"/JavaScript /JS /Launch /EmbeddedFile /RichMedia /Encrypt"
PAGE = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
PROGRAM = b"MZ\x90\x00\x03" + bytes(200)


def assert_refused(content: bytes, saying: str) -> None:
    """The sender is told so."""
    with pytest.raises(Refused, match=saying) as refused:
        flags(content)
    assert "PDF" in str(refused.value)
    assert str(refused.value).endswith("and send that one.")


@pytest.mark.parametrize("content", [real("resume.pdf"), pdf()], ids=["a real one", "an empty page"])
@pytest.mark.parametrize(
    "behind", [b"", b"\n", b"\r\n\r\n", bytes(700), b"%% 17", b"\n<!-- scanned 12:04 -->"]
)
def test_a_little_behind_the_end_is_forgiven(content, behind):
    assert flags(content + behind) == frozenset()


def test_any_amount_of_white_space_behind_the_end_is_forgiven():
    assert flags(pdf() + b"\n" * 100_000 + bytes(100_000)) == frozenset()


@pytest.mark.parametrize("name", ["resume.pdf", "packed.pdf", "linearized.pdf", "scripted.pdf", "locked.pdf"])
def test_a_pdf_cut_off_is_damaged(name):
    whole = real(name)
    for length in (len(whole) // 4, len(whole) // 2, len(whole) - 20):
        # A linearized one has a first end near its start, but what follows that is no short comment.
        assert_refused(whole[:length], "damaged or incomplete")


@pytest.mark.parametrize(
    ("without", "instead"),
    [
        (b"/Type /Page ", b"/Type /Font "),
        (b"/Catalog", b"/Katalog"),
        (b"xref\n0", b"xxxx\n0"),
        (b"startxref\n", b"startxxxx\n"),
        (b"%%EOF", b"%%EOD"),
    ],
)
def test_a_pdf_without_what_every_pdf_has_is_damaged(without, instead):
    assert_refused(pdf().replace(without, instead), "damaged or incomplete")


def test_a_long_tail_behind_the_end_is_no_pdf_of_a_writer():
    assert_refused(pdf() + b"x" * 3000, "damaged or incomplete")


@pytest.mark.parametrize("version", [b"1.0", b"1.4", b"2.0"])
def test_any_version_is_taken(version):
    assert flags(pdf(version=version)) == frozenset()


def test_a_header_without_a_version_is_something_else():
    assert not kind.fits(io.BytesIO(pdf(version=b"x.y")))


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (SCRIPT, Flag.JAVASCRIPT),
        (b"<< /JS 5 0 R >>", Flag.JAVASCRIPT),
        (b"<</S/J#61vaScript/#4a#53(x)>>", Flag.JAVASCRIPT),
        (b"<< /Type /Filespec /EF << /F 5 0 R >> >>", Flag.EMBEDDED),
        (b"<< /Subtype /RichMedia >>", Flag.MEDIA),
        (b"<< /Fields [] /XFA 7 0 R >>", Flag.JAVASCRIPT),
        (b"<< /S /SubmitForm /F (https://example.com) >>", Flag.REACHES_OUT),
        (b"<< /S /ImportData /F (a.fdf) >>", Flag.REACHES_OUT),
        (b"<< /S /Rendition /OP 0 >>", Flag.MEDIA),
    ],
)
def test_what_a_reader_is_warned_of_is_found_in_an_object_and_in_a_packed_one(words, flag):
    assert flags(pdf(words)) == {flag}
    assert flags(pdf(packed(words))) == {flag}


def test_everything_there_is_to_warn_of_is_named():
    content = pdf(SCRIPT, b"<< /EF << /F 7 0 R >> >>", b"<< /S /Movie >>", b"<< /URI (odd:thing) >>")
    assert flags(content) == {Flag.JAVASCRIPT, Flag.EMBEDDED, Flag.MEDIA, Flag.UNUSUAL_LINK}


@pytest.mark.parametrize(
    "harmless",
    [
        b"(HTML/CSS/JavaScript, " + WORDS + b")",
        b"(nested (" + WORDS + b") and \\) escaped \\\\)",
        b"(a\\(b) % " + WORDS,
        b"<< /Subtype /Link /A << /S /URI /URI (https://example.com/jane) >> >>",
        b"<< /A << /S /GoTo /D [3 0 R /Fit] >> >>",
        b"<< /JSON /JavaScripts /Launcher /EmbeddedFilesX /Encrypted /EncryptMetadata true >>",
        pdf_stream(b"BT (" + WORDS + b") Tj ET " + WORDS),
        pdf_stream(WORDS, b"/Type /Metadata /Subtype /XML"),
        pdf_stream(zlib.compress(WORDS), b"/Filter /FlateDecode"),
        packed(b"<< /Title (HTML/CSS/JavaScript /JS \\) \\( (/Launch)) >>"),
    ],
)
def test_words_that_are_text_are_nothing_to_be_warned_of(harmless):
    assert flags(pdf(harmless)) == frozenset()


def test_pages_may_all_be_packed():
    content = pdf(packed(b"<< /Type /P#61ge /Parent 2 0 R >>")).replace(b"/Type /Page ", b"/Type /Font ")
    assert flags(content) == frozenset()


@pytest.mark.parametrize(
    "hidden",
    [
        pdf_stream(b"5 0 obj " + SCRIPT + b" endobj"),
        b"( 5 0 obj " + SCRIPT + b" endobj )",
        b"( 5 0 obj " + SCRIPT + b" endobj",
        b"<< >> % 5 0 obj " + SCRIPT,
        b"( 5 0 obj % ) ( \n" + SCRIPT,
        b"( 5 0%c\nobj" + SCRIPT,
        b"( 5 +0obj" + SCRIPT,
        pdf_stream(b"5 0 obj\n" + packed(SCRIPT)),
        pdf_stream(b"9 2 ( " + SCRIPT + b" )", b"/Type /ObjStm /N 1 /First 4"),
        pdf_stream(b"9 0 " + SCRIPT, b"/Type /ObjStm /N 1 /First 4"),
    ],
)
def test_a_script_is_found_where_only_a_jump_leads(hidden):
    assert Flag.JAVASCRIPT in flags(pdf(hidden))


@pytest.mark.parametrize(
    "hidden",
    [
        b"<< /X <(> " + SCRIPT + b" /Y <)> >>",
        b"<< /A 1 2 /JS (x) >>",
        b"<< /A /JS (x) >>",
        b"<< /JS (x) ] >>",
        b"<< /A [ >> stream\n ] /OpenAction " + SCRIPT + b" >>",
        b"<< /A [ << /B 1 /C [ 1 ] ] >> /OpenAction " + SCRIPT + b" >>",
        b"<< /A 9 0 obj /OpenAction " + SCRIPT + b" >>",
        b"<< /A 1 stream\n /OpenAction " + SCRIPT + b" >>",
    ],
)
def test_a_script_is_refused_in_an_object_that_can_be_read_in_two_ways(hidden):
    assert_refused(pdf(hidden), "put together in an unusual way")


@pytest.mark.parametrize("kind_of_stream", [b"", b"/Type 9 0 R", b"/Type /XObject"])
def test_a_script_is_found_in_packed_objects_that_do_not_say_so(kind_of_stream):
    stream = pdf_stream(
        zlib.compress(b"9 0 " + SCRIPT), kind_of_stream + b"/N 1 /First 4 /Filter /FlateDecode"
    )
    assert flags(pdf(stream)) == {Flag.JAVASCRIPT}


@pytest.mark.parametrize(
    ("plain", "instead"),
    [
        (b">>\nstream", b">>%c\nstream"),
        (b">>\nstream", b"/Y << /Z <<>>stream\n endstream >> >>\nstream"),
        (b"stream\nx", b"stream x"),
        (b"/Type /ObjStm", b"/F (a.bin)"),
        (b"/Type /ObjStm", b"/DP << /Predictor 12 >>"),
        (b"/First 4", b"/First 4 /First 0"),
        (b"/First 4", b"/First 7 0 R"),
        (b"/N 1", b""),
        (b"/N 1", b"/N 2"),
        (b"/FlateDecode", b"/FlateDecode /Filter /LZWDecode"),
        (b"/FlateDecode", b"/LZWDecode"),
        (b"/FlateDecode", b"[/FlateDecode /Crypt]"),
        (b"/FlateDecode", b"7 0 R"),
        (b"/FlateDecode", b"/FlateDecode /DecodeParms << /Predictor 2 >>"),
        (b"/FlateDecode", b"/FlateDecode /DecodeParms << /Predictor 12 /Columns 1000000 >>"),
        (b"/FlateDecode", b"/FlateDecode /DecodeParms [<< >> << >>]"),
        (b"/FlateDecode", b"[" + b"/FlateDecode " * 17 + b"]"),
    ],
)
def test_packed_objects_that_can_be_read_in_two_ways_are_refused(plain, instead):
    stream = packed(SCRIPT)
    assert plain in stream
    assert_refused(pdf(stream.replace(plain, instead)), "put together in an unusual way")


def _up(content: bytes, columns: int) -> bytes:
    """Rows told from those above (7.4.4.4), in each way in turn, as an encoder would."""
    rows, above = b"", bytes(columns)
    for at in range(0, len(content), columns):
        row, way = content[at : at + columns].ljust(columns, b" "), at // columns % 5
        rows += bytes([way]) + bytes(
            (now - _guess(way, row[i - 1] if i else 0, above[i], above[i - 1] if i else 0)) % 256
            for i, now in enumerate(row)
        )
        above = row
    return zlib.compress(rows)


def _guess(way: int, left: int, up: int, corner: int) -> int:
    nearest = min(
        (abs(up - corner), 0, left), (abs(left - corner), 1, up), (abs(left + up - 2 * corner), 2, corner)
    )
    return (0, left, up, (left + up) // 2, nearest[2])[way]


RUNS = bytes([3]) + b"9 0 " + bytes([len(SCRIPT) - 1]) + SCRIPT + bytes([254]) + b" " + b"\x80"
WRITTEN = b"9 0 " + SCRIPT


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (zlib.compress(WRITTEN), b"[/FlateDecode]"),
        (zlib.compress(WRITTEN), b"/FlateDecode /DecodeParms null"),
        (zlib.compress(WRITTEN), b"/Fl /DecodeParms [null]"),
        (zlib.compress(WRITTEN), b"/F#6cateDecode /Extends 3 0 R"),
        (zlib.compress(zlib.compress(WRITTEN)), b"[/FlateDecode /FlateDecode]"),
        (_up(WRITTEN, 5), b"/FlateDecode /DecodeParms << /Predictor 12 /Columns 5 >>"),
        (_up(WRITTEN, 5), b"[/FlateDecode] /DecodeParms [<< /Predictor 15 /Columns 5 >>]"),
        (zlib.compress(WRITTEN).hex().encode() + b">", b"[/ASCIIHexDecode /FlateDecode]"),
        (base64.a85encode(zlib.compress(WRITTEN)) + b"~>", b"[ /ASCII85Decode\n/FlateDecode ]"),
        ((WRITTEN + b" ").hex()[:-1].encode() + b">", b"/AHx"),
        (RUNS, b"/RunLengthDecode"),
        (WRITTEN, b"[]"),
        (WRITTEN, b"null"),
    ],
)
def test_objects_are_found_however_a_writer_packs_them(content, how):
    stream = pdf_stream(content, b"/Type /ObjStm /N 1 /First 4 /Filter " + how)
    assert flags(pdf(stream)) == {Flag.JAVASCRIPT}


def test_a_list_of_packed_objects_that_not_every_viewer_understands_is_refused():
    stream = pdf_stream(b"9 %\n0 " + SCRIPT, b"/Type /ObjStm /N 1 /First 7")
    assert_refused(pdf(stream), "put together in an unusual way")


def test_the_length_and_the_filter_of_packed_objects_may_be_elsewhere():
    stream = b"<< /Type /ObjStm /N 5 0 R /First 6 0 R /Length 7 0 R /Filter 8 0 R >>\nstream\n%b\nendstream"
    content = zlib.compress(WRITTEN)
    others = (b"1", b"4", b"%d" % len(content), b"[9 0 R]", b"/FlateDecode")
    assert flags(pdf(stream % content, *others)) == {Flag.JAVASCRIPT}


@pytest.mark.parametrize("length", [b"", b"/Length 1", b"/Length 99999999"])
def test_packed_objects_are_read_whatever_length_is_said(length):
    stream = b"<< /Type /ObjStm /N 1 /First 4 %b /Filter /FlateDecode >>\nstream\n%b\nendstream"
    assert flags(pdf(stream % (length, zlib.compress(WRITTEN)))) == {Flag.JAVASCRIPT}


def test_objects_that_are_packed_by_nothing_and_without_a_length_are_read_to_their_end():
    assert flags(pdf(b"<< /N 1 /First 4 >>\nstream\n" + WRITTEN + b"\nendstream")) == {Flag.JAVASCRIPT}


def test_objects_behind_a_word_that_seems_to_end_their_stream_are_found():
    assert flags(pdf(packed(b"(endstream)", SCRIPT, more=b""))) == {Flag.JAVASCRIPT}


def test_packed_objects_that_do_not_unpack_are_damage():
    assert_refused(pdf(packed(SCRIPT).replace(b"stream\nx\x9c", b"stream\nxxx")), "damaged or incomplete")


@pytest.mark.parametrize(
    "behind", [PAGE, b"\n\r " + PAGE, b"junk " + PAGE, PROGRAM, b"\x7fELF\x02", b"#!/bin/sh"]
)
def test_a_page_or_a_program_behind_the_end_is_refused(behind):
    assert_refused(real("resume.pdf") + behind, "another file behind its end")


def test_a_zip_behind_the_end_is_refused():
    assert_refused(pdf() + zipped({"resume.exe": PROGRAM}), "another file behind its end")


def test_a_pdf_inside_the_comment_of_a_zip_is_refused():
    end = b"startxref\n9\n%%EOF\n"
    archive = zipped({"resume.exe": PROGRAM})
    both = pdf() + archive[:-2] + len(end).to_bytes(2, "little") + end
    assert_refused(both, "another file behind its end")


def test_a_zip_that_is_attached_is_marked_and_no_second_file():
    attached = pdf_stream(zipped({"letter.txt": b"Dear Sirs"}), b"/Type /EmbeddedFile")
    assert flags(pdf(attached, b"<< /F (letter.zip) /EF << /F 4 0 R >> >>")) == {Flag.EMBEDDED}


NAMES = ["resume.pdf", "packed.pdf", "scripted.pdf", "updated.pdf", "locked.pdf", "linearized.pdf"]


@pytest.mark.parametrize("name", NAMES)
@examples(60)
@given_that(data=st.data())
def test_a_damaged_pdf_is_taken_or_refused_but_never_a_failure(name, data):
    content = bytearray(real(name))
    pieces = st.sampled_from(
        [b"(", b")", b"<<", b">>\nstream\n", b"endstream", b"obj", b"/ObjStm", b"%", b"\xff", b""]
    )
    for _ in range(data.draw(st.integers(1, 12))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 40))] = data.draw(pieces)
    try:
        found = kind.inspect(io.BytesIO(bytes(content)))
    except Refused:
        return
    assert found <= set(Flag)


@examples(300)
@given_that(st.text("()\\a%\n", max_size=20))
def test_text_is_skipped_exactly_as_the_standard_says(words):
    """7.3.4.2: parentheses nest unless a backslash stands before them."""
    depth, rest = 1, iter(words.encode())
    while depth and (letter := next(rest, None)):
        if letter == ord("\\"):
            next(rest, None)
        elif letter in b"()":
            depth += 1 if letter == ord("(") else -1
    assume(b"(" not in bytes(rest))  # it would begin another string
    content = pdf(b"<< /A (" + words.encode() + b"\n/JS >>")
    try:
        found = bool(flags(content))
    except Refused:  # the name has no value
        found = True
    assert found is (depth == 0)
