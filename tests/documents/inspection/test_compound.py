"""Old Word documents, and the compound files that they and embedded objects are."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc

import pytest

from leadintake.documents.inspection.compound import Compound
from leadintake.documents.inspection.findings import Flag, Refused
from tests.support.files import judged, real

DOC = real("illustrated.doc")
WITH_OBJECT = real("spreadsheet.doc")
SECTOR, END, NONE = 512, 0xFFFFFFFE, 0xFFFFFFFF
MACROS = r"^This document contains macros\. Please save it as PDF and try again\.$"


def refused(content: bytes, sentence: str = "damaged") -> None:
    with pytest.raises(Refused, match=sentence):
        judged("resume.doc", content)


def patched(content: bytes, at: int, layout: str, *values: int | bytes) -> bytes:
    changed = bytearray(content)
    struct.pack_into(layout, changed, at, *values)
    return bytes(changed)


def entry_at(content: bytes, name: str) -> int:
    """Where the list tells of this name."""
    return content.index(name.encode("utf-16-le") + b"\0\0")


def renamed(content: bytes, old: str, new: str) -> bytes:
    written = new.encode("utf-16-le") + b"\0\0"
    return patched(content, entry_at(content, old), "<64sH", written, len(written))


def text_at(content: bytes) -> int:
    """Where the stream WordDocument begins."""
    return content.index(struct.pack("<H", 0xA5EC), SECTOR)


def compound(
    *entries: tuple[str, int, int, int, int], chain: list[int] | None = None, size: int = 0
) -> bytes:
    """A compound file of these entries (name, kind, left, right, child); `chain` is its table."""
    listed = b"".join(
        struct.pack("<64sHBx3L48x", name.encode("utf-16-le"), len(name) * 2 + 2, *others)
        for name, *others in entries
    )
    listed += bytes(-len(listed) % SECTOR)
    count = len(listed) // SECTOR
    chain = chain or [*range(1, count), END]
    table = struct.pack(f"<{len(chain)}L", *chain)
    table += b"\xff" * (-len(table) % SECTOR)
    tables = range(count, count + len(table) // SECTOR)
    first = struct.pack(f"<{len(tables)}L", *tables).ljust(436, b"\xff")
    numbers = (len(tables), 0, 0, 4096, END, 0, END, 0)
    head = struct.pack("<8s16x5H10x8L", bytes.fromhex("d0cf11e0a1b11ae1"), 62, 3, 0xFFFE, 9, 6, *numbers)
    return (head + first + listed + table).ljust(size, b"\0")


def test_a_table_a_link_and_a_picture_are_nothing_to_be_warned_of():
    assert judged("resume.doc", DOC).flags == frozenset()


def test_a_document_with_a_password_is_marked():
    assert judged("resume.doc", real("locked.doc")).flags == {Flag.ENCRYPTED}
    flags = text_at(DOC) + 10
    locked = patched(DOC, flags, "<H", struct.unpack_from("<H", DOC, flags)[0] | 0x100)
    assert judged("resume.doc", locked).flags == {Flag.ENCRYPTED}


def test_an_embedded_object_is_marked_and_an_empty_place_for_some_is_not():
    assert judged("resume.doc", WITH_OBJECT).flags == {Flag.EMBEDDED}
    empty = patched(WITH_OBJECT, entry_at(WITH_OBJECT, "ObjectPool") + 76, "<L", 0xFFFFFFFF)
    assert judged("resume.doc", empty).flags == frozenset()


@pytest.mark.parametrize("name", ["Macros", "VBA", "_VBA_PROJECT", "_VBA_PROJECT_CUR", "MACROS"])
def test_macros_are_refused_wherever_they_are(name):
    refused(renamed(WITH_OBJECT, "Workbook", name), MACROS)
    refused(renamed(WITH_OBJECT, "Data", name), MACROS)


def test_macros_that_no_storage_lists_are_refused_too():
    hidden = patched(WITH_OBJECT, entry_at(WITH_OBJECT, "ObjectPool") + 76, "<L", 0xFFFFFFFF)
    refused(renamed(hidden, "Workbook", "Macros"), MACROS)


def test_a_packaged_file_is_refused():
    refused(renamed(WITH_OBJECT, "Workbook", "\x01Ole10Native"), "carries other files inside")


def test_an_object_that_is_elsewhere_is_refused():
    link = bytes.fromhex("0003000000000000c000000000000046")
    storage = entry_at(WITH_OBJECT, "_2147483647")
    refused(patched(WITH_OBJECT, storage + 80, "16s", link), "fetches content from elsewhere")


def with_text(content: bytes, words: bytes, at: int = 1024) -> bytes:
    """The document with other bytes at a place in its text."""
    return patched(content, text_at(content) + at, f"{len(words)}s", words)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
@pytest.mark.parametrize(
    "field",
    [
        '\x13DDEAUTO c:\\cmd "/k"\x14',
        "\x13 dde x\x15",
        '\x13\t"LINK" x',
        "\x13 INCLUDEPICTURE http://evil.example/x\x14",
        "\x13INCLUDETEXT\x13",
        "\x13 IMPORT\\",
        "\x13 DATABASE\r",
    ],
)
def test_a_field_that_fetches_or_starts_something_is_refused(field, encoding):
    refused(with_text(DOC, field.encode(encoding)), "fetches content from elsewhere")
    refused(with_text(real("resume.doc"), field.encode(encoding)), "fetches content from elsewhere")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le"])
@pytest.mark.parametrize(
    "words",
    [
        '\x13 HYPERLINK "http://example.com/"\x14',
        "\x13PAGE\x14",
        "\x13 EMBED Excel.Sheet.8 \x14",
        "\x13LINKED\x14",
        "\x15 link ",
    ],
)
def test_a_field_that_only_shows_something_is_taken(words, encoding):
    assert judged("resume.doc", with_text(DOC, words.encode(encoding))).flags == frozenset()


def test_a_field_is_read_across_sectors_wherever_these_lie():
    field = b"\x13DDEAUTO cmd"
    whole = with_text(DOC, field, at=2 * SECTOR - 4)
    refused(whole, "fetches content from elsewhere")
    refused(swapped(whole), "fetches content from elsewhere")


def swapped(content: bytes) -> bytes:
    """The same file with the second and third sector of its text in each other's place."""
    changed, first = bytearray(content), text_at(content) // SECTOR
    table = (struct.unpack_from("<L", content, 76)[0] + 1) * SECTOR
    second, third = first * SECTOR + SECTOR, first * SECTOR + 2 * SECTOR
    changed[second:third], changed[third : third + SECTOR] = (
        content[third : third + SECTOR],
        content[second:third],
    )
    after = struct.unpack_from("<L", content, table + (first + 1) * 4)[0]
    for sector, following in ((first - 1, first + 1), (first + 1, first), (first, after)):
        struct.pack_into("<L", changed, table + sector * 4, following)
    return bytes(changed)


def test_what_is_under_lock_is_not_taken_for_a_field():
    locked = real("locked.doc")
    assert judged("resume.doc", with_text(locked, b"\x13DDEAUTO cmd")).flags == {Flag.ENCRYPTED}


def test_a_text_without_its_magic_is_refused():
    refused(patched(DOC, text_at(DOC), "<H", 0))


def test_a_text_of_word_95_is_refused_with_what_to_do():
    refused(patched(DOC, text_at(DOC), "<H", 0xA5DC), "very old version of Word.*PDF")


def test_a_text_without_its_table_is_refused():
    refused(renamed(DOC, "1Table", "2Table"))


@pytest.mark.parametrize("kind", ["resume.txt", "Workbook"])
def test_a_compound_file_without_a_text_is_something_else(kind):
    refused(renamed(DOC, "WordDocument", kind), "This file says .doc but is something else")


def test_a_text_in_an_embedded_object_only_is_something_else():
    only_inside = renamed(renamed(WITH_OBJECT, "WordDocument", "Other"), "Workbook", "WordDocument")
    refused(only_inside, "This file says .doc but is something else")


def names_in(content: bytes) -> list[str]:
    found = Compound(io.BytesIO(content))
    return [entry.name for entry in found.inside(0)]


def test_what_a_compound_file_lists_is_found_by_its_tree():
    listed = (
        ("R", 5, NONE, NONE, 2),
        ("B", 2, NONE, NONE, NONE),
        ("A", 1, NONE, 1, 3),
        ("C", 2, NONE, NONE, NONE),
    )
    assert names_in(compound(*listed)) == ["b", "a"]


@pytest.mark.parametrize(
    "listed",
    [
        (("R", 5, NONE, NONE, 1), ("A", 2, 1, NONE, NONE)),
        (("R", 5, NONE, NONE, 1), ("A", 2, NONE, 2, NONE), ("B", 2, 1, NONE, NONE)),
        (("R", 5, NONE, NONE, 1), ("A", 1, NONE, NONE, 0)),
        (("R", 5, NONE, NONE, 1), ("A", 1, NONE, NONE, 1)),
        (("R", 5, NONE, NONE, 99),),
        (("R", 2, NONE, NONE, NONE),),
    ],
    ids=["its own brother", "brothers in a circle", "the root below", "its own child", "nobody", "no root"],
)
def test_a_tree_that_is_none_is_damage(listed):
    with pytest.raises(Refused, match="damaged"):
        names_in(compound(*listed))


def test_a_tree_as_deep_as_it_has_entries_is_no_failure():
    for deeper in (0, 2):
        listed = [("R", 5, NONE, NONE, 1)]
        for number in range(1, 4095):
            ways = [NONE, NONE, NONE]
            ways[deeper] = number + 1
            listed.append((f"S{number}", 1, *ways))
        names = names_in(compound(*listed, ("WordDocument", 2, NONE, NONE, NONE)))
        assert len(names) == (4095 if deeper == 0 else 1)


def test_a_list_of_too_many_entries_is_refused():
    with pytest.raises(Refused):
        names_in(compound(("R", 5, NONE, NONE, NONE), *[("A", 2, NONE, NONE, NONE)] * 4096))


@pytest.mark.parametrize(
    "chain",
    [[0], [1, 0], [50], [NONE], [0xFFFFFFFD], [1, 2, 3]],
    ids=["itself", "a circle", "behind the file", "nothing", "a table", "behind the table"],
)
def test_a_chain_that_does_not_end_is_damage(chain):
    root = ("R", 5, NONE, NONE, NONE)
    with pytest.raises(Refused, match="damaged"):
        names_in(compound(root, *[("", 0, NONE, NONE, NONE)] * 3, chain=chain))


@pytest.mark.parametrize(
    ("at", "layout", "value"),
    [
        (26, "<H", 5),
        (28, "<H", 0xFEFF),
        (30, "<H", 31),
        (30, "<H", 12),
        (32, "<H", 0),
        (44, "<L", 0),
        (48, "<L", 2**31),
        (48, "<L", END),
        (56, "<L", 0),
        (76, "<L", 2**31),
        (76, "<L", NONE),
    ],
)
def test_a_head_that_is_not_true_is_something_else(at, layout, value):
    refused(patched(DOC, at, layout, value), "something else, or it is damaged")


def test_a_text_that_is_not_all_there_is_damage():
    size = entry_at(DOC, "WordDocument") + 120
    for wrong in (2**31, len(DOC)):
        refused(patched(DOC, size, "<L", wrong))
    refused(patched(DOC, size - 4, "<L", 2**20))


def test_a_short_text_that_is_not_there_is_damage():
    short = real("resume.doc")
    at = entry_at(short, "WordDocument")
    assert struct.unpack_from("<L", short, at + 120)[0] < 4096
    assert judged("resume.doc", short)
    refused(patched(short, at + 116, "<L", 2**20))
    refused(patched(short, at + 120, "<L", 4095))
    root = (struct.unpack_from("<L", short, 48)[0] + 1) * SECTOR
    refused(patched(short, root + 116, "<L", END))


def test_a_text_shorter_than_its_own_beginning_is_damage():
    for length in (0, 11):
        refused(patched(DOC, entry_at(DOC, "WordDocument") + 120, "<L", length))


def test_the_upper_half_of_a_size_is_nothing_in_the_usual_version():
    """[MS-CFB] 2.6.3: some writers leave what was in memory there."""
    assert (
        judged("resume.doc", patched(DOC, entry_at(DOC, "WordDocument") + 124, "<L", NONE)).flags
        == frozenset()
    )


def test_a_hostile_compound_file_costs_neither_memory_nor_time():
    """Its tables tell of themselves, its list of sectors goes on in a circle, and it claims to be endless."""
    ten_mb = bytearray(compound(("R", 5, NONE, NONE, NONE), size=10 * 1024 * 1024))
    circle = struct.pack("<128L", *[1] * 127, 2)
    ten_mb[SECTOR * 3 : SECTOR * 4] = circle
    struct.pack_into("<L", ten_mb, 44, NONE)
    struct.pack_into("<2L", ten_mb, 68, 2, NONE)
    struct.pack_into("<109L", ten_mb, 76, *[1] * 109)
    began = time.process_time()
    tracemalloc.start()
    try:
        found = Compound(io.BytesIO(bytes(ten_mb)))
        assert tracemalloc.get_traced_memory()[1] < 14 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert found.entries[0].name == "r"
    assert time.process_time() - began < 2
