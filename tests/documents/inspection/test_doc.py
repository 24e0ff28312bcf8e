"""Old Word documents: their text in the order of its pieces, and the other files they name."""

from __future__ import annotations

import contextlib
import struct
import time

import pytest

from leadintake.documents.inspection.findings import Flag, Refused
from leadintake.documents.inspection.harm import TABLE, Harm
from leadintake.documents.inspection.sentences import DAMAGED, LOCKED, TOO_MUCH, TOO_OLD
from tests.documents.inspection import word as w
from tests.documents.inspection.files import compound, inspected, real
from tests.documents.inspection.word import field, link, names, properties, word

from .proportion import in_proportion

KEPT: frozenset[Flag] = frozenset()
FETCHES = TABLE[Harm.DATA_LINK].sentence
OTHER_MACHINE = TABLE[Harm.OTHER_MACHINE].sentence
ELSEWHERE = ["\\\\server\\share\\a", "//server/share/a", "file://server/a", "file:///\\\\server\\a"]
OWN_DISK = [
    "C:\\Users\\jane\\Templates\\Resume.dot",
    "Normal.dot",
    "Normal.dotm",
    "Macintosh HD:Users:jane:Library:Normal.dotm",
    "/Users/jane/Library/Group Containers/UBF8T346G9.Office/Normal.dotm",
    "file:///C:/Templates/Resume.dot",
    "file:////Users/jane/Normal.dot",
    "",
]


def flags(content: bytes) -> frozenset[Flag]:
    return inspected("resume.doc", content)


def refusal(content: bytes) -> str:
    with pytest.raises(Refused) as refused:
        flags(content)
    return str(refused.value)


@pytest.mark.parametrize("name", ["resume.doc", "illustrated.doc"])
def test_what_a_word_processor_writes_is_kept(name):
    assert flags(real(name)) == KEPT


FETCHING = [
    'DDEAUTO c:\\cmd "/k"',
    " dde x",
    '\t"LINK" x',
    "INCLUDETEXT a.doc",
    ' IMPORT "C:\\\\a.png"',
    " DATABASE",
    "rd a.doc",
    "INCLUDE a.doc",
    "DDE\xad x",
]


@pytest.mark.parametrize("instruction", FETCHING)
def test_a_field_that_fetches_is_refused_in_every_kind_of_piece(instruction):
    assert refusal(word("Jane", field(instruction))) == FETCHES
    assert refusal(word(b"Jane", field(instruction).encode("cp1252"))) == FETCHES


@pytest.mark.parametrize("cut", range(1, 12, 2))
def test_an_instruction_is_read_across_pieces_wherever_these_lie(cut):
    whole = field("DDEAUTO cmd /k")
    assert refusal(word("Jane ", whole[:cut], whole[cut:].encode(), " Doe")) == FETCHES
    assert refusal(word(whole[:cut].encode(), whole[cut : cut + 1], whole[cut + 1 :])) == FETCHES


def test_a_text_that_no_piece_shows_is_no_text():
    content = word("Jane Doe, several pieces", b"and more of them")
    at = content.index("Jane".encode("utf-16-le"))
    assert flags(content) == KEPT
    hidden = bytearray(content)
    beside = b"\x13DDEAUTO cmd \x14xx\x15"
    hidden[at + 200 : at + 200 + len(beside)] = beside
    assert flags(bytes(hidden)) == KEPT


@pytest.mark.parametrize(
    "text",
    [
        field(" PAGE "),
        field(" EMBED Excel.Sheet.8 "),
        field("LINKED"),
        field("MACROBUTTON NoMacro [Click here]"),
        field('TOC \\o "1-3"', field(' HYPERLINK \\l "_Toc1"', field(" PAGEREF _Toc1 \\h ", "3"))),
        field(f'IF {field("MERGEFIELD a")} = 1 "link" "import"'),
        field("= 1 + " + field("REF x", "2")),
        field("ADDIN ZOTERO_ITEM " + "{}" * 20_000),
        "\x15 link \x14 dde \x15",
        "a link, a dde, database",
        field(' HYPERLINK "http://example.com/dde"'),
        field(' HYPERLINK "mailto:jane@example.com" \\o "Note: write to me"'),
        field(' HYPERLINK \u201cftp://example.com\u201d \\t "_blank"'),
        field(' HYPERLINK "C:\\\\Users\\\\jane\\\\portfolio.doc"'),
        field(' HYPERLINK "portfolio.doc"'),
        field(' INCLUDEPICTURE "C:\\\\Users\\\\jane\\\\me.png" \\* MERGEFORMAT \\d'),
        field(' INCLUDEPICTURE "Macintosh HD:Users:jane:me.png"'),
        field(' INCLUDEPICTURE "me.png"'),
        field(' INCLUDEPICTURE "cid:image001.png@01D5"'),
    ],
)
def test_a_field_that_only_shows_something_or_links_to_it_is_kept(text):
    assert flags(word(text)) == KEPT
    assert flags(word(text.encode("cp1252"))) == KEPT


@pytest.mark.parametrize("switches", ["", " \\d", " \\* MERGEFORMAT", ' \\c "PNG"'])
def test_a_picture_from_the_web_is_warned_of_and_one_from_another_machine_refused(switches):
    web = f'INCLUDEPICTURE{switches} "http://example.com/a.png"{switches}'
    assert flags(word(field(web))) == {Flag.REACHES_OUT}
    for address in ("\\\\\\\\server\\\\a.png", "\\\\server\\a.png", "//server/a.png", "file://server/a.png"):
        assert refusal(word(field(f'INCLUDEPICTURE{switches} "{address}"'))) == OTHER_MACHINE
        assert refusal(word(field(f"INCLUDEPICTURE{switches} {address}"))) == OTHER_MACHINE


@pytest.mark.parametrize("address", ELSEWHERE)
def test_a_link_to_a_file_of_another_machine_is_refused(address):
    escaped = address.replace("\\", "\\\\")
    assert refusal(word(field(f'HYPERLINK "{escaped}"'))) == TABLE[Harm.LINK_TO_MACHINE].sentence


@pytest.mark.parametrize("address", ["ms-word:ofe|u|http://x", "ms-msdt:/id x", "search-ms:q", "macro:///a"])
def test_a_link_that_starts_a_program_is_refused(address):
    assert refusal(word(field(f'HYPERLINK "{address}"'))) == TABLE[Harm.LINK_TO_PROGRAM].sentence


def test_a_link_of_another_scheme_is_warned_of():
    assert flags(word(field('HYPERLINK "gopher://example.com"'))) == {Flag.UNUSUAL_LINK}


def test_a_control_in_the_text_is_refused():
    assert refusal(word(field("CONTROL Forms.TextBox.1 \\s"))) == TABLE[Harm.CONTROL].sentence


def test_an_instruction_built_by_fields_within_is_read_as_they_say_and_as_they_are_stored():
    for built in (
        field("QUOTE 68 68 69", "") + " cmd",
        field('QUOTE "DD"', "") + "EAUTO cmd",
        field("REF a", "DDE") + " cmd",
        "D" + field("SET a b", "") + "DE cmd",
        field(field("QUOTE 68", "") + field("QUOTE 68 69", ""), field("REF x", "DDE")) + " cmd",
    ):
        assert refusal(word(field(built))) == FETCHES
    address = 'INCLUDEPICTURE "' + field("QUOTE 92 92 115 92 97", "") + '"'
    assert refusal(word(field(address))) == OTHER_MACHINE


def test_what_only_word_can_tell_is_not_kept_without_a_word():
    assert flags(word(field(field("DOCVARIABLE a", "") + " cmd"))) == {Flag.UNREAD}
    assert refusal(word(field(f'INCLUDEPICTURE "{field("DOCVARIABLE a", "")}"'))) == OTHER_MACHINE
    assert flags(word(field(f'HYPERLINK "mailto:{field("MERGEFIELD a")}"'))) == {Flag.UNUSUAL_LINK}


def test_a_field_is_known_by_its_number_in_whatever_language_it_is_written():
    for number, refused in ((46, True), (56, True), (33, False), (88, False)):
        table = struct.pack("<4L6B", 0, 5, 9, 10, 0x13, number, 0x94, 0xFF, 0x15, 0x80)
        content = word(field("VERKNÜPFUNG a"), tables={16: table})
        assert refusal(content) == FETCHES if refused else flags(content) == KEPT


def test_fields_far_behind_and_unended_ones_are_read():
    assert refusal(word("x" * 200_000, field("DDE a"))) == FETCHES
    assert refusal(word("\x13 PAGE \x13 DDE a")) == FETCHES
    assert refusal(word("\x13" + " " * 100_000 + "DDE a\x14")) == FETCHES


@pytest.mark.parametrize("name", OWN_DISK)
def test_a_template_on_the_own_disk_is_kept(name):
    assert flags(word("Jane", tables={w.NAMES: names("", name, "Resume", "", "", "", "Jane")})) == KEPT


@pytest.mark.parametrize("name", [*ELSEWHERE, "http://example.com/a.dotm", "https://example.com/a"])
def test_a_template_elsewhere_is_refused(name):
    assert refusal(word("Jane", tables={w.NAMES: names("", name)})) == TABLE[Harm.TEMPLATE].sentence


@pytest.mark.parametrize("number", [8, 9])
@pytest.mark.parametrize("name", [*ELSEWHERE, "http://example.com/a.csv"])
def test_a_mail_merge_is_refused_unless_its_data_are_on_the_own_disk(number, name):
    here, there = names(*[""] * number, "C:\\data.csv"), names(*[""] * number, name)
    assert flags(word("Jane", tables={w.NAMES: here})) == KEPT
    assert refusal(word("Jane", tables={w.NAMES: there})) == TABLE[Harm.MAIL_MERGE].sentence


@pytest.mark.parametrize(
    ("number", "said", "is_here"),
    [
        (0, "Provider=Microsoft.ACE.OLEDB.12.0;Data Source=C:\\data.xlsx;Mode=Read", True),
        (0, "Provider=Microsoft.ACE.OLEDB.12.0;Data Source=\\\\server\\data.xlsx;Mode=Read", False),
        (0, "Driver={SQL Server};Server=db.example.com;Database=x", False),
        (0, "Driver={SQL Server};Server=(local);Database=x", True),
        (2, "C:\\data.xlsx", True),
        (2, "\\\\server\\data.xlsx", False),
        (1, "Sheet1$", True),
    ],
)
def test_newer_data_of_a_mail_merge_are_judged_by_their_place(number, said, is_here):
    value = said.encode("utf-16-le")
    small = struct.pack("<HHL", 0x10, 4, 0) + struct.pack("<HH", number, len(value)) + value
    large = struct.pack("<HHL", number, 0xFFFF, len(value)) + value
    for table in (small, large):
        content = word("Jane", tables={w.MERGE: table})
        assert flags(content) == KEPT if is_here else refusal(content) == TABLE[Harm.MAIL_MERGE].sentence


@pytest.mark.parametrize("name", ELSEWHERE)
def test_other_files_that_a_document_names_are_judged_by_their_place(name):
    assert flags(word("Jane", tables={w.FILES: names("C:\\a.doc", "a.png", extra=8)})) == KEPT
    assert flags(word("Jane", tables={w.FILES: names("http://example.com/a.png", extra=8)})) == {
        Flag.REACHES_OUT
    }
    assert refusal(word("Jane", tables={w.FILES: names("a.png", name, extra=8)})) == OTHER_MACHINE


@pytest.mark.parametrize("number", [0x105, 0x109, 0x187, 0x1C7])
@pytest.mark.parametrize("place", ["tables", "data"])
def test_a_picture_by_address_in_a_drawing_is_judged_by_its_place(number, place):
    def document(address: str) -> bytes:
        drawing = b"\x0f\x00\x02\xf0" + bytes(9) + properties((0x380, "Picture 1: me"), (number, address))
        if place == "tables":
            return word("Jane", tables={w.DRAWINGS: drawing})
        return word("Jane", more={"Data": drawing.ljust(5000, b"\0")})

    assert flags(document("C:\\Users\\jane\\me.png")) == KEPT
    assert flags(document("https://example.com/a.png")) == {Flag.REACHES_OUT}
    assert refusal(document("\\\\server\\share\\a.png")) == OTHER_MACHINE


def test_a_link_kept_beside_its_field_is_judged():
    def document(kept: bytes) -> bytes:
        return word("Jane", more={"Data": b"\x44\0\0\0" + kept.ljust(5000, b"\0")})

    for harmless in ("http://example.com/", "mailto:jane@example.com", "tel:+1"):
        assert flags(document(link(harmless))) == KEPT
    assert flags(document(link(path="C:\\Users\\jane\\a.doc"))) == KEPT
    assert flags(document(link(path="a.doc"))) == KEPT
    assert flags(document(link("gopher://example.com"))) == {Flag.UNUSUAL_LINK}
    assert refusal(document(link("ms-msdt:/id"))) == TABLE[Harm.LINK_TO_PROGRAM].sentence
    machine = TABLE[Harm.LINK_TO_MACHINE].sentence
    assert refusal(document(link("file://server/a"))) == machine
    assert refusal(document(link(path="\\\\server\\share\\a.doc"))) == machine
    assert refusal(document(link("http://a.example") + link("file://server/a"))) == machine


def test_a_document_with_a_password_is_refused_with_advice():
    assert refusal(real("locked.doc")) == LOCKED
    assert refusal(word("Jane", flags=0x300)) == LOCKED
    assert refusal(word("Jane", flags=0x8300)) == LOCKED
    assert refusal(word("Jane", more={"\tDRMContent": b"x"})) == LOCKED


@pytest.mark.parametrize("magic", [0xA5DC, 0xA59B])
def test_a_text_of_an_older_word_is_refused_with_what_to_do(magic):
    content = word("Jane")
    assert refusal(content.replace(b"\xec\xa5", struct.pack("<H", magic), 1)) == TOO_OLD


def changed(content: bytes, old: bytes, new: bytes) -> bytes:
    assert content.count(old) == 1
    return content.replace(old, new)


def broken(**tables: bytes) -> bytes:
    return word("Jane Doe", tables={w.PIECES: tables["pieces"]})


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"\x01",
        b"\x01\xff\xff" + b"\x02\x10\0\0\0" + bytes(16),
        b"\x02\x10\0\0\0" + bytes(15),
        b"\x02\x11\0\0\0" + bytes(17),
        b"\x02\x04\0\0\0" + bytes(4),
        b"\x03" + bytes(30),
        w.piece_table([(5000, 2048)]),
        w.piece_table([(10, 1 << 29)]),
        w.piece_table([(10, 2048)])[:-12] + bytes(4),
        w.piece_table([(9, 2048), (9, 2048)]).replace(struct.pack("<L", 9), struct.pack("<L", 99)),
    ],
)
def test_a_document_whose_pieces_cannot_be_told_is_damaged(table):
    assert refusal(broken(pieces=table)) == DAMAGED


def test_pieces_that_lie_on_each_other_are_read_only_so_often():
    assert (
        refusal(word("Jane", tables={w.PIECES: w.piece_table([(1000, 1 << 30 | 4096)] * 1000)})) == TOO_MUCH
    )
    assert refusal(word("Jane", tables={w.PIECES: w.piece_table([(0, 2048)] * 50_001)})) == TOO_MUCH


@pytest.mark.parametrize("at", [0, 32, 62, 152])
def test_a_block_that_is_not_true_is_damaged(at):
    streams = w.text_streams("Jane")
    block = bytearray(streams["WordDocument"])
    struct.pack_into("<H", block, at, 0xFFF0)
    assert refusal(compound(streams | {"WordDocument": bytes(block)})) == DAMAGED
    assert refusal(compound(streams | {"WordDocument": bytes(block[:20])})) == DAMAGED


def test_a_text_without_its_tables_is_damaged():
    streams = w.text_streams("Jane")
    assert refusal(compound({"WordDocument": streams["WordDocument"]})) == DAMAGED
    assert refusal(compound(streams | {"1Table": b"x" * 20})) == DAMAGED
    assert refusal(word("Jane", tables={w.NAMES: names("", "a")[:-1]})) != KEPT


def test_building_blocks_of_a_template_are_read_too():
    streams = w.text_streams("Jane")
    for text, refused in ((field("DDE a"), True), (field("PAGE"), False)):
        at = 8192
        content = text.encode("utf-16-le")
        table = w.piece_table([(len(text), at + 3072)])
        stream = streams["1Table"]
        head, _ = w.block({})
        head = bytearray(head)
        struct.pack_into("<LL", head, 154 + 8 * w.PIECES, len(stream), len(table))
        first = bytearray(streams["WordDocument"])
        struct.pack_into("<H", first, 8, at // 512)
        whole = bytes(first).ljust(at, b"\0") + bytes(head).ljust(3072, b"\0") + content
        document = compound({"WordDocument": whole, "1Table": stream + table})
        assert refusal(document) == FETCHES if refused else flags(document) == KEPT


def cost(content: bytes) -> float:
    begun = time.thread_time()
    with contextlib.suppress(Refused):
        flags(content)
    return time.thread_time() - begun


WORST = {
    "begins": "\x13",
    "fields": "\x13A\x15",
    "nested": "\x13" * 100 + "a" * 100 + "\x15" * 100,
    "fields within one": "\x13A B\x14" + "C" * 40 + "\x15",
    "text": "ab ",
    "instructions": '\x13 HYPERLINK "http://a.example/" \\o "b" \x14c\x15',
    "quotes": '\x13"',
    "switches": "\x13INCLUDEPICTURE" + " \\d" * 1000 + "\x15",
    "quoted": "\x13 QUOTE" + " 68" * 1000 + "\x15",
}


@pytest.mark.measures_cpu
@pytest.mark.parametrize("begin", ["", "\x13 IF "], ids=["text", "field"])
@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
def test_a_text_costs_in_proportion_to_its_length(unit, begin):
    small, large = (word(begin + unit * (n // len(unit))) for n in (20_000, 40_000))
    assert in_proportion(cost, small, large, least=0.02)


@pytest.mark.measures_cpu
@pytest.mark.parametrize(
    "unit",
    [
        properties((0x105, "C:\\a.png")),
        properties()[:8] * 3,
        link("http://a"),
        w.properties((0x105, ""))[:20],
    ],
)
def test_drawings_cost_in_proportion_to_their_size(unit):
    small, large = (word("Jane", more={"Data": unit * (n // len(unit))}) for n in (50_000, 100_000))
    assert in_proportion(cost, small, large, least=0.02)
