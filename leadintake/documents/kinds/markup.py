"""XML parts, read by expat while they are unpacked: no tree, no document type, no entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from xml.parsers import expat

from leadintake.documents.findings import Refused
from leadintake.documents.kinds.budget import MB, Budget
from leadintake.documents.kinds.sentences import DAMAGED, UNUSUAL

Attributes = dict[str, str]
Start = Callable[[str, Attributes], None]
"""Called with each element's name and attributes; names are "namespace local" or just "local"."""

DEEPEST = 256  # libxml2's limit too, and Word's own nesting stays far below
LONGEST_TAG = 4 * MB
"""Bytes of one tag. Old drawings have pictures in one; expat reads an unfinished tag again and again."""


def ignore(_element: str, _attributes: Attributes) -> None:
    """Look at nothing but the form."""


class _Form:
    def __init__(self, start: Start, budget: Budget) -> None:
        self.start, self.budget, self.depth = start, budget, 0

    def begin(self, element: str, attributes: Attributes) -> None:
        self.budget.element()
        self.depth += 1
        if self.depth > DEEPEST:
            raise Refused(UNUSUAL)
        self.start(element, attributes)

    def end(self, _element: str) -> None:
        self.depth -= 1


def root(pieces: Iterable[bytes], budget: Budget) -> str:
    """The name of the outermost element. Raises Refused as `read` does."""
    names: list[str] = []
    read(pieces, lambda name, _: None if names else names.append(name), budget)
    return names[0]


def read(pieces: Iterable[bytes], start: Start, budget: Budget) -> None:
    """Call `start` with each element. Raises Refused when it is no XML, or declares a document type."""
    parser = expat.ParserCreate(namespace_separator=" ")
    form = _Form(start, budget)
    parser.StartElementHandler, parser.EndElementHandler = form.begin, form.end
    parser.StartDoctypeDeclHandler = _refuse  # and so there are no entities either
    read = 0
    try:
        for piece in pieces:
            budget.parse(len(piece))
            read += len(piece)
            parser.Parse(piece, False)
            if read - parser.CurrentByteIndex > LONGEST_TAG:
                _refuse()
        parser.Parse(b"", True)
    except Refused:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: an encoding it does not know
        raise Refused(DAMAGED) from error


def _refuse(*_declared: object) -> None:
    raise Refused(UNUSUAL)
