"""DOCX: an Open Packaging container (ECMA-376) with a Word text in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection
from typing import IO

from . import parts
from .budget import Budget
from .compound import Compound
from .container import Container, names_in
from .findings import Flag, Refused
from .links import WORD, Fields, leaves, reaches_out
from .markup import Attributes, Reading, read, root
from .sentences import CONTROLS, DAMAGED, FETCHES, LOCKED, MACROS, TOO_MUCH, UNUSUAL
from .unpacking import unpacked

TEXT = re.compile(r"word/document\d*\.xml")  # some of Word's own services number it
TYPES = "[Content_Types].xml"
TEXT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
MACRO_TYPE = re.compile(
    r"macroEnabled|ms-office\.vbaProject|ms-word\.vbaData|ms-excel\.(intl)?macrosheet", re.IGNORECASE
)
MACRO_NAME = re.compile(r"vbaProject|vbaData|xl/macrosheets/", re.IGNORECASE)
CONTROL_TYPE = re.compile(r"ms-office\.activeX", re.IGNORECASE)
CONTROL_NAME = re.compile(r"activeX/", re.IGNORECASE)
MARKUP_TYPE = re.compile(r"openxmlformats-officedocument\..*\+xml", re.IGNORECASE)
ROOTS = {f"{address} document" for address in WORD}
LINK = "http://schemas.openxmlformats.org/package/2006/relationships Relationship"
LINKS = ".rels"
CLICKED = {"hyperlink", "hlinkClick", "hlinkHover", "hlinkMouseOver"}
MOST_CLICKED = 10_000


def fits(stream: IO[bytes]) -> bool:
    """Whether it is an OPC package with a Word text in it, or such a one under lock and key."""
    names = names_in(stream)
    return (TYPES in names and any(TEXT.fullmatch(name) for name in names)) or _is_locked(stream)


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Flags of a whole DOCX. Raises Refused."""
    if _is_locked(stream):
        raise Refused(LOCKED)
    budget = Budget()
    package = Container.of(stream, budget)
    flags = parts.inspect(package, _opened, budget)
    text = _Text(package, budget)
    if (text.type or text.default) != TEXT_TYPE or text.root not in ROOTS:
        raise Refused(DAMAGED)
    return flags


def _is_locked(stream: IO[bytes]) -> bool:
    """A package with a password is a stream in a compound file, [MS-OFFCRYPTO] 2.3.2."""
    try:
        return Compound(stream).at_root("EncryptedPackage") is not None
    except Refused:
        return False


class _Text:
    """The main part: the package's links tell its name, the list of types its type, itself its root."""

    def __init__(self, package: Container, budget: Budget) -> None:
        self.name = self.type = self.default = ""
        read(unpacked(package, package.find("_rels/.rels"), budget), Reading(self._link), budget)
        read(unpacked(package, package.find(TYPES), budget), Reading(self._type), budget)
        self.root = root(unpacked(package, package.find(self.name), budget), budget)

    def _link(self, element: str, attributes: Attributes) -> None:
        if element == LINK and attributes.get("Type", "").endswith("/relationships/officeDocument"):
            if self.name:
                raise Refused(DAMAGED)
            self.name = posixpath.normpath(attributes.get("Target", "").lstrip("/"))

    def _type(self, _element: str, attributes: Attributes) -> None:
        if attributes.get("PartName", "").casefold() == f"/{self.name}".casefold():
            self.type = attributes.get("ContentType", "")
        elif attributes.get("Extension", "").casefold() == self.name.rpartition(".")[2].casefold():
            self.default = attributes.get("ContentType", "")


def _opened(package: Container, budget: Budget) -> parts.Look:
    clicked = _Clicked(package, budget)
    return lambda name: _look(name, clicked)


def _look(name: str, clicked: _Clicked) -> Reading | None:
    if CONTROL_NAME.search(name):
        raise Refused(CONTROLS)
    if MACRO_NAME.search(name):
        raise Refused(MACROS)
    if name.casefold() == TYPES.casefold():
        return Reading(_check_type)
    if name.lower().endswith(LINKS):
        folder = _folder_of(name)
        return Reading(
            lambda element, attributes: _check_link(folder, attributes) if element == LINK else None
        )
    return _words(clicked.of(name)) if name.lower().endswith(".xml") else None


def _words(clicked: Collection[str]) -> Reading:
    fields = Fields()

    def check(element: str, attributes: Attributes) -> None:
        name = element.rpartition(" ")[2]
        if name == "ddeLink":  # in a spreadsheet: what another program tells
            raise Refused(FETCHES)
        if name == "altChunk":  # a document of another format, whatever the type of the link to it
            raise Refused(UNUSUAL)
        _refuse_unclicked(element, attributes, clicked)
        fields.begin(element, attributes)

    return Reading(check, fields.text, fields.end)


def _check_type(_element: str, attributes: Attributes) -> None:
    kind = attributes.get("ContentType", "")
    if CONTROL_TYPE.search(kind):
        raise Refused(CONTROLS)
    if MACRO_TYPE.search(kind):
        raise Refused(MACROS)
    name = attributes.get("PartName") or f".{attributes.get('Extension', '')}"
    if MARKUP_TYPE.search(kind) and not name.lower().endswith(".xml"):  # readers go by the type
        raise Refused(UNUSUAL)


class _Clicked:
    """The links of type hyperlink that lead to another computer, by the part they are of.

    Readers look up a link by its id and not by its type, so that a picture may name one of these.
    """

    def __init__(self, package: Container, budget: Budget) -> None:
        self._ids: dict[str, set[str]] = {}
        self._count = 0
        for entry in package.entries:
            if entry.name.lower().endswith(LINKS) and entry.size:
                self._add(package, entry.name, budget)

    def of(self, part: str) -> Collection[str]:
        """The ids in a part."""
        return self._ids.get(part.casefold(), ())

    def _add(self, package: Container, name: str, budget: Budget) -> None:
        ids: set[str] = set()

        def keep(element: str, attributes: Attributes) -> None:
            if element == LINK and _kind(attributes) == "hyperlink" and reaches_out(_target(attributes)):
                ids.add(attributes.get("Id", ""))
                self._count += 1
                if self._count > MOST_CLICKED:
                    raise Refused(TOO_MUCH)

        read(unpacked(package, package.find(name), budget), Reading(keep), budget)
        part = posixpath.join(_folder_of(name), posixpath.basename(name)[: -len(LINKS)])
        self._ids[part.casefold()] = ids


def _folder_of(name: str) -> str:
    """The folder in which the parts lie whose links are in the part of this name."""
    return posixpath.dirname(posixpath.dirname(name))


def _check_link(folder: str, attributes: Attributes) -> None:
    """Raise Refused for a link that brings code or is followed by opening the document."""
    kind, target = _kind(attributes), _target(attributes)
    if kind == "afchunk":
        raise Refused(UNUSUAL)
    if kind == "vbaproject":
        raise Refused(MACROS)
    if kind == "hyperlink":  # followed when somebody clicks on it; everything else by opening the document
        return
    if reaches_out(target):
        raise Refused(FETCHES)
    if attributes.get("TargetMode") != "External" and leaves(target, folder):
        raise Refused(UNUSUAL)


def _refuse_unclicked(element: str, attributes: Attributes, ids: Collection[str]) -> None:
    """Raise Refused when something that nobody clicks on uses one of these links."""
    if ids and element.rpartition(" ")[2] not in CLICKED:
        for name, value in attributes.items():
            if value in ids and name.rpartition(" ")[0].endswith("/relationships"):
                raise Refused(FETCHES)


def _kind(attributes: Attributes) -> str:
    return attributes.get("Type", "").rpartition("/")[2].casefold()


def _target(attributes: Attributes) -> str:
    return attributes.get("Target", "")
