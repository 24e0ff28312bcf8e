"""ODT: an OpenDocument container (ODF 1.3) with a text."""

from __future__ import annotations

from itertools import islice
from typing import IO

from . import parts
from .budget import Budget
from .container import Container
from .findings import Flag, Refused
from .harm import Findings, Harm
from .libraries import CODE, Library
from .markup import Attributes, Reading, read
from .odtelements import ODF, Elements
from .sentences import DAMAGED
from .textbuffer import TextBuffer
from .unpacking import unpack
from .xmltext import Paragraphs, Vocabulary

KIND, TEXT, LOCKED_WHOLE, MANIFEST = "mimetype", "content.xml", "encrypted-package", "META-INF/manifest.xml"
KINDS = {b"application/vnd.oasis.opendocument.text"}
"""Accepted content of the entry `mimetype`, at any position (ODF 1.3 part 2, 3.3); templates have another."""
MAX_KIND_LENGTH = 128
ROOT = f"{ODF}office:1.0 document-content"
STYLES = "styles.xml"
VOCABULARY = Vocabulary(
    paragraphs=frozenset({"p", "h"}),
    texts=frozenset(),
    marks={"tab": "\t", "line-break": "\n", "s": " "},
    hidden=frozenset({"annotation", "tracked-changes", "footer", "script", "title", "desc"}),
    count="c",
)
LOCK = "encryption-data"  # in any version of its namespace


def fits(stream: IO[bytes]) -> bool:
    """Return whether it is a container with the mimetype of an OpenDocument text."""
    try:
        budget = Budget()
        found = Container.of(stream, budget)
        names = {entry.name for entry in found.entries}
        if KIND not in names or names.isdisjoint({TEXT, LOCKED_WHOLE}):
            return False
        entry = found.find(KIND)
        if entry.size > MAX_KIND_LENGTH:
            return False
        return b"".join(islice(unpack(found, entry, budget), MAX_KIND_LENGTH)).strip() in KINDS
    except Refused:
        return False


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Inspect an ODT and return its flags.

    Formulas and charts are folders of XML: inspected like the rest, without a flag.
    """
    budget, findings = Budget(), Findings()
    found = Container.of(stream, budget)
    package = Package(found, budget, findings)
    if package.is_locked:
        for entry in found.entries:  # encrypted content cannot be inspected
            parts.judge_name(entry.name, findings)
            if CODE.fullmatch(entry.name):
                findings.add(Harm.MACROS)
        findings.add(Harm.PASSWORD)
    package.require_manifest()
    parts.inspect(found, package, Package, budget, findings)
    if package.root != ROOT:
        raise Refused(DAMAGED)
    return frozenset(findings.flags)


def extract(stream: IO[bytes], buffer: TextBuffer) -> None:
    """Take out the text: headers of pages, then the body."""
    budget = Budget()
    found = Container.of(stream, budget)
    for name in (STYLES, TEXT):
        for entry in found.entries:
            if entry.name.casefold() == name and entry.size:
                read(unpack(found, entry, budget), Paragraphs(buffer, VOCABULARY).reading(), budget)


class Package:
    """Manifest of a container, read before its other parts."""

    def __init__(self, container: Container, budget: Budget, findings: Findings) -> None:
        self._findings = findings
        self._text: Elements | None = None
        self.seen: set[str] = set()
        self.is_locked = False
        for entry in container.entries:
            if entry.name.casefold() == MANIFEST.casefold() and entry.size:
                # OpenOffice 2 and KOffice name a document type in the manifest; programs do not fetch it.
                read(unpack(container, entry, budget), Reading(self._begin, typed=True), budget)
                self.seen.add(entry.name)

    @property
    def root(self) -> str:
        """Root element of the text."""
        return self._text.root if self._text else ""

    def reading(self, name: str) -> Reading | None:
        """Return how to read the entry `name`."""
        if CODE.fullmatch(name):
            return Library(self._findings).reading(name)
        if not name.lower().endswith((".xml", ".svg")):
            return None
        elements = Elements(self._findings)
        if name.casefold() == TEXT:
            self._text = elements
        return elements.reading(typed=name.lower().endswith(".svg"))

    def is_expected(self, _name: str) -> bool:
        """Return False: ODF's charts are no containers."""
        return False

    def finish(self, *, has_empty_macros: bool) -> None:
        """Do nothing: no finding needs all entries."""

    def require_manifest(self) -> None:
        """Raise Refused if the manifest is missing or empty."""
        if not self.seen:
            raise Refused(DAMAGED)

    def _begin(self, element: str, _attributes: Attributes) -> None:
        self.is_locked |= element.rpartition(" ")[2] == LOCK
