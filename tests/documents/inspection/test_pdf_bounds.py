"""What a PDF may cost is bounded, whatever its bytes are, and no document comes near."""

from __future__ import annotations

import contextlib
import io
import os
import time
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from leadintake.documents.inspection import pdf as kind
from leadintake.documents.inspection.findings import Refused
from tests.documents.inspection.pdfs import TEN_MB, flags, packed, pdf, pdf_stream

from .proportion import in_proportion

pytestmark = pytest.mark.no_cover  # what is counted costs several times as much, and others count these lines


def assert_refused(content: bytes, saying: str) -> None:
    """The sender is told so."""
    with pytest.raises(Refused, match=saying):
        flags(content)


WORST = {
    "open strings": b"(",
    "strings": b"()",
    "nested strings": b"(()",
    "escapes in strings": b"(\\)",
    "comments": b"%\n",
    "names": b"/a",
    "escaped names": b"/#41",
    "names that count": b"/JS",
    "half a name": b"/JavaScrip",
    "objects": b"1 obj ",
    "dictionaries": b">> ",
    "streams without an end": b">>stream\n",
    "streams": b">>stream\nendstream",
    "objects streams": b"/ObjStm>>stream\nendstream",
    "packed nothing": b"/ObjStm/Filter/FlateDecode>>stream\n" + zlib.compress(b""),
    "open arrays in objects": b"1 0 obj [",
    "strings in objects": b"1 0 obj (()",
    "hexadecimal strings": b"<a",
    "pairs of brackets": b"[[]]",
    "objects packed by another sign": b"1 0 obj<</First 1/Length 0>>stream\n",
    "trailers": b"trailer ",
    "numbers": b"startxref xref ",
    "ends": b"%%EOF",
    "zip ends": b"PK\x05\x06",
    "links": b"1 0 obj<</URI(http://a/%41)>>",
    "links to themselves": b"4 0 obj<</URI 4 0 R>>",
    "values twice": b"/URI(x)",
    "escaped letters": b"1 0 obj<</URI(" + b"\\141" * 99 + b")>>",
    "actions after actions": b"4 0 obj<</S/URI/OpenAction 4 0 R/Next[4 0 R 4 0 R]>>",
    "triggers": b"4 0 obj<</AA<</O 4 0 R/C 4 0 R>>>>",
    "attachments": b"4 0 obj<</EF<</F 4 0 R>>>>stream\n",
    "references": b"4 0 obj 4 0 R ",
    "references with comments": b"4 %\n0 %\nR ",
    "hexadecimal letters": b"1 0 obj<</#41#42(x)>>",
    "encrypted files": b"trailer<</Encrypt 4 0 R/ID[(a)(b)]>>",
    "encrypted files with roots": b"trailer<</Root 1 0 R/Encrypt 4 0 R/ID[(a)(b)]>>",
    "tables": b"1 0 obj<</Type/XRef/Encrypt<<>>>>stream\n",
    "strings in trailers": b"trailer(",
    "objects in packed objects": b"1 0 obj<</N 1/First 4>>stream\n9 0 <</JS(x)>>",
    "scripts": b"<</JS(x)>>",
}  # fmt: skip


def _as_it_is(content: bytes) -> bytes:
    return pdf(content)


def _in_a_string(content: bytes) -> bytes:
    return pdf(b"(" + content)


def _in_an_object(content: bytes) -> bytes:
    return pdf(b"<<" + content)


def _packed(content: bytes) -> bytes:
    return pdf(packed(content))


@pytest.mark.measures_cpu
@pytest.mark.parametrize(
    "write",
    [
        _as_it_is,
        pytest.param(_in_a_string, marks=pytest.mark.long_form),
        pytest.param(_in_an_object, marks=pytest.mark.long_form),
        _packed,
    ],
)
@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
def test_the_worst_file_costs_in_proportion_to_its_size(unit, write):
    once, twice = (write(unit * (size // len(unit))) for size in (50_000, 100_000))
    assert in_proportion(_seconds, once, twice, least=0.003)


def _seconds(content: bytes) -> float:
    begun = time.thread_time()
    with contextlib.suppress(Refused):
        kind.inspect(io.BytesIO(content))
    return time.thread_time() - begun


def test_objects_that_unpack_to_far_more_than_a_resume_are_refused_in_little_memory():
    one = packed(b" " * 12_000_000)
    many = pdf(*[packed(b" " * 3_000_000)] * 6)
    for content in (pdf(one), many):
        tracemalloc.start()
        try:
            assert_refused(content, "unpacks to far more than a resume")
            assert tracemalloc.get_traced_memory()[1] < 24 * 1024 * 1024
        finally:
            tracemalloc.stop()


def test_the_largest_file_costs_no_memory_beside_itself():
    stream = io.BytesIO(pdf(pdf_stream(b"x" * (TEN_MB - 2000))))
    tracemalloc.start()
    try:
        assert kind.inspect(stream) == frozenset()
        assert tracemalloc.get_traced_memory()[1] < 1024 * 1024
    finally:
        tracemalloc.stop()


LINK = b"<< /S /URI /URI (https://example.com/jane/doe) >>"
STEP = b"<< /S /GoTo /D (a) /Next %d 0 R >>"
ENOUGH: dict[str, Callable[[], bytes]] = {
    "brackets": lambda: pdf(b"<< " + b"/A << /B [ [ 1 ] ] >> " * 50_000 + b">>"),
    "strings in strings": lambda: pdf(b"(" + b"(a(b))" * 50_000 + b")"),
    "objects": lambda: pdf(*[b"<< /A 1 >>"] * 20_000),
    "values of one object": lambda: pdf(b"<< /URI (http://a) /X [" + b"/A 1 " * 30_000 + b"] >>"),
    "links": lambda: pdf(*[LINK] * 3000),
    "links in packed objects": lambda: pdf(packed(*[LINK] * 3000)),
    "references to nothing": lambda: pdf(b"<< /XFA [] /A [" + b"5 0 R " * 20_000 + b"] >>", b"null"),
    "objects of one number": lambda: pdf(b"<< /OpenAction 5 0 R >>", *[b"1\nendobj\n5 0 obj << >>"] * 50),
    "actions in a chain": lambda: pdf(
        b"<< /OpenAction 5 0 R >>", *[STEP % number for number in range(6, 3000)]
    ),
    "packed bytes": lambda: pdf(packed(b" " * 7_900_000)),
    "pictures": lambda: pdf(pdf_stream(os.urandom(2_000_000))),
}


@pytest.mark.parametrize("write", ENOUGH.values(), ids=ENOUGH)
def test_far_more_than_a_resume_needs_is_read(write):
    """A resume has some hundred of each."""
    assert flags(write()) == frozenset()


TOO_MUCH: dict[str, tuple[str, Callable[[], bytes]]] = {
    "brackets": ("unusual way", lambda: pdf(b"<< " + b"/A << /B [ [ 1 ] ] >> " * 300_000 + b">>")),
    "strings in strings": ("unusual way", lambda: pdf(b"(" + b"(a(b)" * 900_000)),
    "objects": ("unusual way", lambda: pdf(b"1 0 obj 1 " * 400_000)),
    "objects within objects": ("unusual way", lambda: pdf(b"(1 0 obj " * 20_000)),
    "packed objects within objects": ("unusual way", lambda: pdf(packed(*[b"<< /URI (a)"] * 2000))),
    "values": ("far more", lambda: pdf(b"<< /URI (http://a) /X [" + b"/A 1 " * 200_000 + b"] >>")),
    "references": (
        "far more",
        lambda: pdf(*[b"%d 0 R" % n for n in range(5, 18)], b"(a)", *[b"<< /URI 4 0 R >>"] * 18_000),
    ),
    "objects of one number": (
        "unusual way",
        lambda: pdf(b"<< /URI 5 0 R >>", *[b"1\nendobj\n5 0 obj (a)"] * 300),
    ),
    "letters": (
        "far more",
        lambda: pdf(*[b"<< /URI 900 0 R >>"] * 500, b"1 endobj\n900 0 obj (%b)" % (b"x" * 9000)),
    ),
    "depth": ("unusual way", lambda: pdf(b"<< /A " * 201)),
    "depth of one object": ("unusual way", lambda: pdf(packed(b"[ " * 201 + b"/JS"))),
    "packed bytes": ("far more", lambda: pdf(packed(b" " * 8_400_000))),
    "packed bytes in all": ("far more", lambda: pdf(*[packed(b" " * 6_000_000)] * 3)),
    "packed nothing": ("far more", lambda: pdf(pdf_stream(STORED, FLATE))),
    "runs": (
        "far more",
        lambda: pdf(pdf_stream(b"\xff\0" * 900_000, b"/N 1 /First 4 /Filter /RunLengthDecode")),
    ),
    "rows": ("far more", lambda: pdf(pdf_stream(zlib.compress(bytes(1_600_000)), PREDICTED))),
}
FLATE = b"/N 1 /First 4 /Filter /FlateDecode"
STORED = zlib.compress(b"")[:2] + b"\0\0\0\xff\xff" * 3_400_000
PREDICTED = b"/N 1 /First 4 /Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 9 >>"


@pytest.mark.parametrize(("saying", "write"), TOO_MUCH.values(), ids=TOO_MUCH)
def test_what_no_resume_needs_is_not_read_to_its_end(saying, write):
    assert_refused(write(), saying)
