"""Objects of one PDF, parsed on demand."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from ..findings import Refused
from ..sentences import PDF_UNUSUAL
from .limits import MAX_CHAIN_LENGTH, MAX_OF_ONE_NUMBER, Budget
from .spans import read_number
from .syntax import STREAM
from .values import (
    MAX_STRING_LENGTH,
    Alternatives,
    Ambiguous,
    Dictionary,
    Reference,
    String,
    Value,
    read_value,
)


@dataclass(frozen=True)
class Stream:
    """Dictionary and offset of the data; None if the start violates the standard."""

    dictionary: Dictionary
    start: int | None
    owner: Reference | None


class Unknown(Enum):
    """Value of a reference that leads nowhere, or to an unreadable object."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
BYTES_PER_STEP = 8
MARKS = {BOM_UTF16_BE: "utf-16-be", BOM_UTF16_LE: "utf-16-le", BOM_UTF8: "utf-8"}
Resolved = str | int | String | Stream | Unknown | list[Value] | Dictionary
"""Value that is no reference or null, or UNKNOWN."""


class Objects:
    """All objects that any viewer could find, also in object streams."""

    def __init__(self, data: bytes, budget: Budget) -> None:
        self.data = data
        self.budget = budget
        self.decrypt_string: Callable[[bytes, Reference], bytes] | None = None
        self._sources = [data]
        self._source_of, self._starts, self._numbers = array("L"), array("L"), array("q")
        self._order: array[int] | None = None
        self._sorted: array[int] = array("q")
        self._read: dict[int, Value | Stream | Unknown] = {}

    def add(self, start: int) -> int:
        """Add the object at `start` of the file. Return its index."""
        self._source_of.append(0)
        self._starts.append(start)
        self._numbers.append(-1)
        self._order = None
        return len(self._starts) - 1

    def add_packed(self, content: bytes, objects: list[tuple[int, int]]) -> range:
        """Add an object stream's objects, given as starts and numbers. Return their indexes."""
        self._sources.append(content)
        first = len(self._starts)
        self._source_of.extend([len(self._sources) - 1] * len(objects))
        self._starts.extend(start for start, _ in objects)
        self._numbers.extend(number for _, number in objects)
        self._order = None
        return range(first, len(self._starts))

    def locate(self, at: int) -> tuple[bytes, int]:
        """Return the bytes that contain an object, and its start there."""
        return self._sources[self._source_of[at]], self._starts[at]

    def read(self, at: int) -> Value | Stream:
        """Parse an object. Raises Ambiguous."""
        source, start = self.locate(at)
        owner = None if self._source_of[at] else read_number(source, start)
        if (
            self.decrypt_string
            and not owner
            and self._source_of[at] == 0
            and source[start - 3 : start] == b"obj"
        ):
            raise Ambiguous  # the key of its strings depends on its number
        value, end = read_value(source, start, owner, self.budget)
        if isinstance(value, dict) and self._source_of[at] == 0 and (found := STREAM.match(source, end)):
            is_usual = found["line_end"] is not None and found["comment"] is None
            return Stream(value, found.end() if is_usual else None, owner)
        return value

    def resolve(self, value: Value) -> list[Resolved]:
        """Return what a value may stand for: all objects of a number, all values of a duplicate key."""
        if isinstance(value, (Reference, Alternatives)):
            return list(self._resolve(value, 0))
        return [] if value is None else [value]

    def text(self, string: String) -> str:
        """Return a string (7.9.2) decrypted and decoded, cut to MAX_STRING_LENGTH."""
        self.budget.follow(min(len(string.raw), MAX_STRING_LENGTH) // BYTES_PER_STEP)
        content = string.content()
        if self.decrypt_string and string.owner:
            self.budget.decrypt()
            content = self.decrypt_string(content, string.owner)
        for mark, encoding in MARKS.items():
            if content.startswith(mark):
                return content[len(mark) :].decode(encoding, "replace")
        return content.decode("latin-1")

    def _resolve(self, value: Value, depth: int) -> Iterator[Resolved]:
        self.budget.follow()
        if depth > MAX_CHAIN_LENGTH:
            yield UNKNOWN
        elif isinstance(value, Alternatives):
            for one in value:
                yield from self._resolve(one, depth + 1)
        elif not isinstance(value, Reference):
            if value is not None:
                yield value
        else:
            ids = self._find_indexes(value.number)
            if not ids:
                yield UNKNOWN
            for at in ids:
                found = self._read_once(at)
                if isinstance(found, (Stream, Unknown)):
                    self.budget.follow()
                    yield found
                else:
                    yield from self._resolve(found, depth + 1)

    def _read_once(self, at: int) -> Value | Stream | Unknown:
        if at not in self._read:
            try:
                self._read[at] = self.read(at)
            except Ambiguous:
                self._read[at] = UNKNOWN
        return self._read[at]

    def _find_indexes(self, number: int) -> array[int]:
        if self._order is None:
            for at in range(len(self._starts)):
                if self._source_of[at] == 0 and self._numbers[at] < 0:
                    found = read_number(self.data, self._starts[at])
                    self._numbers[at] = found.number if found else 0
            self._order = array("L", sorted(range(len(self._starts)), key=self._numbers.__getitem__))
            self._sorted = array("q", (self._numbers[at] for at in self._order))
        first, last = bisect_left(self._sorted, number), bisect_left(self._sorted, number + 1)
        if last - first > MAX_OF_ONE_NUMBER:
            raise Refused(PDF_UNUSUAL)
        return self._order[first:last]
