"""The objects of one PDF by their numbers, read when somebody asks for them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from ..findings import Refused
from ..sentences import PDF_UNUSUAL
from .limits import LONGEST_CHAIN, MOST_OF_ONE_NUMBER, Budget
from .spans import number_of
from .syntax import STREAM
from .values import LONGEST_STRING, Dictionary, Odd, Reference, Several, String, Value, read_value


@dataclass(frozen=True)
class Stream:
    """A dictionary and where the bytes behind it begin; None where that is not as the standard says."""

    dictionary: Dictionary
    begun: int | None
    owner: Reference | None


class Unknown(Enum):
    """What a reference stands for that leads nowhere, or to what cannot be read."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN
BYTES_A_STEP = 8
MARKS = {BOM_UTF16_BE: "utf-16-be", BOM_UTF16_LE: "utf-16-le", BOM_UTF8: "utf-8"}
Resolved = str | int | String | Stream | Unknown | list[Value] | Dictionary
"""A value that is no reference, or UNKNOWN. What is `null` is left out."""


class Objects:
    """All objects that any viewer could find, those in object streams included. Costs are its budget's."""

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
        """Note an object of the file itself that begins here; its place in the order of all."""
        self._source_of.append(0)
        self._starts.append(start)
        self._numbers.append(-1)
        self._order = None
        return len(self._starts) - 1

    def add_packed(self, content: bytes, objects: list[tuple[int, int]]) -> range:
        """Note the objects of an object stream: their starts and numbers."""
        self._sources.append(content)
        first = len(self._starts)
        self._source_of.extend([len(self._sources) - 1] * len(objects))
        self._starts.extend(start for start, _ in objects)
        self._numbers.extend(number for _, number in objects)
        self._order = None
        return range(first, len(self._starts))

    def place_of(self, at: int) -> tuple[bytes, int]:
        """In what an object stands, and where it begins."""
        return self._sources[self._source_of[at]], self._starts[at]

    def read(self, at: int) -> Value | Stream:
        """Read one object. Raises Odd."""
        source, start = self.place_of(at)
        owner = None if self._source_of[at] else number_of(source, start)
        if (
            self.decrypt_string
            and not owner
            and self._source_of[at] == 0
            and source[start - 3 : start] == b"obj"
        ):
            raise Odd  # nobody can say by whose key its strings are decrypted
        value, end = read_value(source, start, owner, self.budget)
        if isinstance(value, dict) and self._source_of[at] == 0 and (found := STREAM.match(source, end)):
            is_usual = found["begun"] is not None and found["comment"] is None
            return Stream(value, found.end() if is_usual else None, owner)
        return value

    def resolve(self, value: Value) -> list[Resolved]:
        """What this value may stand for: each object of that number, and each value of a doubled key."""
        if isinstance(value, (Reference, Several)):
            return list(self._resolve(value, 0))
        return [] if value is None else [value]

    def text(self, string: String) -> str:
        """The letters of a string, decrypted; cut where nobody looks any more (7.9.2)."""
        self.budget.follow(min(len(string.raw), LONGEST_STRING) // BYTES_A_STEP)
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
        if depth > LONGEST_CHAIN:
            yield UNKNOWN
        elif isinstance(value, Several):
            for one in value:
                yield from self._resolve(one, depth + 1)
        elif not isinstance(value, Reference):
            if value is not None:
                yield value
        else:
            ids = self._ids_of(value.number)
            if not ids:
                yield UNKNOWN
            for at in ids:
                found = self._remembered(at)
                if isinstance(found, (Stream, Unknown)):
                    self.budget.follow()
                    yield found
                else:
                    yield from self._resolve(found, depth + 1)

    def _remembered(self, at: int) -> Value | Stream | Unknown:
        if at not in self._read:
            try:
                self._read[at] = self.read(at)
            except Odd:
                self._read[at] = UNKNOWN
        return self._read[at]

    def _ids_of(self, number: int) -> array[int]:
        if self._order is None:
            for at in range(len(self._starts)):
                if self._source_of[at] == 0 and self._numbers[at] < 0:
                    found = number_of(self.data, self._starts[at])
                    self._numbers[at] = found.number if found else 0
            self._order = array("L", sorted(range(len(self._starts)), key=self._numbers.__getitem__))
            self._sorted = array("q", (self._numbers[at] for at in self._order))
        first, last = bisect_left(self._sorted, number), bisect_left(self._sorted, number + 1)
        if last - first > MOST_OF_ONE_NUMBER:
            raise Refused(PDF_UNUSUAL)
        return self._order[first:last]
