"""Macro projects: an empty one is nothing, and everything else in one is code. oletools is the oracle."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc

import pytest
from oletools.olevba import VBA_Parser

from leadintake.documents.inspection import macros
from leadintake.documents.inspection.compound import Compound
from tests.documents.inspection.files import compound, macro_project, record, squeezed

HEADER = (
    'Attribute VB_Name = "ThisDocument"\r\nAttribute VB_Base = "1Normal.ThisDocument"\r\n'
    "Attribute VB_GlobalNameSpace = False\r\nAttribute VB_Creatable = False\r\n"
    "Attribute VB_PredeclaredId = True\r\nAttribute VB_Exposed = True\r\n"
    "Attribute VB_TemplateDerived = True\r\nAttribute VB_Customizable = True\r\n"
)
MODULE = 'Attribute VB_Name = "Module1"\r\n'
EMPTY = {
    "as Word leaves it": HEADER,
    "a module": MODULE,
    "nothing at all": "",
    "blank lines": HEADER + "\r\n  \r\n\t\r\n",
    "comments": HEADER + "' written by Jane\r\nRem nothing here\r\n  'still nothing : Shell x",
    "options": HEADER + "Option Explicit\r\nOption Compare Text\r\n",
}
CODE = {
    "a procedure": HEADER + 'Sub AutoOpen()\r\nShell "calc"\r\nEnd Sub\r\n',
    "one line": MODULE + "Dim x",
    "behind a comment that goes on": HEADER + "' x _\r\nSub AutoOpen()\r\nEnd Sub",
    "a comment that goes on at the end": HEADER + "' x _",
    "behind a colon": HEADER + "Attribute VB_Exposed = True: Shell x",
    "behind an option": HEADER + "Option Explicit : Shell x",
    "a declaration": MODULE + 'Private Declare Function f Lib "x" ()',
    "behind many blank lines": HEADER + "\r\n" * 2000 + "Sub x",
    "what only begins with Rem": MODULE + "Remote",
}
CACHE = b"\x01\x16\x03\x00" * 100 + b"\xfe\xca\x01\x00%b\xff\xff\xff\xff" + bytes(40)


def has_code(modules: dict[str, str], cache: bytes = b"", at: str = "") -> bool:
    return macros.has_code(Compound(io.BytesIO(compound(macro_project(modules, at, cache)))))


def code_that_oletools_finds(modules: dict[str, str]) -> list[str]:
    """Lines of sources that are more than headers, as oletools reads them."""
    parser = VBA_Parser("vbaProject.bin", data=compound(macro_project(modules)))
    try:
        sources = [source for _, _, _, source in parser.extract_macros()]
    finally:
        parser.close()
    lines = [line.strip() for source in sources for line in source.splitlines()]
    return [line for line in lines if line and not line.startswith(("Attribute VB_", "'", "Rem ", "Option "))]


@pytest.mark.parametrize("source", EMPTY.values(), ids=EMPTY)
def test_an_empty_project_has_no_code(source):
    assert not has_code({"ThisDocument": source})
    assert not has_code({"ThisDocument": HEADER, "Module1": source})
    assert not has_code({"ThisDocument": source}, at="Macros/")
    assert not code_that_oletools_finds({"ThisDocument": source})


@pytest.mark.parametrize("source", CODE.values(), ids=CODE)
def test_a_project_with_a_line_of_code_has_code(source):
    assert has_code({"ThisDocument": source})
    assert has_code({"ThisDocument": HEADER, "Module1": source})
    assert has_code({"ThisDocument": source}, at="Macros/")


@pytest.mark.parametrize("name", ["a procedure", "one line", "a declaration"])
def test_oletools_finds_the_same_code(name):
    assert code_that_oletools_finds({"ThisDocument": CODE[name]})


def test_a_project_without_modules_has_no_code():
    assert not has_code({})


def test_what_was_made_of_an_empty_source_may_stand_before_it():
    assert not has_code({"ThisDocument": HEADER}, CACHE % b"\0\0")
    assert not has_code({"ThisDocument": HEADER + "\r\n' one\r\n' two"}, CACHE % b"\x03\0")


def test_a_source_that_was_taken_away_leaves_code():
    """What was made of it still runs in the version of Word that made it."""
    assert has_code({"ThisDocument": HEADER}, CACHE % b"\x09\0")


@pytest.mark.parametrize(
    ("packed", "content"),
    [
        ("0103b002614500", b"a" * 73),
        ("0119b000616263646566676800696a6b6c6d6e6f70007172737475762e", b"abcdefghijklmnopqrstuv."),
    ],
)
def test_the_examples_of_the_specification_are_unpacked(packed, content):
    """[MS-OVBA] 3.2."""
    assert macros._decompress(bytes.fromhex(packed), macros._UnpackBudget(10_000)) == content


def test_what_was_squeezed_is_unpacked_as_it_was():
    for size in (1, 8, 9, 4000, 20_000):
        content = bytes(n * 7 % 256 for n in range(size))
        assert macros._decompress(squeezed(content), macros._UnpackBudget(100_000)) == content
    raw = b"\x01" + struct.pack("<H", 0x3FFF) + b"x" * 4096
    assert macros._decompress(raw, macros._UnpackBudget(4096)) == b"x" * 4096


def damaged(**streams: bytes) -> bytes:
    project = macro_project({"ThisDocument": HEADER})
    return compound(project | {f"VBA/{name}": content for name, content in streams.items()})


@pytest.mark.parametrize(
    "streams",
    [
        {"dir": b""},
        {"dir": b"\x02\0\0"},
        {"dir": b"\x01\0\0"},
        {"dir": squeezed(record(0x1A, b"gone") + record(0x31, bytes(4)))},
        {"dir": squeezed(record(0x1A, b"x")[:-1])},
        {"dir": squeezed(record(0x31, b"\0"))},
        {"dir": squeezed(record(0x31, bytes(4)) * 65)},
        {"dir": b"\x01\x00\xb0\x01\xff\xff"},
        {"dir": b"\x01" + struct.pack("<H", 0x0FFF | 0xB000) + b"\x02a" + b"\xff\x0f" * 2000},
        {"ThisDocument": b"no chunk"},
        {"ThisDocument": squeezed(b"'" * 300_000)},
        {"ThisDocument": bytes(300_000)},
    ],
    ids=range(12),
)
def test_what_cannot_be_read_or_is_large_counts_as_code(streams):
    assert macros.has_code(Compound(io.BytesIO(damaged(**streams))))


def test_a_project_without_its_list_counts_as_code():
    project = macro_project({"ThisDocument": HEADER})
    del project["VBA/dir"]
    assert macros.has_code(Compound(io.BytesIO(compound(project))))


def test_a_file_without_a_project_has_none():
    found = Compound(io.BytesIO(compound({"WordDocument": b"x"})))
    assert macros.find_projects(found) == []
    assert not macros.has_code(found)


@pytest.mark.measures_cpu
def test_the_largest_project_that_is_read_costs_little():
    bomb = b"\x01" + (struct.pack("<H", 0xB000 | 3) + b"\x02a\xff\x0f") * 60_000
    listed = b"".join(record(0x1A, b"m") + record(0x31, bytes(4)) for _ in range(60))
    whole = compound({"VBA/dir": squeezed(listed), "VBA/m": bomb[:250_000]})
    found = Compound(io.BytesIO(whole))
    tracemalloc.start()
    began = time.thread_time()
    try:
        assert macros.has_code(found)
        assert tracemalloc.get_traced_memory()[1] < 3 * 1024 * 1024
    finally:
        tracemalloc.stop()
    assert time.thread_time() - began < 5
