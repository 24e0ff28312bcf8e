"""Streaming XML reader on expat: no tree, no entities, no DTD."""

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
"""Called with name and attributes at each element's start. Names: "namespace local" or "local"."""
End = Callable[[str], None]
"""Called with the name at each element's end."""
Text = Callable[[str, str], None]
"""Called with the name of an element and a piece of its text."""

DEEPEST = 256  # as in libxml2; Word nests far less
MAX_TAG_LENGTH = 4 * MB
"""Bytes of a tag: it may hold a picture in old drawings, but expat rescans it at each call until it ends."""
MAX_NAMES, MAX_NAME_LENGTH = 10_000, 1000
"""Distinct names in a part, and characters of one: expat stores them all."""
MAX_ATTRIBUTES = 10_000
"""Equals signs in a tag before its end is read; the base64 of a picture adds two at most."""
MAX_ADDRESS_LENGTH = 1000
"""Characters of a namespace; Office's have less than 100."""
DECLARATION = "xmlns"
DECLARATION_WEIGHT = 2
"""Cost of a namespace declaration in elements."""
XML = "http://www.w3.org/XML/1998/namespace"


def ignore(_element: str, _attributes: Attributes) -> None:
    """Ignore an element."""


@dataclass(frozen=True)
class Reading:
    """Callbacks for a part, `done` at its end. `typed`: a DOCTYPE without internal subset is allowed."""

    start: Start = ignore
    text: Text | None = None
    end: End | None = None
    typed: bool = False
    done: Callable[[], None] | None = None


class _Handler:
    def __init__(self, reading: Reading, budget: Budget) -> None:
        self.reading, self.budget = reading, budget
        self.names: dict[str, str] = {}  # pyexpat interns each name here
        self.name_count = 0
        self.namespaces = _Namespaces(budget)
        self.open: list[str] = []

    def begin(self, element: str, attributes: Attributes) -> None:
        self.budget.element(1 + (len(attributes) >> 2))
        if len(self.names) > self.name_count:
            self.name_count = len(self.names)
            longest = max(map(len, (element, *attributes)))
            if self.name_count > MAX_NAMES or longest > MAX_NAME_LENGTH:
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

    def add_text(self, words: str) -> None:
        if self.reading.text:
            self.reading.text(self.open[-1], words)

    def declare(self, _name: str, _system: str | None, _public: str | None, inside: bool) -> None:
        if inside or not self.reading.typed:
            _refuse()


def read(pieces: Iterable[bytes], reading: Reading, budget: Budget) -> None:
    """Parse a part and call `reading`. Raises Refused if it is no XML or has a DTD."""
    handler = _Handler(reading, budget)
    parser = expat.ParserCreate(intern=handler.names)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = handler.begin, handler.end
    parser.StartDoctypeDeclHandler = handler.declare
    if reading.text:
        parser.CharacterDataHandler = handler.add_text
    read = equals = 0
    try:
        for piece in _batch_pieces(pieces, parser):
            budget.parse(len(piece))
            read += len(piece)
            parser.Parse(piece, False)
            unfinished = read - parser.CurrentByteIndex
            # Checked here: at the end of a tag its attributes are in memory already.
            equals = equals + piece.count(b"=") if unfinished >= len(piece) else 0
            if unfinished > MAX_TAG_LENGTH or equals > MAX_ATTRIBUTES:
                _refuse()
        parser.Parse(b"", True)
        if reading.done:
            reading.done()
    except Refused:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: unknown encodings
        raise Refused(DAMAGED) from error


def _batch_pieces(pieces: Iterable[bytes], parser: expat.XMLParserType) -> Iterator[bytes]:
    """Join pieces to the length of the unfinished tag: expat rescans it at each call."""
    pending, size, read = list[bytes](), 0, 0
    for piece in pieces:
        pending.append(piece)
        size += len(piece)
        unfinished = read - parser.CurrentByteIndex
        if size >= unfinished or size + unfinished > MAX_TAG_LENGTH:
            read += size
            yield b"".join(pending)
            pending, size = [], 0
    if pending:
        yield b"".join(pending)


def _refuse() -> NoReturn:
    raise Refused(UNUSUAL)


class _Namespaces:
    """Scopes of prefixes ("Namespaces in XML 1.0").

    Not left to expat: it copies the namespace for each name before it can be stopped, so that a few kilobytes
    of XML take a gigabyte.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._addresses = {"": [""], "xml": [XML]}  # by prefix, outermost declaration first
        self._declared: list[list[str] | None] = []  # per open element
        # Cache of expanded names, cleared by declarations; most elements have none.
        self._elements: dict[str, str] = {}
        self._attributes: dict[str, str] = {}

    def enter(self, element: str, attributes: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Begin an element. Return its name and attributes with expanded names."""
        known = self._attributes
        try:
            found = {known[name]: value for name, value in attributes.items()}
            declared = None
        except KeyError:
            found, declared = self._resolve_attributes(attributes)
        self._declared.append(declared)
        if len(found) + len(declared or ()) < len(attributes):  # two prefixes of the same name
            raise Refused(DAMAGED)
        name = self._elements.get(element)
        if name is None:
            default = self._addresses[""][-1]
            name = (
                self._expand_name(element)
                if ":" in element
                else f"{default} {element}"
                if default
                else element
            )
            self._elements[element] = name
        return name, found

    def leave(self) -> None:
        """End an element's declarations."""
        if declared := self._declared.pop():
            for prefix in declared:
                self._addresses[prefix].pop()
            self._forget()

    def _resolve_attributes(self, attributes: dict[str, str]) -> tuple[dict[str, str], list[str] | None]:
        """Return attributes with expanded names, and declared prefixes."""
        declared = [self._declare(name, attributes) for name in attributes if _is_declaration(name)]
        if declared:
            self._forget()
        found = {}
        for name, value in attributes.items():
            if not _is_declaration(name):
                self._attributes[name] = full = self._expand_name(name) if ":" in name else name
                found[full] = value
        return found, declared or None

    def _forget(self) -> None:
        self._elements.clear()
        self._attributes.clear()

    def _declare(self, name: str, attributes: dict[str, str]) -> str:
        _, colon, prefix = name.partition(":")
        address = attributes[name]
        if len(address) > MAX_ADDRESS_LENGTH:
            raise Refused(UNUSUAL)
        undeclared = colon and not (prefix and address)
        if undeclared or ":" in prefix or " " in address or prefix == DECLARATION:
            raise Refused(DAMAGED)
        if (prefix == "xml") != (address == XML):
            raise Refused(DAMAGED)
        self._addresses.setdefault(prefix, []).append(address)
        self._budget.element(DECLARATION_WEIGHT)
        return prefix

    def _expand_name(self, name: str) -> str:
        prefix, _, local = name.rpartition(":")
        addresses = self._addresses.get(prefix)
        if not (prefix and local and addresses):
            raise Refused(DAMAGED)
        return f"{addresses[-1]} {local}"


def _is_declaration(name: str) -> bool:
    return name.startswith(DECLARATION) and (name == DECLARATION or name[len(DECLARATION)] == ":")
