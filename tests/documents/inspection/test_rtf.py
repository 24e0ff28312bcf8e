"""An RTF document is taken when it is whole and holds nothing but words and pictures."""

from __future__ import annotations

import contextlib
import io
import struct
import time
import tracemalloc

import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from leadintake.documents.inspection import rtf as kind
from leadintake.documents.inspection.findings import Flag, Refused
from leadintake.documents.inspection.harm import TABLE, Harm
from leadintake.documents.inspection.sentences import DAMAGED, FETCHES, PACKED, PROGRAM, TOO_MUCH
from tests.documents.inspection import word as w
from tests.documents.inspection.examples import examples
from tests.documents.inspection.files import compound, inspected, macro_project, real

from .proportion import in_proportion

TEN_MB = 10 * 1024 * 1024
KEPT: frozenset[Flag] = frozenset()
PASTED = {Flag.EMBEDDED}
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
        inspected("resume.rtf", content)
    return str(refused.value)


@pytest.mark.parametrize("behind", [b"", b"\r\n", b"\x00", b" \r\n\x00\x00", b"\r\n\x1a"])
def test_white_space_behind_the_end_is_forgiven(behind):
    assert inspected("resume.rtf", real("resume.rtf") + behind) == KEPT


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
    assert inspected("resume.rtf", document(inside)) == KEPT


BY_PROGRAMS = {
    "Word for Windows": rb"""{\rtf1\adeflang1025\ansi\ansicpg1252\uc1\adeff31507\deff0
\deflang1033{\fonttbl{\f0\fbidi \froman\fcharset0\fprq2{\*\panose 02020603050405020304}Times New Roman;}}
{\colortbl;\red0\green0\blue0;}{\*\defchp \fs22}{\stylesheet{\ql \snext0 \sqformat Normal;}}
{\*\listtable{\list\listtemplateid-1{\listlevel\levelnfc23{\leveltext\'01\u-3913 ?;}{\levelnumbers;}}}}
{\*\rsidtbl \rsid1}{\mmathPr\mmathFont34}{\info{\title Resume}{\author Jane}{\*\company Doe LLP}}
{\*\xmlnstbl {\xmlns1 http://schemas.microsoft.com/office/word/2003/wordml}}
{\*\wgrffmtfilter 2450}{\*\template C:\\Users\\jane\\AppData\\Roaming\\Templates\\Normal.dotm}
{\*\passwordhash 01000000}{\*\pnseclvl1\pnucrm{\pntxta .}}
\pard {\rtlch\fcs1 \ltrch Jane Doe, Zo\'eb, \u8211\'96 }{\field\fldedit{\*\fldinst {\rtlch  HYPERLINK
"mailto:jane@example.com" }{\*\datafield 00d0c9ea79f9bace118c8200aa004ba90b0200000003000000
e0c9ea79f9bace118c8200aa004ba90b300000006d00610069006c0074006f003a006a0061006e0065004000650078002e00630000
}}{\fldrslt {\cs15\ul jane@example.com}}}\sectd
{\shp{\*\shpinst\shpleft0{\sp{\sn shapeType}{\sv 75}}{\sp{\sn pibName}{\sv me.png}}
{\sp{\sn wzDescription}{\sv https://example.com}}{\sp{\sn pib}{\sv {\pict\pngblip 89504e470d0a1a0a}}}}}
{\*\themedata 504b030414000600}{\*\colorschememapping 3c3f786d6c}{\*\latentstyles{\lsdlockedexcept Normal;}}
{\*\datastore 0105000002000000180000004d73786d6c322e534158584d4c5265616465722e362e30000000000000000000
d0cf11e0a1b11ae1}}""",
    "Word for Mac": rb"""{\rtf1\mac\ansicpg10000{\*\template Macintosh HD:Applications:Office:Normal}
{\*\template /Users/jane/Library/Group Containers/UBF8T346G9.Office/User Content/Normal.dotm}
Jane \'8e\par}""",
    "WordPad": rb"""{\rtf1\ansi\ansicpg1252\deff0\nouicompat{\fonttbl{\f0\fnil Calibri;}}
{\colortbl ;\red0\green0\blue255;}
{\*\generator Riched20 10.0.19041}\viewkind4\uc1\pard Jane {{\field{\*\fldinst
{HYPERLINK "http://example.com"}}
{\fldrslt{\ul\cf1 site}}}}\f0\par {\pntext\f1\'B7\tab}a\par{\pict{\*\picprop}\wmetafile8 0100090000}}"""
    + b"\r\n\x00",
    "TextEdit": rb"""{\rtf1\ansi\ansicpg1252\cocoartf2639\cocoatextscaling0{\fonttbl\f0\fswiss Helvetica;}
{\*\expandedcolortbl;;}{\*\listtable{\list\listtemplateid1
{\listlevel\leveltext\leveltemplateid1\'01\uc0\u8226 ;}}}
\paperw11900\f0 \cf0 Jane\
{\field{\*\fldinst{HYPERLINK "https://example.com"}}{\fldrslt site}}\uc0\u26085 \u26412 }""",
    "Google Docs": rb"""{\rtf1\ansi\ansicpg1252\uc0\stshfdbch0\deff0{\fonttbl{\f0 Arial;}}
{\*\generator Google}
{\sectd\pard{\field{\*\fldinst HYPERLINK https://example.com}{\fldrslt {site}}}{\*\bkmkstart _a}\par}}""",
    "Pandoc": rb"""{\rtf1\ansi\deff0{\fonttbl{\f0 \fswiss Helvetica;}}{\pard \ql \f0 \sa180 \li0 Jane
{\field{\*\fldinst{HYPERLINK "https://example.com"}}{\fldrslt{\ul site}}}{\super\chftn}
{\*\footnote\chftn~a}\par}}""",
    "AbiWord": rb"""{\rtf1\ansi\ansicpg1252\deff0{\*\listtable}
{\*\shppict{\pict\pngblip\bin8 """
    + b"\x89PNG\r\n\x1a\n"
    + rb"""}}{\upr{\*\bkmkstart a}{\*\ud{\*\bkmkstart b}}}{\header\pard Jane}\par}""",
}


@pytest.mark.parametrize("program", BY_PROGRAMS)
def test_what_programs_write_by_their_habits_is_kept(program):
    assert inspected("resume.rtf", BY_PROGRAMS[program]) == KEPT


@pytest.mark.parametrize(
    "inside",
    [
        b"{\\object\\objemb{\\*\\objclass Package}{\\*\\objdata 01050000}}",
        b"{\\*\\objdata 01050000}",
        b"{\\*\\objdata\\bin4 abcd}",
        b"\\OBJDATA 01",
        b"{\\object}",
        b"{\\pict 504b0304}",
    ],
)
def test_other_files_inside_are_refused(inside):
    assert refusal(document(inside)) == PACKED


@pytest.mark.parametrize(
    "inside",
    [
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
        b"{\\sp{\\sn pibName}{\\sv \\\\\\\\server\\\\a.png}}",
    ],
)
def test_what_fetches_from_elsewhere_is_refused(inside):
    assert refusal(document(inside)) == FETCHES


@pytest.mark.parametrize(
    "inside",
    [
        rb"{\pict 4d5a90000300}",
        b"{\\pict\\pngblip\r\n 4D\r\n5A 90}",
        rb"{\pict{\*\blipuid 00}7f454c46}",
        b"{\\pict " + b" " * 70_000 + b"4d5a}",
        b"{\\pict\\bin4 MZ\x90\x00}",
        rb"{\*\unknown{\pict 4d5a}}",
    ],
)
def test_programs_inside_are_refused(inside):
    assert refusal(document(inside)) == PROGRAM


@pytest.mark.parametrize(
    "inside",
    [
        rb"{\*\template http://example.com/a.dotm}",
        b"{\\*\\template " + UNICODE + b"}",
        rb"{\*\template \u8203?http://example.com/a.dotm}",
        rb"{\*\template ht\u173?t\u-257?p://example.com/a.dotm}",
        b"{\\*\\template{\\uc0 " + UNICODE.replace(b"?", b"") + b"}}",
        rb"{\*\template \'68ttp{s}://example.com/a}",
        rb"{\*\template \\\\server\\share\\a.dotm}",
        rb"{\template //server/share/a.dotm}",
        rb"{\*\template file://server/a.dotm}",
        b"{\\*\\template " + b" " * 70_000 + b"http://example.com/a}",
    ],
)
def test_a_template_elsewhere_is_refused(inside):
    assert refusal(document(inside)) == TABLE[Harm.TEMPLATE].sentence


@pytest.mark.parametrize(
    "name",
    [
        rb"C:\\Users\\jane\\Templates\\Resume.dotx",
        rb"Normal.dotm",
        rb"Macintosh HD:Users:jane:Normal.dotm",
        rb"/Users/jane/Library/Group Containers/UBF8T346G9.Office/Normal.dotm",
        rb"file:////Users/jane/Normal.dotm",
        rb"file:///C:/Templates/a.dot",
        rb"C:\\Users\\Zo\'eb\\a.dot",
        rb"",
    ],
)
def test_a_template_on_the_own_disk_is_kept(name):
    assert inspected("resume.rtf", document(b"{\\*\\template " + name + b"}")) == KEPT


ADDRESSES = [
    (rb"{\*\template %b}", Harm.TEMPLATE),
    (rb"{\*\nextfile %b}", Harm.OTHER_MACHINE),
    (rb"{\*\filetbl{\file\fid0\fnetwork %b}}", Harm.OTHER_MACHINE),
    (rb"{\*\mailmerge{\mmdatasource %b}}", Harm.MAIL_MERGE),
    (rb"{\*\mailmerge{\mmheadersource %b}}", Harm.MAIL_MERGE),
    (rb"{\*\mailmerge{\mmodso{\mmodsosrc %b}}}", Harm.MAIL_MERGE),
    (rb"{\*\mailmerge{\mmconnectstr Provider=x;Data Source=%b;Mode=Read}}", Harm.MAIL_MERGE),
    (rb"{\*\mailmerge{\mmodso{\mmodsoudl Data Source=%b}}}", Harm.MAIL_MERGE),
    (rb"{\sp{\sn pibName}{\sv %b}}", Harm.OTHER_MACHINE),
    (rb"{\sp{\sn pibPrintName}{\sv %b}}", Harm.OTHER_MACHINE),
    (rb"{\*\background{\shp{\*\shpinst{\sp{\sn fillBlipName}{\sv %b}}}}}", Harm.OTHER_MACHINE),
    (rb"{\sp{\sn pihlShape}{\sv {\*\hl{\hlloc }{\hlsrc %b}{\hlfr x}}}}", Harm.LINK_TO_MACHINE),
    (rb"{\info{\hlinkbase %b}}", Harm.LINK_TO_MACHINE),
    (rb'{\field{\*\fldinst HYPERLINK "%b"}{\fldrslt a}}', Harm.LINK_TO_MACHINE),
    (rb'{\field{\*\fldinst INCLUDEPICTURE \\d "%b"}{\fldrslt a}}', Harm.OTHER_MACHINE),
]


@pytest.mark.parametrize(("layout", "harm"), ADDRESSES, ids=[str(layout) for layout, _ in ADDRESSES])
def test_an_address_on_another_machine_is_refused_wherever_it_stands(layout, harm):
    assert inspected("resume.rtf", document(layout % rb"C:\\Users\\jane\\a.dat")) == KEPT
    for address in (rb"\\\\server\\share\\a", b"//server/share/a", b"file://server/a"):
        assert refusal(document(layout % address)) == TABLE[harm].sentence
        letters = address.replace(rb"\\", b"\\")
        for spelling in (b"\\u%d?", b"\\'%02x", b"{\\b \\u%d ?}"):
            spelled = b"".join(spelling % letter for letter in letters)
            assert refusal(document(layout % spelled)) == TABLE[harm].sentence


@pytest.mark.parametrize(
    "inside",
    [
        field(rb'INCLUDEPICTURE "http://example.com/a.png" \\* MERGEFORMAT'),
        field(rb'{\rtlch  includepicture "https://example.com/a.png"}'),
        rb"{\sp{\sn pibName}{\sv http://example.com/a.png}}",
        rb"{\sp{\sn fillBlipName}{\sv http://example.com/a.png}}",
        rb"{\*\filetbl{\file\fid0 http://example.com/a.png}}",
    ],
)
def test_a_picture_from_the_web_is_warned_of(inside):
    assert inspected("resume.rtf", document(inside)) == {Flag.REACHES_OUT}


def test_a_link_that_starts_a_program_is_refused_and_one_of_another_scheme_warned_of():
    program = TABLE[Harm.LINK_TO_PROGRAM].sentence
    assert refusal(document(field(b'HYPERLINK "ms-word:ofe|u|http://x"'))) == program
    assert refusal(document(rb"{\*\hl{\hlsrc search-ms:q}}")) == program
    assert inspected("resume.rtf", document(field(b"HYPERLINK gopher://x"))) == {Flag.UNUSUAL_LINK}


def test_a_link_is_judged_by_what_is_kept_beside_its_field_too():
    def with_data(kept: bytes) -> bytes:
        digits = b"00" + kept.hex().encode()
        return document(field(b'{HYPERLINK "http://example.com"}{{\\*\\datafield \r\n' + digits + b"}}"))

    assert inspected("resume.rtf", with_data(w.link("http://example.com"))) == KEPT
    assert refusal(with_data(w.link("ms-msdt:/id"))) == TABLE[Harm.LINK_TO_PROGRAM].sentence
    assert refusal(with_data(w.link(path="\\\\server\\a"))) == TABLE[Harm.LINK_TO_MACHINE].sentence


def test_what_is_said_twice_for_old_and_new_readers_is_refused_where_it_would_be_followed():
    for inside in (
        field(rb"{\upr{PAGE}{\*\ud{DDEAUTO cmd}}}"),
        rb"{\*\template {\upr{Normal.dot}{\*\ud{http://example.com/a}}}}",
    ):
        assert refusal(document(inside)) == FETCHES
    assert inspected("resume.rtf", document(rb"{\upr{\*\bkmkstart a}{\*\ud{\*\bkmkstart b}}}")) == KEPT


def test_data_of_a_mail_merge_kept_as_digits_are_read():
    for encoding in ("utf-16-le", "cp1252"):
        digits = "Provider=x;Data Source=\\\\server\\a.mdb;".encode(encoding).hex().encode()
        for word in (b"mmconnectstrdata", b"mmodsoudldata"):
            inside = b"{\\*\\mailmerge{\\*\\" + word + b" " + digits + b"}}"
            assert refusal(document(inside)) == TABLE[Harm.MAIL_MERGE].sentence


def ole1(name: bytes, native: bytes, form: int = 2) -> bytes:
    """The data of an object, [MS-OLEDS] 2.2.5."""
    named = struct.pack("<L", len(name) + 1) + name + b"\0"
    return struct.pack("<LL", 0x501, form) + named + bytes(8) + struct.pack("<L", len(native)) + native


def holding(data: bytes, words: bytes = rb"\objemb") -> bytes:
    """A document with an object of this data."""
    digits = b"\r\n".join(data[at : at + 40].hex().encode() for at in range(0, len(data), 40))
    return document(rb"{\object%b{\*\objdata %b}{\result{\pict 00}}}" % (words, digits + b"\r\n"))


BOOK = {"Workbook": struct.pack("<HH", 10, 0)}
EXCEL = bytes.fromhex("2008020000000000c000000000000046")
EQUATION = bytes.fromhex("02ce020000000000c000000000000046")
WITH_CODE = BOOK | macro_project({"a": "Sub a()\r\nEnd Sub"}, at="Macros/")


@pytest.mark.parametrize(
    "data",
    [
        ole1(b"PBrush", b"BM" + bytes(60)),
        ole1(b"Paint.Picture", b"BM" + bytes(60)),
        ole1(b"StaticDib", b"x", form=3),
        ole1(b"StaticMetafile", b"x", form=3),
        ole1(b"METAFILEPICT", b"x", form=5),
        ole1(b"Excel.Sheet.8", compound(BOOK, {"": EXCEL})),
        ole1(b"Word.Document.8", w.word("Jane")),
    ],
)
def test_a_pasted_picture_and_content_of_an_office_suite_are_warned_of(data):
    assert inspected("resume.rtf", holding(data)) == PASTED
    assert inspected("resume.rtf", holding(data, rb"\objemb{\*\objclass PBrush}\objw100\objh9")) == PASTED


@pytest.mark.parametrize(
    ("data", "harm"),
    [
        (ole1(b"Package", b"\x02\0setup.exe\0"), Harm.PACKED_FILE),
        (ole1(b"AcroExch.Document", b"%PDF-1.4"), Harm.PACKED_FILE),
        (ole1(b"PBrush", b"MZ" + bytes(60)), Harm.PACKED_FILE),
        (ole1(b"Excel.Sheet.8", b"PK\x03\x04"), Harm.PACKED_FILE),
        (ole1(b"", b"BM"), Harm.PACKED_FILE),
        (ole1(b"PBrush", b"BM")[:-1], Harm.PACKED_FILE),
        (ole1(b"x" * 300, b"BM"), Harm.PACKED_FILE),
        (ole1(b"PBrush", b"BM", form=7), Harm.PACKED_FILE),
        (b"", Harm.PACKED_FILE),
        (ole1(b"Equation.3", b"x"), Harm.EQUATION),
        (ole1(b"eQuAtiOn.2", b"x"), Harm.EQUATION),
        (ole1(b"Excel.Sheet.8", b"x", form=1), Harm.DATA_LINK),
        (ole1(b"OLE2Link", b"x"), Harm.DATA_LINK),
        (ole1(b"htmlfile", b"x"), Harm.OTHER_FORMAT),
        (ole1(b"Forms.TextBox.1", b"x"), Harm.CONTROL),
        (ole1(b"Excel.Sheet.8", compound({"Equation Native": b"x"} | BOOK, {"": EXCEL})), Harm.EQUATION),
        (ole1(b"Excel.Sheet.8", compound(BOOK, {"": EQUATION})), Harm.EQUATION),
        (ole1(b"Excel.Sheet.8", compound(BOOK, {"": b"x" * 16})), Harm.PACKED_FILE),
        (ole1(b"Excel.Sheet.8", compound(WITH_CODE, {"": EXCEL})), Harm.MACROS),
        (ole1(b"Word.Document.8", w.word(w.field("DDE a"))), Harm.DATA_LINK),
        (ole1(b"Word.Document.8", w.word("a", tables={w.NAMES: w.names("", "http://x/a")})), Harm.TEMPLATE),
    ],
)
def test_an_object_of_another_kind_is_refused_for_what_it_is(data, harm):
    assert refusal(holding(data)) == TABLE[harm].sentence


@pytest.mark.parametrize(
    ("words", "harm"),
    [
        (rb"\objautlink", Harm.DATA_LINK),
        (rb"\objlink", Harm.DATA_LINK),
        (rb"\objemb\objupdate", Harm.DATA_LINK),
        (rb"\OBJUPDATE", Harm.DATA_LINK),
        (rb"\objsub", Harm.DATA_LINK),
        (rb"\objpub", Harm.DATA_LINK),
        (rb"\objocx", Harm.CONTROL),
        (rb"\objhtml", Harm.OTHER_FORMAT),
        (rb"\objemb{\*\objclass Package}", Harm.PACKED_FILE),
        (rb"\objemb{\*\objclass Equation.3}", Harm.EQUATION),
        (rb"\objemb{\*\objclass{Equ}{ation.3}}", Harm.EQUATION),
        (rb"\objemb{\*\oleclsid \'7b0002CE02-0000-0000-C000-000000000046\'7d}", Harm.EQUATION),
        (rb"\objemb{\*\oleclsid \{0002CE02-0000-0000-C000-000000000046\}}", Harm.EQUATION),
        (rb"\objemb{\*\oleclsid what}", Harm.PACKED_FILE),
    ],
)
def test_what_is_said_of_an_object_is_believed(words, harm):
    assert refusal(holding(ole1(b"PBrush", b"BM" + bytes(60)), words)) == TABLE[harm].sentence


@pytest.mark.parametrize("word", [rb"\objautlink", rb"\*\*\objlink", rb"{\*\a{\*\b{\objupdate}}}"])
def test_words_of_objects_are_believed_where_no_object_is(word):
    assert refusal(document(word)) == FETCHES


ODD = [b"{}", rb"{\*\a}", rb"\bin1 x", rb"\'41", rb"\a", b"x", rb"\*", rb"{\object}", b"\\\r\n", rb"\u48?"]


@pytest.mark.parametrize("odd", ODD)
def test_data_of_an_object_that_are_not_plain_digits_are_refused(odd):
    digits = ole1(b"PBrush", b"BM" + bytes(60)).hex().encode()
    for at in (0, 1, 20, len(digits)):
        inside = rb"{\object\objemb{\*\objdata %b}}" % (digits[:at] + odd + digits[at:])
        assert refusal(document(inside)) == PACKED


def test_objects_cost_no_more_than_one_document_may():
    one = rb"{\object{\*\objdata %b}}" % ole1(b"PBrush", b"BM").hex().encode()
    assert inspected("resume.rtf", document(one * 100)) == PASTED
    assert refusal(document(one * 2000)) == TOO_MUCH


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


@pytest.mark.measures_cpu
@pytest.mark.parametrize("begin", [b"", b"{\\*\\fldinst ", b"{\\pict "], ids=["text", "field", "picture"])
@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
def test_the_worst_document_costs_in_proportion_to_its_size(unit, begin):
    def cost(size: int) -> float:
        content = document(begin + unit * (size // len(unit)))
        return _seconds(content)

    assert in_proportion(cost, 40_000, 80_000, least=0.02)


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
        assert kind.inspect(stream) == KEPT
        assert tracemalloc.get_traced_memory()[1] < 1.4 * TEN_MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["resume.rtf", "illustrated.rtf"])
@examples(80)
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
        assert kind.inspect(io.BytesIO(bytes(content))) <= {Flag.UNREAD}
