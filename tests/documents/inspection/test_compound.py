"""Compound files: what they list is found by their tree, their bytes by their chains."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc

import pytest

from leadintake.documents.inspection.compound import Compound, Entry
from leadintake.documents.inspection.findings import Refused
from tests.documents.inspection.files import compound as packed
from tests.documents.inspection.files import inspected, real

from .proportion import in_proportion

DOC = real("illustrated.doc")
SECTOR, END, NONE = 512, 0xFFFFFFFE, 0xFFFFFFFF


def refused(content: bytes, sentence: str = "damaged") -> None:
    with pytest.raises(Refused, match=sentence):
        inspected("resume.doc", content)


def patched(content: bytes, at: int, layout: str, *values: int | bytes) -> bytes:
    changed = bytearray(content)
    struct.pack_into(layout, changed, at, *values)
    return bytes(changed)


def entry_at(content: bytes, name: str) -> int:
    """Where the list tells of this name."""
    return content.index(name.encode("utf-16-le") + b"\0\0")


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


def names_in(content: bytes) -> list[str]:
    found = Compound(io.BytesIO(content))
    return [entry.name for entry in found.children(0)]


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
    refused(patched(DOC, at, layout, value), "nothing")


def test_a_text_that_is_not_all_there_is_damage():
    size = entry_at(DOC, "WordDocument") + 120
    for wrong in (2**31, len(DOC)):
        refused(patched(DOC, size, "<L", wrong))
    refused(patched(DOC, size - 4, "<L", 2**20))


def test_a_short_text_that_is_not_there_is_damage():
    short = real("resume.doc")
    at = entry_at(short, "WordDocument")
    assert struct.unpack_from("<L", short, at + 120)[0] < 4096
    assert inspected("resume.doc", short) == frozenset()
    refused(patched(short, at + 116, "<L", 2**20))
    refused(patched(short, at + 120, "<L", 4095))
    root = (struct.unpack_from("<L", short, 48)[0] + 1) * SECTOR
    refused(patched(short, root + 116, "<L", END))


def test_a_text_shorter_than_its_own_beginning_is_damage():
    for length in (0, 11):
        refused(patched(DOC, entry_at(DOC, "WordDocument") + 120, "<L", length))


def test_the_upper_half_of_a_size_is_nothing_in_the_usual_version():
    """[MS-CFB] 2.6.3: some writers leave what was in memory there."""
    content = patched(DOC, entry_at(DOC, "WordDocument") + 124, "<L", NONE)
    assert inspected("resume.doc", content) == frozenset()


def test_a_hostile_compound_file_costs_neither_memory_nor_time():
    """Its tables tell of themselves, its list of sectors goes on in a circle, and it claims to be endless."""
    ten_mb = bytearray(compound(("R", 5, NONE, NONE, NONE), size=10 * 1024 * 1024))
    circle = struct.pack("<128L", *[1] * 127, 2)
    ten_mb[SECTOR * 3 : SECTOR * 4] = circle
    struct.pack_into("<L", ten_mb, 44, NONE)
    struct.pack_into("<2L", ten_mb, 68, 2, NONE)
    struct.pack_into("<109L", ten_mb, 76, *[1] * 109)
    stream = io.BytesIO(bytes(ten_mb))
    tracemalloc.start()
    try:
        found = Compound(stream)
        assert tracemalloc.get_traced_memory()[1] < 14 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert found.entries[0].name == "r"


def test_a_file_on_the_disk_is_mapped_and_not_read(tmp_path):
    path = tmp_path / "resume.doc"
    path.write_bytes(compound(("R", 5, NONE, NONE, NONE), size=10 * 1024 * 1024))
    with path.open("rb") as stream:
        tracemalloc.start()
        try:
            assert Compound(stream).entries[0].name == "r"
            assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
        finally:
            tracemalloc.stop()


def streams_in(found: Compound) -> dict[str, Entry]:
    return {entry.name: entry for entry in found.children(0)}


def test_streams_are_read_in_pieces_from_wherever_they_lie():
    long, short = bytes(range(256)) * 40, b"short" * 20
    found = Compound(io.BytesIO(packed({"long": long, "short": short, "empty": b""})))
    entries = streams_in(found)
    for name, content in (("long", long), ("short", short), ("empty", b"")):
        opened = found.open(entries[name])
        assert opened.all() == found.content(entries[name]) == content
        assert opened.read(37, 500) == content[37:537]
        assert opened.read(len(content) - 5, 500) == content[len(content) - 5 :] if content else True
        assert opened.read(len(content), 5) == opened.read(-1, 5) == b""


@pytest.mark.parametrize("size", [50_000, 4000])
def test_no_sector_is_given_out_twice(size):
    """Or a file of ten megabytes would be as many times as long as it lists streams."""
    content = packed({"long": b"x" * size, "again": b"x", "and again": b"x"})
    at = entry_at(content, "long")
    for name in ("again", "and again"):
        content = patched(content, entry_at(content, name) + 116, "12s", content[at + 116 : at + 128])
    found = Compound(io.BytesIO(content))
    entries = streams_in(found)
    assert found.open(entries["long"]) is found.open(entries["long"])
    with pytest.raises(Refused, match="damaged"):
        [found.open(entry) for entry in entries.values()]


def test_two_streams_of_one_name_are_damage():
    content = packed({"one": b"x", "two": b"y"})
    at = entry_at(content, "two")
    twice = patched(content, at, "<64sH", "one\0".encode("utf-16-le"), 8)
    with pytest.raises(Refused, match="damaged"):
        Compound(io.BytesIO(twice)).at_root("one")


def seconds(count: int) -> float:
    content = packed({f"s{number}": b"x" * 60 for number in range(count)})
    best = 9.0
    for _ in range(3):
        found = Compound(io.BytesIO(content))
        begun = time.thread_time()
        for entry in found.children(0):
            found.open(entry)
        best = min(best, time.thread_time() - begun)
    return best


@pytest.mark.measures_cpu
def test_many_short_streams_cost_in_proportion_to_their_number():
    assert in_proportion(seconds, 200, 400, least=0.002)
