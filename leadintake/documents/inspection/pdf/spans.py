"""Start and end of each object, found without parsing."""

from __future__ import annotations

from collections.abc import Iterator

from ..findings import Refused
from ..sentences import PDF_UNUSUAL
from .limits import DEEPEST, MAX_OVERLAP, Budget
from .syntax import INSIDE, NUMBERED, OBJECT, OUTSIDE, STREAM, TRAILER
from .values import OPENED_BY, Reference, find_string_end

TOKENS_OF_OBJECT = 6
MAX_NUMBER_LENGTH = 32
"""Bytes before `obj` in which its number is searched."""


def read_end(data: bytes, position: int, budget: Budget) -> tuple[int, bool]:
    """Return the end of the object at `position`, and whether it has a stream."""
    brackets: list[bytes] = []
    count = TOKENS_OF_OBJECT
    is_stream = False
    token = OUTSIDE.match(data, position)
    while token and count <= budget.tokens:
        position, kind, count = token.end(), token.lastgroup, count + 1
        if kind == "string":
            position = find_string_end(data, position, budget) or len(data)
        elif kind == "opening":
            brackets.append(token["opening"])
            if len(brackets) > DEEPEST:
                raise Refused(PDF_UNUSUAL)
        elif kind == "closing" and brackets[-1:] == [OPENED_BY[token["closing"]]]:
            is_stream = brackets.pop() == b"<<" and STREAM.match(data, position) is not None
            if is_stream and brackets:
                raise Refused(PDF_UNUSUAL)
            if not brackets:
                break
        elif kind == "end" and not brackets:
            break
        token = (INSIDE if brackets else OUTSIDE).match(data, position)
    budget.scan(count)
    return position, is_stream


def find_objects(data: bytes, budget: Budget) -> Iterator[tuple[int, int, bool]]:
    """Yield each object and trailer: start, end, and whether it has a stream.

    Viewers jump to objects by offset, even into a string, comment or stream (7.5.4). So each is read from its
    own start, and may overlap others; in valid files none does.
    """
    bytes_left = MAX_OVERLAP * len(data)
    for pattern in (OBJECT, TRAILER):
        for beginning in pattern.finditer(data):
            start = beginning.end()
            end, is_stream = read_end(data, start, budget)
            bytes_left -= end - start
            if bytes_left < 0:
                raise Refused(PDF_UNUSUAL)
            yield start, end, is_stream


def read_number(data: bytes, start: int) -> Reference | None:
    """Return the number before the `obj` that ends at `start`, None for a trailer."""
    found = NUMBERED.search(data[max(0, start - MAX_NUMBER_LENGTH) : start - 3])
    return Reference(int(found[1]), int(found[2])) if found and data[start - 3 : start] == b"obj" else None
