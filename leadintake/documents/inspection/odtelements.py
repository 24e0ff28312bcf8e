"""The elements of an OpenDocument: what fetches, starts or shows something, and what is only clicked on."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .addresses import CLICKED, FETCHED, LINKED, SUBDOCUMENTS, TEMPLATES, Place
from .harm import Findings, Harm
from .markup import Attributes, Reading
from .work import follow

ODF = "urn:oasis:names:tc:opendocument:xmlns:"
VOCABULARY = re.compile(r"(?:urn:[^ ]*:xmlns:|http://openoffice\.org/20\d\d/)([a-z0-9-]+)(?::[\d.]+)?")
"""The short name of a vocabulary of this family; LibreOffice minds neither its version nor its age."""
SVG = "http://www.w3.org/2000/svg"
XFORMS = "http://www.w3.org/2002/xforms"
WITH_ADDRESSES = {
    *("office", "text", "table", "drawing", "draw", "form", "presentation", "animation", "database", "chart"),
    *("dr3d", "script", "loext", "smil-compatible", "field"),
}
"""Vocabularies in which an address on an element that is not listed below is taken for an object's."""

CLICKED_ON = {
    *("text a", "drawing a", "form form", "form button", "form image", "form frame"),
    *(f"drawing area-{form}" for form in ("rectangle", "circle", "polygon")),
}
PICTURES = {
    *("drawing image", "drawing fill-image", "style background-image", "text list-level-style-image"),
    *("presentation sound", "presentation event-listener", "animation audio", "animation video"),
    *(
        "svg-compatible font-face-uri",
        "svg-compatible definition-src",
        "form image-frame",
        "chart symbol-image",
    ),
}
TABLES: Mapping[str, Mapping[Place, Harm]] = {
    **dict.fromkeys(CLICKED_ON, CLICKED),
    **dict.fromkeys(PICTURES, FETCHED),
    "text section-source": SUBDOCUMENTS,
    "meta template": TEMPLATES,
    "meta auto-reload": LINKED,
}
"""By vocabulary and name, how an element follows its address."""
BRINGS = {
    "script event-listener": Harm.MACROS,
    "script event": Harm.MACROS,
    "text script": Harm.OTHER_FORMAT,
    "drawing applet": Harm.PROGRAM,
    "office dde-source": Harm.DATA_LINK,
    "text dde-connection-decl": Harm.DATA_LINK,
    "table dde-link": Harm.DATA_LINK,
    "office library-linked": Harm.MACROS,
    "SVG script": Harm.OTHER_FORMAT,
}
"""What an element brings wherever it is."""
CODE = {"office script", "office module", "office source-code", "script module"}
"""Elements whose words are code."""
CODE_ADDRESS = re.compile(r"\s*(?:macro|script|vnd\.sun\.star\.script):", re.IGNORECASE)
ADDRESSES = {
    "href": "",
    "action": "",
    "image-data": "form ",
    "datasource": "form ",
    "src": "XFORMS ",
    "schema": "XFORMS ",
}
"""Attributes that are looked at, and on elements of which vocabulary."""
EXECUTES = {"execute", "verb"}  # what a click on a shape may do, ODF 1.3 part 3, 19.380


class Elements:
    """What is read in one part. Names of attributes that mean nothing are asked about once."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._short: dict[str, str] = {}
        self._dull: set[str] = set()
        self.root = ""

    def reading(self, *, typed: bool = False) -> Reading:
        """How the part is read."""
        return Reading(self._begin, self._text, typed=typed)

    def _begin(self, element: str, attributes: Attributes) -> None:
        self.root = self.root or element
        short = self._short.get(element)
        if short is None:
            short = self._short[element] = _short(element)
        if short in BRINGS:
            self._findings.add(BRINGS[short])
        if not attributes.keys() <= self._dull:
            for name, value in attributes.items():
                if name not in self._dull:
                    self._judge_attribute(short, name, value)

    def _text(self, element: str, words: str) -> None:
        if self._short[element] in CODE and words.strip():
            self._findings.add(Harm.MACROS)

    def _judge_attribute(self, element: str, attribute: str, value: str) -> None:
        vocabulary, _, name = attribute.rpartition(" ")
        if name not in ADDRESSES and not name.startswith("on"):
            self._dull.add(attribute)
        elif name == "href":
            if vocabulary.lower().endswith("xlink") or element.startswith("SVG "):
                self._follow(element, value)
        elif name == "action":
            if element.startswith(("presentation ", "drawing ")) and value.strip() in EXECUTES:
                self._findings.add(Harm.LINK_TO_PROGRAM)
        elif name.startswith("on"):
            if element.startswith("SVG "):
                self._findings.add(Harm.OTHER_FORMAT)
        elif element.startswith(ADDRESSES[name]):
            follow(self._findings, value, FETCHED if name == "image-data" else LINKED)

    def _follow(self, element: str, address: str) -> None:
        table = TABLES.get(element)
        if element.startswith("SVG "):
            table = CLICKED if element == "SVG a" else FETCHED
        vocabulary = element.partition(" ")[0]
        if table is None and vocabulary in WITH_ADDRESSES:
            table = LINKED
        if CODE_ADDRESS.match(address) and table is not CLICKED:
            self._findings.add(Harm.MACROS)
        if table is not None:  # nothing fetches the others
            follow(self._findings, address, table)


def _short(name: str) -> str:
    """The vocabulary, in one word, and the own name of an element or attribute."""
    address, _, local = name.rpartition(" ")
    if address in {SVG, XFORMS}:
        return f"{'SVG' if address == SVG else 'XFORMS'} {'script' if local == 'foreignObject' else local}"
    found = VOCABULARY.match(address)
    return f"{found[1]} {local}" if found else local
