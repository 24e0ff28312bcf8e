"""XML parts, read by expat while they are unpacked: no tree, no entities, and hardly a document type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
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
DECLARATION_WEIGHT = 2
"""Elements of the budget that a declaration costs."""
XML = "http://www.w3.org/XML/1998/namespace"


def ignore(_element: str, _attributes: Attributes) -> None:
    """Look at nothing but the form."""


@dataclass(frozen=True)
class Reading:
    """What is done with a part. `typed` says whether it may name a document type, but declare nothing.

    `done` is called when all of it was read.
    """

    start: Start = ignore
    text: Text | None = None
    end: End | None = None
    typed: bool = False
    done: Callable[[], None] | None = None


class _Form:
    def __init__(self, reading: Reading, budget: Budget) -> None:
        self.reading, self.budget = reading, budget
        self.names: dict[str, str] = {}  # expat's wrapper puts each name here once
        self.known = 0
        self.namespaces = _Namespaces(budget)
        self.open: list[str] = []

    def begin(self, element: str, attributes: Attributes) -> None:
        self.budget.element(1 + (len(attributes) >> 2))
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
        for piece in _doubled(pieces, parser):
            budget.parse(len(piece))
            read += len(piece)
            parser.Parse(piece, False)
            unfinished = read - parser.CurrentByteIndex
            # A refusal at a tag's end is too late: its attributes are in memory by then.
            equals = equals + piece.count(b"=") if unfinished >= len(piece) else 0
            if unfinished > LONGEST_TAG or equals > MOST_ATTRIBUTES:
                _refuse()
        parser.Parse(b"", True)
        if reading.done:
            reading.done()
    except Refused:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding it does not know
        raise Refused(DAMAGED) from error


def _doubled(pieces: Iterable[bytes], parser: expat.XMLParserType) -> Iterator[bytes]:
    """Pieces as long as the tag that is unfinished: expat reads it again from its start with each of them."""
    held, size, read = list[bytes](), 0, 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        unfinished = read - parser.CurrentByteIndex
        if size >= unfinished or size + unfinished > LONGEST_TAG:
            read += size
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _refuse() -> NoReturn:
    raise Refused(UNUSUAL)


class _Namespaces:
    """What the prefixes stand for at one place of a part ("Namespaces in XML 1.0"). Each verb raises Refused.

    expat would copy the whole address for each name before anybody can say stop, so that a few kilobytes
    take a gigabyte of memory.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._addresses = {"": [""], "xml": [XML]}  # by prefix, from the outermost element that declares it
        self._declared: list[list[str] | None] = []  # by open element
        # Full names by those in the part, as long as nothing is declared: most elements declare nothing.
        self._elements: dict[str, str] = {}
        self._attributes: dict[str, str] = {}

    def enter(self, element: str, attributes: dict[str, str]) -> tuple[str, dict[str, str]]:
        """An element begins: its name and attributes as "address local", or "local" when there is none."""
        known = self._attributes
        try:
            found = {known[name]: value for name, value in attributes.items()}
            declared = None
        except KeyError:
            found, declared = self._enter(attributes)
        self._declared.append(declared)
        if len(found) + len(declared or ()) < len(attributes):  # one name in two spellings
            raise Refused(DAMAGED)
        name = self._elements.get(element)
        if name is None:
            default = self._addresses[""][-1]
            name = self._full(element) if ":" in element else f"{default} {element}" if default else element
            self._elements[element] = name
        return name, found

    def leave(self) -> None:
        """The element ends, and what it declared."""
        if declared := self._declared.pop():
            for prefix in declared:
                self._addresses[prefix].pop()
            self._forget()

    def _enter(self, attributes: dict[str, str]) -> tuple[dict[str, str], list[str] | None]:
        """The attributes with names that are new here, and the prefixes that are declared."""
        declared = [self._declare(name, attributes) for name in attributes if _declares(name)]
        if declared:
            self._forget()
        found = {}
        for name, value in attributes.items():
            if not _declares(name):
                self._attributes[name] = full = self._full(name) if ":" in name else name
                found[full] = value
        return found, declared or None

    def _forget(self) -> None:
        self._elements.clear()
        self._attributes.clear()

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
        self._budget.element(DECLARATION_WEIGHT)
        return prefix

    def _full(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        addresses = self._addresses.get(prefix)
        if not (prefix and local and addresses):
            raise Refused(DAMAGED)
        return f"{addresses[-1]} {local}"


def _declares(name: str) -> bool:
    return name.startswith(DECLARATION) and (name == DECLARATION or name[len(DECLARATION)] == ":")
