"""Macro libraries of OpenDocument containers. LibreOffice leaves empty ones in documents without macros."""

from __future__ import annotations

import re

from .findings import Refused
from .harm import Findings, Harm
from .markup import Attributes, Reading
from .sentences import UNUSUAL

CODE = re.compile(r"(?:.*/)?(Basic|Dialogs|Scripts)/.*[^/]", re.IGNORECASE | re.DOTALL)
INDEX = re.compile(r".*/(?:script|dialog)-l[bc]\.xml", re.IGNORECASE | re.DOTALL)
LIBRARY, SCRIPT = "http://openoffice.org/2000/library", "http://openoffice.org/2000/script"
XLINK = "http://www.w3.org/1999/xlink"
LISTS = {f"{LIBRARY} {name}" for name in ("libraries", "library", "element")}
MODULE = f"{SCRIPT} module"
# Lines without effect in LibreOffice's new modules.
EMPTY_LINE = re.compile(
    r"\s*(?:(?:REM\b|').*(?<!_)|Option \w+(?: \w+)?|Sub Main(?:\(\))?|End Sub)?\s*", re.IGNORECASE
)
MAX_LENGTH = 64 * 1024


class Library:
    """Part of a library: an index or a module."""

    def __init__(self, findings: Findings) -> None:
        self._findings, self._source, self._size = findings, list[str](), 0

    def reading(self, name: str) -> Reading:
        """Return how to read the part `name`. Raises Refused unless it is an index or Basic."""
        if INDEX.fullmatch(name):
            return Reading(self._list, self._refuse_words, typed=True)
        if not name.lower().endswith(".xml") or CODE.fullmatch(name)[1].lower() != "basic":  # type: ignore[index] # callers match CODE first
            self._findings.add(Harm.MACROS)
        return Reading(self._module, self._add, typed=True, done=self._judge)

    def _list(self, element: str, attributes: Attributes) -> None:
        target = attributes.get(f"{XLINK} href", "")
        is_linked = attributes.get(f"{LIBRARY} link", "false") != "false" or target
        is_locked = attributes.get(f"{LIBRARY} passwordprotected", "false") != "false"
        if element not in LISTS or is_linked or is_locked:
            self._findings.add(Harm.MACROS)

    def _refuse_words(self, _element: str, words: str) -> None:
        if words.strip():
            raise Refused(UNUSUAL)

    def _module(self, element: str, _attributes: Attributes) -> None:
        if element != MODULE:
            self._findings.add(Harm.MACROS)

    def _add(self, _element: str, words: str) -> None:
        self._size += len(words)
        if self._size > MAX_LENGTH:
            self._findings.add(Harm.MACROS)
        self._source.append(words)

    def _judge(self) -> None:
        lines = "".join(self._source).splitlines()
        is_empty = all(map(EMPTY_LINE.fullmatch, lines))
        self._findings.add(Harm.EMPTY_MACROS if is_empty else Harm.MACROS)
