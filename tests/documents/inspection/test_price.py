"""What looking into a container costs: twice as much takes at most 2.5 times as long, up to a bound."""

from __future__ import annotations

import os
import time
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest

from leadintake.documents.inspection.budget import MB, Budget
from leadintake.documents.inspection.findings import Refused
from tests.documents.inspection.files import (
    compound,
    container,
    entries_of,
    inspected,
    macro_project,
    real,
)

pytestmark = pytest.mark.no_cover  # what is counted costs several times as much, and others count these lines

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
V = 'xmlns:v="urn:schemas-microsoft-com:vml"'
RELATIONSHIPS = "http://schemas.openxmlformats.org/package/2006/relationships"
FIELD = (
    '<w:fldChar w:fldCharType="begin"/><w:instrText>{}</w:instrText><w:fldChar w:fldCharType="separate"/>'
    '<w:fldChar w:fldCharType="end"/>'
)
LARGEST_GENUINE = 15 * MB, 733


def part(unit: str, count: int, namespaces: str = W) -> bytes:
    return f"<w:r {namespaces} {W if namespaces != W else ''}>{unit * count}</w:r>".encode()


def with_parts(name: str, more: dict[str, bytes]) -> bytes:
    return container(entries_of(real(f"illustrated{name[name.index('.') :]}")) | more, zipfile.ZIP_STORED)


def linked(count: int) -> dict[str, bytes]:
    links = "".join(
        f'<Relationship Id="r{n}" Type="x/hyperlink" Target="http://e/{"%25" * 20}" TargetMode="External"/>'
        for n in range(count)
    )
    return {
        "word/_rels/x.xml.rels": f'<Relationships xmlns="{RELATIONSHIPS}">{links}</Relationships>'.encode()
    }


UNITS: dict[str, tuple[str, int, Callable[[int], dict[str, bytes]]]] = {
    "elements": ("x.docx", 21_000, lambda n: {"word/x.xml": part("<w:b/>", n)}),
    "elements of others": ("x.docx", 8_000, lambda n: {"word/x.xml": part("<b><c/></b>", n // 2)}),
    "attributes": ("x.docx", 10_100, lambda n: {"word/x.xml": part('<w:b w:a="" w:c="" d="" e=""/>', n)}),
    "declarations": ("x.docx", 6_700, lambda n: {"word/x.xml": part('<p:b xmlns:p="urn:x" p:c=""/>', n)}),
    "text": ("x.docx", 20_000, lambda n: {"word/x.xml": part("<w:t>Jane &amp; Doe</w:t>", n)}),
    "words in a field": (
        "x.docx",
        6_000,
        lambda n: {"word/x.xml": part(FIELD.format("IF" + "</w:instrText><w:instrText>x" * n), 1)},
    ),
    "fields": ("x.docx", 1_300, lambda n: {"word/x.xml": part(FIELD.format("PAGE"), n)}),
    "links in fields": (
        "x.docx",
        1_000,
        lambda n: {"word/x.xml": part(FIELD.format("HYPERLINK http://e/x"), n)},
    ),
    "simple fields": ("x.docx", 1_500, lambda n: {"word/x.xml": part('<w:fldSimple w:instr="PAGE"/>', n)}),
    "addresses": ("x.docx", 2_000, lambda n: {"word/x.xml": part('<v:imagedata src="x%2541"/>', n, V)}),
    "unknown ids": ("x.docx", 6_000, lambda n: {"word/x.xml": part('<w:x r:id="rId9"/>', n, R)}),
    "relationships": ("x.docx", 1_000, linked),
    "entries": ("x.docx", 500, lambda n: {f"word/media/{number}.bin": b"x" for number in range(n)}),
    "bytes": ("x.docx", 10 * MB, lambda n: {"word/media/1.bin": os.urandom(64 * 1024) * (n // 65_536)}),
    "a long tag": ("x.docx", 1 * MB, lambda n: {"word/x.xml": b"<x y='" + b"z" * n + b"'/>"}),
    "objects": (
        "x.docx",
        100,
        lambda n: {f"word/e/{number}.bin": compound({"Workbook": b"x" * 500}) for number in range(n)},
    ),
    "macros": (
        "x.docx",
        30,
        lambda n: {"word/x.bin": compound(macro_project({f"m{k}": "' x\r\n" * 200 for k in range(n)}))},
    ),
    "elements of an ODT": ("x.odt", 8_000, lambda n: {"x.xml": part("<w:b/>", n)}),
    "attributes of an ODT": ("x.odt", 4_000, lambda n: {"x.xml": part('<w:b w:a="" w:c="" d="" e=""/>', n)}),
    "addresses of an ODT": (
        "x.odt",
        2_000,
        lambda n: {
            "x.xml": part('<t:a x:href="x%2541"/>', n, 'xmlns:x="xlink" xmlns:t="urn:x:xmlns:text:1.0"')
        },
    ),
}


def cost(name: str, content: bytes) -> float:
    best = float("inf")
    for _ in range(3):
        began = time.thread_time()
        inspected(name, content)
        best = min(best, time.thread_time() - began)
    return best


@pytest.mark.measures_cpu
@pytest.mark.parametrize("unit", UNITS)
def test_twice_as_much_takes_at_most_two_and_a_half_times_as_long(unit):
    name, count, make = UNITS[unit]
    whole, twice = (with_parts(name, make(times * count)) for times in (1, 2))
    usual = cost(name, real(f"illustrated{name[1:]}"))

    def is_linear() -> bool:
        return cost(name, twice) - usual <= 2.5 * (cost(name, whole) - usual) + 0.003

    assert any(is_linear() for _ in range(4))  # other processes disturb one of them, but not all


@pytest.mark.parametrize("unit", UNITS)
def test_much_of_anything_takes_little_memory(unit):
    name, count, make = UNITS[unit]
    whole = with_parts(name, make(2 * count))
    tracemalloc.start()
    try:
        inspected(name, whole)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * MB


@pytest.mark.parametrize("unit", ["elements", "attributes", "declarations", "fields", "relationships"])
def test_more_of_anything_than_may_be_spent_is_refused(unit):
    name, count, make = UNITS[unit]
    with pytest.raises(Refused, match="far more than a resume needs"):
        inspected(name, with_parts(name, make(20 * count + 100)))


def test_what_may_be_spent_is_more_than_anything_genuine_spends_and_no_more_than_it_says():
    """These numbers stand in docs/security.md."""
    budget = Budget()
    assert (budget.entries, budget.unpacked, budget.markup, budget.elements) == (
        1500,
        48 * MB,
        16 * MB,
        400_000,
    )
    assert budget.unpacked > 3 * LARGEST_GENUINE[0]
    assert budget.entries > 2 * LARGEST_GENUINE[1]


def test_as_many_entries_as_no_document_has_are_refused():
    assert (
        inspected("x.docx", with_parts("x.docx", {f"word/{n}.bin": b"" for n in range(1400)})) == frozenset()
    )
    with pytest.raises(Refused):
        inspected("x.docx", with_parts("x.docx", {f"word/{n}.bin": b"" for n in range(1501)}))
