"""Where the objects of a PDF begin and end, without reading what they say."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Refused
from ..sentences import PDF_UNUSUAL
from .limits import DEEPEST, MOST_OVERLAP, Budget
from .syntax import INSIDE, NUMBERED, OBJECT, OUTSIDE, STREAM, TRAILER
from .values import OPENED_BY, Reference, end_of_string

TOKENS_OF_OBJECT = 6
LONGEST_NUMBER = 32
"""Bytes before `obj` in which its number stands."""


def read_end(data: bytes, position: int, budget: Budget) -> tuple[int, bool]:
    """Where the object ends that begins here, and whether it has a stream. Raises Refused."""
    open_: list[bytes] = []
    count = TOKENS_OF_OBJECT
    is_stream = False
    token = OUTSIDE.match(data, position)
    while token and count <= budget.tokens:
        position, kind, count = token.end(), token.lastgroup, count + 1
        if kind == "string":
            position = end_of_string(data, position, budget) or len(data)
        elif kind == "opening":
            open_.append(token["opening"])
            if len(open_) > DEEPEST:
                raise Refused(PDF_UNUSUAL)
        elif kind == "closing" and open_[-1:] == [OPENED_BY[token["closing"]]]:
            is_stream = open_.pop() == b"<<" and STREAM.match(data, position) is not None
            if is_stream and open_:
                raise Refused(PDF_UNUSUAL)
            if not open_:
                break
        elif kind == "end" and not open_:
            break
        token = (INSIDE if open_ else OUTSIDE).match(data, position)
    budget.scan(count)
    return position, is_stream


def find_objects(data: bytes, budget: Budget) -> Iterator[tuple[int, int, bool]]:
    """Start and end of each object and trailer, and whether it has a stream. Raises Refused.

    A viewer jumps to each object by its offset, into a string, a comment or a stream if that is where it
    leads (7.5.4). So each is read from its own beginning. Those of honest files do not overlap.
    """
    left = MOST_OVERLAP * len(data)
    for pattern in (OBJECT, TRAILER):
        for beginning in pattern.finditer(data):
            start = beginning.end()
            end, is_stream = read_end(data, start, budget)
            left -= end - start
            if left < 0:
                raise Refused(PDF_UNUSUAL)
            yield start, end, is_stream


def number_of(data: bytes, start: int) -> Reference | None:
    """The number that stands before the `obj` which ends here; None for a trailer."""
    found = NUMBERED.search(data[max(0, start - LONGEST_NUMBER) : start - 3])
    return Reference(int(found[1]), int(found[2])) if found and data[start - 3 : start] == b"obj" else None
