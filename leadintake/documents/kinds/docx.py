"""DOCX: an Open Packaging container (ECMA-376) with a Word text in it."""

from __future__ import annotations

import posixpath
import re
from typing import IO

from leadintake.documents.findings import Flag, Refused
from leadintake.documents.kinds import parts
from leadintake.documents.kinds.budget import Budget
from leadintake.documents.kinds.compound import Compound
from leadintake.documents.kinds.container import Container, names_in
from leadintake.documents.kinds.links import leaves, reaches_out
from leadintake.documents.kinds.markup import Attributes, Start, ignore, read, root
from leadintake.documents.kinds.sentences import DAMAGED, FETCHES, LOCKED, MACROS, UNUSUAL
from leadintake.documents.kinds.unpacking import unpacked

TEXT = re.compile(r"word/document\d*\.xml")  # some of Word's own services number it
TYPES = "[Content_Types].xml"
TEXT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
MACRO_TYPE = re.compile(r"macroEnabled|ms-office\.(vbaProject|activeX)|ms-word\.vbaData", re.IGNORECASE)
MACRO_NAME = re.compile(r"vbaProject|vbaData|activeX/", re.IGNORECASE)
# Each name in its transitional and its strict form, ECMA-376 part 1 annex A and part 4.
ROOTS = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main document",
    "http://purl.oclc.org/ooxml/wordprocessingml/main document",
}
LINK = "http://schemas.openxmlformats.org/package/2006/relationships Relationship"


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
    flags = parts.inspect(package, _look, budget)
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
        read(unpacked(package, package.find("_rels/.rels"), budget), self._link, budget)
        read(unpacked(package, package.find(TYPES), budget), self._type, budget)
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


def _look(name: str) -> Start | None:
    if MACRO_NAME.search(name):
        raise Refused(MACROS)
    if name.casefold() == TYPES.casefold():
        return _check_type
    if name.lower().endswith(".rels"):
        folder = posixpath.dirname(posixpath.dirname(name))
        return lambda element, attributes: _check_link(folder, attributes) if element == LINK else None
    return ignore if name.lower().endswith(".xml") else None


def _check_type(_element: str, attributes: Attributes) -> None:
    if MACRO_TYPE.search(attributes.get("ContentType", "")):
        raise Refused(MACROS)


def _check_link(folder: str, attributes: Attributes) -> None:
    kind = attributes.get("Type", "").rpartition("/")[2].casefold()
    target = attributes.get("Target", "")
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
