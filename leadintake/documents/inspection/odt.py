"""ODT: an OpenDocument container (ODF 1.3) with a text in it."""

from __future__ import annotations

import re
from typing import IO

from . import parts
from .budget import Budget
from .container import Container, names_in
from .findings import Flag, Refused
from .links import reaches_out
from .markup import Attributes, Reading, read, root
from .sentences import DAMAGED, FETCHES, MACROS
from .unpacking import unpacked

# ODF 1.3 part 2, 3.3: the first entry is `mimetype`, stored. Templates and masters go on with a hyphen.
START = re.compile(rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis\.opendocument\.text(?!-)", re.DOTALL)
TEXT, LOCKED_WHOLE, MANIFEST = "content.xml", "encrypted-package", "META-INF/manifest.xml"
CODE = re.compile(r"(.*/)?(Basic|Dialogs|Scripts)/.*[^/]", re.IGNORECASE | re.DOTALL)
CODE_LINK = re.compile(r"\s*(macro|script|vnd\.sun\.star\.[a-z]+):", re.IGNORECASE)

ODF = "urn:oasis:names:tc:opendocument:xmlns:"
ROOT = f"{ODF}office:1.0 document-content"
LISTED, LOCK = f"{ODF}manifest:1.0 file-entry", f"{ODF}manifest:1.0 encryption-data"
PATH = f"{ODF}manifest:1.0 full-path"
CODE_ELEMENTS = {f"{ODF}office:1.0 script", f"{ODF}script:1.0 event-listener"}
DDE_ELEMENTS = {f"{ODF}office:1.0 dde-source", f"{ODF}text:1.0 dde-connection-decl"}
AREAS = {f"{ODF}drawing:1.0 area-{form}" for form in ("rectangle", "circle", "polygon")}
CLICKED = {f"{ODF}text:1.0 a", f"{ODF}drawing:1.0 a"} | AREAS
HREF = "http://www.w3.org/1999/xlink href"


def fits(stream: IO[bytes]) -> bool:
    """Whether it is a container that says in its first bytes that it is an OpenDocument text."""
    if names_in(stream).isdisjoint({TEXT, LOCKED_WHOLE}):
        return False
    stream.seek(0)
    return START.match(stream.read(128)) is not None


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Flags of a whole ODT. Raises Refused.

    Formulas and charts of its own are folders of XML, looked at like the rest and no reason for a flag.
    """
    budget = Budget()
    package = Container.of(stream, budget)
    manifest = _Manifest()
    read(unpacked(package, package.find(MANIFEST), budget), Reading(manifest.begin, typed=True), budget)
    flags = parts.inspect(package, lambda *_: _look, budget, locked=manifest.locked)
    if manifest.locked:
        return flags | {Flag.ENCRYPTED}
    if root(unpacked(package, package.find(TEXT), budget), budget) != ROOT:
        raise Refused(DAMAGED)
    return flags


class _Manifest:
    """The paths of what is locked with a password, ODF 1.3 part 2, 4.8."""

    def __init__(self) -> None:
        self.locked: set[str] = set()
        self._path = ""

    def begin(self, element: str, attributes: Attributes) -> None:
        if element == LISTED:
            self._path = attributes.get(PATH, "")
        elif element == LOCK:
            self.locked.add(self._path)


def _look(name: str) -> Reading | None:
    if CODE.fullmatch(name):
        raise Refused(MACROS)
    # OpenOffice 2 and KOffice name the type of their manifest, and nobody fetches it.
    return Reading(_check, typed=name == MANIFEST) if name.lower().endswith(".xml") else None


def _check(element: str, attributes: Attributes) -> None:
    target = attributes.get(HREF, "")
    if element in CODE_ELEMENTS or CODE_LINK.match(target):
        raise Refused(MACROS)
    if element in DDE_ELEMENTS or (element not in CLICKED and reaches_out(target)):
        raise Refused(FETCHES)
