"""XML parts, read by expat while they are unpacked: no tree, no entities, and hardly a document type."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from .budget import MB, Budget
from .findings import Refused
from .sentences import DAMAGED, UNUSUAL

Attributes = dict[str, str]
Start = Callable[[str, Attributes], None]
"""Called with each element's name and attributes; names are "namespace local" or just "local"."""
End = Callable[[str], None]
"""Called with each element's name when it ends."""
Text = Callable[[str, str], None]
"""Called with the name of an element and words that stand in it, as often as there are some."""

DEEPEST = 256  # libxml2's limit too, and Word's own nesting stays far below
LONGEST_TAG = 4 * MB
"""Bytes of one tag. Old drawings have pictures in one; expat reads an unfinished tag again and again."""
MOST_NAMES, LONGEST_NAME = 10_000, 1000
"""Different names of elements and attributes in a part, and characters of one; expat keeps them all."""
MOST_ATTRIBUTES = 10_000
"""Equals signs in the middle of a long tag; a picture there ends with two at most."""
LONGEST_ADDRESS = 1000
"""Characters. Office's own have less than 100."""
DECLARATION = "xmlns"
XML = "http://www.w3.org/XML/1998/namespace"


def ignore(_element: str, _attributes: Attributes) -> None:
    """Look at nothing but the form."""


@dataclass(frozen=True)
class Reading:
    """What is done with a part. `typed` says whether it may name a document type, but declare nothing."""

    start: Start = ignore
    text: Text | None = None
    end: End | None = None
    typed: bool = False


class _Form:
    def __init__(self, reading: Reading, budget: Budget) -> None:
        self.reading, self.budget = reading, budget
        self.names: dict[str, str] = {}  # expat's wrapper puts each name here once
        self.known = 0
        self.namespaces = _Namespaces()
        self.open: list[str] = []

    def begin(self, element: str, attributes: Attributes) -> None:
        self.budget.element()
        if len(self.names) > self.known:
            self.known = len(self.names)
            longest = max(map(len, (element, *attributes)))
            if self.known > MOST_NAMES or longest > LONGEST_NAME:
                _refuse()
        if len(self.open) >= DEEPEST:
            _refuse()
        name, attributes = self.namespaces.enter(element, attributes)
        self.open.append(name)
        self.reading.start(name, attributes)

    def end(self, _element: str) -> None:
        name = self.open.pop()
        self.namespaces.leave()
        if self.reading.end:
            self.reading.end(name)

    def say(self, words: str) -> None:
        if self.reading.text:
            self.reading.text(self.open[-1], words)

    def declare(self, _name: str, _system: str | None, _public: str | None, inside: bool) -> None:
        if inside or not self.reading.typed:
            _refuse()


def root(pieces: Iterable[bytes], budget: Budget) -> str:
    """The name of the outermost element. Raises Refused as `read` does."""
    names: list[str] = []
    read(pieces, Reading(lambda name, _: None if names else names.append(name)), budget)
    return names[0]


def read(pieces: Iterable[bytes], reading: Reading, budget: Budget) -> None:
    """Tell `reading` what is in a part. Raises Refused when it is no XML, or declares entities."""
    form = _Form(reading, budget)
    parser = expat.ParserCreate(intern=form.names)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = form.begin, form.end
    parser.StartDoctypeDeclHandler = form.declare
    if reading.text:
        parser.CharacterDataHandler = form.say
    read = equals = 0
    try:
        for piece in pieces:
            budget.parse(len(piece))
            read += len(piece)
            parser.Parse(piece, False)
            unfinished = read - parser.CurrentByteIndex
            # A refusal at a tag's end is too late: its attributes are in memory by then.
            equals = equals + piece.count(b"=") if unfinished >= len(piece) else 0
            if unfinished > LONGEST_TAG or equals > MOST_ATTRIBUTES:
                _refuse()
        parser.Parse(b"", True)
    except Refused:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding it does not know
        raise Refused(DAMAGED) from error


def _refuse() -> NoReturn:
    raise Refused(UNUSUAL)


class _Namespaces:
    """What the prefixes stand for at one place of a part ("Namespaces in XML 1.0"). Each verb raises Refused.

    expat would copy the whole address for each name before anybody can say stop, so that a few kilobytes
    take a gigabyte of memory.
    """

    def __init__(self) -> None:
        self._addresses = {"": [""], "xml": [XML]}  # by prefix, from the outermost element that declares it
        self._declared: list[list[str]] = []  # by open element

    def enter(self, element: str, attributes: dict[str, str]) -> tuple[str, dict[str, str]]:
        """An element begins: its name and attributes as "address local", or "local" when there is none."""
        declared = [self._declare(name, attributes) for name in attributes if _declares(name)]
        self._declared.append(declared)
        found = {
            self._full(name) if ":" in name else name: value
            for name, value in attributes.items()
            if not _declares(name)
        }
        if len(found) + len(declared) < len(attributes):  # one name in two spellings
            raise Refused(DAMAGED)
        default = self._addresses[""][-1]
        if ":" in element:
            return self._full(element), found
        return f"{default} {element}" if default else element, found

    def leave(self) -> None:
        """The element ends, and what it declared."""
        for prefix in self._declared.pop():
            self._addresses[prefix].pop()

    def _declare(self, name: str, attributes: dict[str, str]) -> str:
        _, colon, prefix = name.partition(":")
        address = attributes[name]
        if len(address) > LONGEST_ADDRESS:
            raise Refused(UNUSUAL)
        undeclared = colon and not (prefix and address)
        if undeclared or ":" in prefix or " " in address or prefix == DECLARATION:
            raise Refused(DAMAGED)
        if (prefix == "xml") != (address == XML):
            raise Refused(DAMAGED)
        self._addresses.setdefault(prefix, []).append(address)
        return prefix

    def _full(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        addresses = self._addresses.get(prefix)
        if not (prefix and local and addresses):
            raise Refused(DAMAGED)
        return f"{addresses[-1]} {local}"


def _declares(name: str) -> bool:
    return name.startswith(DECLARATION) and (name == DECLARATION or name[len(DECLARATION)] == ":")
