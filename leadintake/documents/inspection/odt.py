"""ODT: an OpenDocument container (ODF 1.3) with a text in it."""

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
from .unpacking import unpacked

KIND, TEXT, LOCKED_WHOLE, MANIFEST = "mimetype", "content.xml", "encrypted-package", "META-INF/manifest.xml"
KINDS = {b"application/vnd.oasis.opendocument.text"}
"""What the entry `mimetype` says, wherever it stands (ODF 1.3 part 2, 3.3); templates say more."""
LONGEST_KIND = 128
ROOT = f"{ODF}office:1.0 document-content"
LOCK = "encryption-data"  # whatever the version of its vocabulary


def fits(stream: IO[bytes]) -> bool:
    """Whether it is a container that says of itself that it is an OpenDocument text."""
    try:
        budget = Budget()
        found = Container.of(stream, budget)
        names = {entry.name for entry in found.entries}
        if KIND not in names or names.isdisjoint({TEXT, LOCKED_WHOLE}):
            return False
        entry = found.find(KIND)
        if entry.size > LONGEST_KIND:
            return False
        return b"".join(islice(unpacked(found, entry, budget), LONGEST_KIND)).strip() in KINDS
    except Refused:
        return False


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Flags of a whole ODT. Raises Refused.

    Formulas and charts of its own are folders of XML, looked at like the rest and no reason for a flag.
    """
    budget, findings = Budget(), Findings()
    found = Container.of(stream, budget)
    package = Package(found, budget, findings)
    if package.is_locked:
        for entry in found.entries:  # the bytes of what is locked say nothing
            parts.judge_name(entry.name, findings)
            if CODE.fullmatch(entry.name):
                findings.add(Harm.MACROS)
        findings.add(Harm.PASSWORD)
    package.require_manifest()
    parts.inspect(found, package, Package, budget, findings)
    if package.root != ROOT:
        raise Refused(DAMAGED)
    return frozenset(findings.flags)


class Package:
    """What the manifest of a container says, which is read before its other parts."""

    def __init__(self, found: Container, budget: Budget, findings: Findings) -> None:
        self._findings = findings
        self._text: Elements | None = None
        self.seen: set[str] = set()
        self.is_locked = False
        for entry in found.entries:
            if entry.name.casefold() == MANIFEST.casefold() and entry.size:
                # OpenOffice 2 and KOffice name the type of their manifest, and nobody fetches it.
                read(unpacked(found, entry, budget), Reading(self._begin, typed=True), budget)
                self.seen.add(entry.name)

    @property
    def root(self) -> str:
        """The outermost element of the text."""
        return self._text.root if self._text else ""

    def reading(self, name: str) -> Reading | None:
        """How the entry of this name is read. Raises Refused."""
        if CODE.fullmatch(name):
            return Library(self._findings).reading(name)
        if not name.lower().endswith((".xml", ".svg")):
            return None
        elements = Elements(self._findings)
        if name.casefold() == TEXT:
            self._text = elements
        return elements.reading(typed=name.lower().endswith(".svg"))

    def is_expected(self, _name: str) -> bool:
        """Whether an object of this name is nothing to be warned of: charts of its own are no containers."""
        return False

    def finish(self, *, has_empty_macros: bool) -> None:
        """Nothing only shows at the end."""

    def require_manifest(self) -> None:
        """Raise Refused when there was none, or an empty one."""
        if not self.seen:
            raise Refused(DAMAGED)

    def _begin(self, element: str, _attributes: Attributes) -> None:
        self.is_locked |= element.rpartition(" ")[2] == LOCK
