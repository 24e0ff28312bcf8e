"""Elements of an OpenDocument that fetch, start or show something, at once or at a click."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .addresses import CLICK_HARMS, FETCH_HARMS, LINK_HARMS, SUBDOCUMENT_HARMS, TEMPLATE_HARMS, Place
from .harm import Findings, Harm
from .markup import Attributes, Reading
from .work import judge_address

ODF = "urn:oasis:names:tc:opendocument:xmlns:"
VOCABULARY = re.compile(r"(?:urn:[^ ]*:xmlns:|http://openoffice\.org/20\d\d/)([a-z0-9-]+)(?::[\d.]+)?")
"""ODF namespace and its short name; like LibreOffice, ignores version and age."""
SVG = "http://www.w3.org/2000/svg"
XFORMS = "http://www.w3.org/2002/xforms"
OBJECT_VOCABULARIES = {
    *("office", "text", "table", "drawing", "draw", "form", "presentation", "animation", "database", "chart"),
    *("dr3d", "script", "loext", "smil-compatible", "field"),
}
"""Namespaces in which an address counts as an object's unless its element is in TABLES."""

CLICK_ELEMENTS = {
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
    **dict.fromkeys(CLICK_ELEMENTS, CLICK_HARMS),
    **dict.fromkeys(PICTURES, FETCH_HARMS),
    "text section-source": SUBDOCUMENT_HARMS,
    "meta template": TEMPLATE_HARMS,
    "meta auto-reload": LINK_HARMS,
}
"""Harm table by short name of an element with an address."""
ELEMENT_HARMS = {
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
"""Harm by short name."""
CODE = {"office script", "office module", "office source-code", "script module"}
"""Elements whose text is code."""
CODE_ADDRESS = re.compile(r"\s*(?:macro|script|vnd\.sun\.star\.script):", re.IGNORECASE)
ADDRESSES = {
    "href": "",
    "action": "",
    "image-data": "form ",
    "datasource": "form ",
    "src": "XFORMS ",
    "schema": "XFORMS ",
}
"""Attributes that are judged, with the prefix of their elements."""
EXECUTE_ACTIONS = {"execute", "verb"}  # actions of a click on a shape, ODF 1.3 part 3, 19.380


class Elements:
    """Judge of one part. Attribute names found harmless are not judged again."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._short_names: dict[str, str] = {}
        self._harmless: set[str] = set()
        self.root = ""

    def reading(self, *, typed: bool = False) -> Reading:
        """Return how to read the part."""
        return Reading(self._begin, self._text, typed=typed)

    def _begin(self, element: str, attributes: Attributes) -> None:
        self.root = self.root or element
        short = self._short_names.get(element)
        if short is None:
            short = self._short_names[element] = _shorten_name(element)
        if short in ELEMENT_HARMS:
            self._findings.add(ELEMENT_HARMS[short])
        if not attributes.keys() <= self._harmless:
            for name, value in attributes.items():
                if name not in self._harmless:
                    self._judge_attribute(short, name, value)

    def _text(self, element: str, words: str) -> None:
        if self._short_names[element] in CODE and words.strip():
            self._findings.add(Harm.MACROS)

    def _judge_attribute(self, element: str, attribute: str, value: str) -> None:
        vocabulary, _, name = attribute.rpartition(" ")
        if name not in ADDRESSES and not name.startswith("on"):
            self._harmless.add(attribute)
        elif name == "href":
            if vocabulary.lower().endswith("xlink") or element.startswith("SVG "):
                self._judge_href(element, value)
        elif name == "action":
            if element.startswith(("presentation ", "drawing ")) and value.strip() in EXECUTE_ACTIONS:
                self._findings.add(Harm.LINK_TO_PROGRAM)
        elif name.startswith("on"):
            if element.startswith("SVG "):
                self._findings.add(Harm.OTHER_FORMAT)
        elif element.startswith(ADDRESSES[name]):
            judge_address(self._findings, value, FETCH_HARMS if name == "image-data" else LINK_HARMS)

    def _judge_href(self, element: str, address: str) -> None:
        table = TABLES.get(element)
        if element.startswith("SVG "):
            table = CLICK_HARMS if element == "SVG a" else FETCH_HARMS
        vocabulary = element.partition(" ")[0]
        if table is None and vocabulary in OBJECT_VOCABULARIES:
            table = LINK_HARMS
        if CODE_ADDRESS.match(address) and table is not CLICK_HARMS:
            self._findings.add(Harm.MACROS)
        if table is not None:  # programs do not fetch from other elements
            judge_address(self._findings, address, table)


def _shorten_name(name: str) -> str:
    """Return an element's short namespace and local name."""
    address, _, local = name.rpartition(" ")
    if address in {SVG, XFORMS}:
        return f"{'SVG' if address == SVG else 'XFORMS'} {'script' if local == 'foreignObject' else local}"
    found = VOCABULARY.match(address)
    return f"{found[1]} {local}" if found else local
