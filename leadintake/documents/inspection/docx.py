"""DOCX: an Open Packaging container (ECMA-376) with a Word text."""

from __future__ import annotations

import re
from typing import IO

from . import parts
from .budget import Budget
from .compound import MAGIC, Compound
from .container import Container, list_names
from .elements import Elements
from .findings import Flag, Refused
from .harm import Findings, Harm
from .links import WORD
from .markup import Attributes, Reading, read
from .relationships import ENDING, Relationships
from .sentences import DAMAGED, UNUSUAL
from .textbuffer import TextBuffer
from .unpacking import unpack
from .xmltext import Paragraphs, Vocabulary

TEXT = re.compile(r"word/document\d*\.xml")  # some Microsoft services number it
TYPES = "[Content_Types].xml"
TEXT_TYPES = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "application/vnd.ms-word.document.macroEnabled.main+xml",  # with an empty macro project at most
}
MACRO_TYPE = re.compile(r"macroEnabled|ms-office\.vbaProject|ms-word\.vbaData", re.IGNORECASE)
MACRO_NAME = re.compile(r"(.*/)?(vbaProject|vbaData)[^/]*", re.IGNORECASE)
MACRO_SHEET_TYPE = re.compile(r"ms-excel\.(intl)?macrosheet", re.IGNORECASE)
MACRO_SHEET_NAME = re.compile(r"(.*/)?macrosheets/", re.IGNORECASE)
CONTROL_TYPE = re.compile(r"ms-office\.activeX", re.IGNORECASE)
CONTROL_NAME = re.compile(r"(.*/)?activeX/", re.IGNORECASE)
MARKUP_TYPE = re.compile(r"(openxmlformats-officedocument|ms-(office|word|excel))\..*\+xml", re.IGNORECASE)
# Names that only some programs decode, and interleaved parts (ECMA-376 part 2, 6.2.2 and 8.2.2).
ODD_NAME = re.compile(
    r".*%(2[d-fD-F]|3[0-9]|[46][1-9a-fA-F]|5[0-9aAcCfF]|7[0-9aAeE])|.*/\[\d+\](\.last)?\.piece", re.I
)
SHOWN_PARTS = (re.compile(r"word/header\d*\.xml"), TEXT, re.compile(r"word/(foot|end)notes\.xml"))
VOCABULARY = Vocabulary(
    paragraphs=frozenset({"p"}),
    texts=frozenset({"t"}),
    marks={"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"},
    hidden=frozenset({"Fallback", "moveFrom", "pPr"}),  # shown elsewhere; tab stops
)
ROOTS = {f"{address} document" for address in WORD}


def fits(stream: IO[bytes]) -> bool:
    """Return whether it is an OPC package with a Word text, or encrypted."""
    names = list_names(stream)
    return (TYPES in names and any(TEXT.fullmatch(name) for name in names)) or _is_encrypted(stream)


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Inspect a DOCX and return its flags."""
    findings = Findings()
    if _is_encrypted(stream):
        findings.add(Harm.PASSWORD)
    budget = Budget()
    found = Container.of(stream, budget)
    package = Package(found, budget, findings)
    parts.inspect(found, package, Package, budget, findings)
    package.require_text()
    return frozenset(findings.flags)


def extract(stream: IO[bytes], buffer: TextBuffer) -> None:
    """Take out the text: headers, body, notes."""
    budget = Budget()
    found = Container.of(stream, budget)
    for pattern in SHOWN_PARTS:
        for entry in found.entries:
            if pattern.fullmatch(entry.name) and entry.size:
                read(unpack(found, entry, budget), Paragraphs(buffer, VOCABULARY).reading(), budget)


def _is_encrypted(stream: IO[bytes]) -> bool:
    """Return whether it is an encrypted package in a compound file, [MS-OFFCRYPTO] 2.3.2."""
    stream.seek(0)
    if stream.read(len(MAGIC)) != MAGIC:
        return False
    try:
        return Compound(stream).at_root("EncryptedPackage") is not None
    except Refused:
        return False


class Package:
    """Content types and relationships of a package, read before its other parts."""

    def __init__(self, container: Container, budget: Budget, findings: Findings) -> None:
        self._budget, self._findings = budget, findings
        self._links = Relationships(findings)
        self._types: dict[str, str] = {}
        self._names_macros = self._hides_markup = False
        self._roots: dict[str, Elements] = {}
        self.seen: set[str] = set()
        for entry in container.entries:
            name = entry.name.casefold()
            if entry.size and (name == TYPES.casefold() or name.endswith(ENDING)):
                reading = Reading(self._check_type) if name == TYPES.casefold() else self._links.reading(name)
                read(unpack(container, entry, budget), reading, budget)
                self.seen.add(entry.name)

    def reading(self, name: str) -> Reading | None:
        """Return how to read the entry `name`."""
        if ODD_NAME.match(name):
            raise Refused(UNUSUAL)
        if CONTROL_NAME.match(name):
            self._findings.add(Harm.CONTROL)
        if MACRO_SHEET_NAME.match(name):
            self._findings.add(Harm.MACROS)
        self._names_macros |= MACRO_NAME.fullmatch(name) is not None
        name = name.casefold()
        if not name.endswith((".xml", ".svg")):
            return None
        elements = Elements(self._links.of(name), self._findings)
        if name in {main.casefold() for main in self._links.main}:
            self._roots[name] = elements
        return elements.reading(typed=name.endswith(".svg"))

    def is_expected(self, name: str) -> bool:
        """Return whether an object is a chart's data, which needs no warning."""
        return name.casefold() in self._links.of_charts

    def finish(self, *, has_empty_macros: bool) -> None:
        """Refuse declared macros unless found empty, and XML without an XML ending."""
        if (self._names_macros or self._links.has_macros) and not has_empty_macros:
            self._findings.add(Harm.MACROS)
        if self._hides_markup:  # word processors go by the content type
            raise Refused(UNUSUAL)

    def require_text(self) -> None:
        """Raise Refused unless the only main part is a Word text by type and root element."""
        if len(self._links.main) != 1:
            raise Refused(DAMAGED)
        name = self._links.main[0].casefold()
        kind = self._types.get(f"/{name}") or self._types.get(name.rpartition(".")[2])
        if kind not in TEXT_TYPES or name not in self._roots or self._roots[name].root not in ROOTS:
            raise Refused(DAMAGED)

    def _check_type(self, _element: str, attributes: Attributes) -> None:
        kind = attributes.get("ContentType", "")
        if CONTROL_TYPE.search(kind):
            self._findings.add(Harm.CONTROL)
        if MACRO_SHEET_TYPE.search(kind):
            self._findings.add(Harm.MACROS)
        self._names_macros |= MACRO_TYPE.search(kind) is not None
        part, ending = attributes.get("PartName", ""), attributes.get("Extension", "")
        if MARKUP_TYPE.search(kind) and not (part or f".{ending}").lower().endswith(".xml"):
            self._hides_markup = True
        if part or ending:
            self._budget.element(4)
            self._types.setdefault((part or ending).casefold(), kind)
