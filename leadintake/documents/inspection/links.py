"""Fields of a DOCX, and paths that leave the container."""

from __future__ import annotations

from urllib.parse import unquote

from . import instructions
from .findings import Refused
from .harm import Findings
from .markup import Attributes
from .sentences import UNUSUAL

# Namespaces of WordprocessingML, transitional and strict: ECMA-376 part 1 annex A and part 4.
WORD = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
}
INSTRUCTION_TEXTS = {f"{address} {name}" for address in WORD for name in ("instrText", "delInstrText")}
RESULT_TEXTS = {f"{address} {name}" for address in WORD for name in ("t", "delText")}
SIMPLE = {f"{address} fldSimple": f"{address} instr" for address in WORD}
MARKS = {f"{address} fldChar": f"{address} fldCharType" for address in WORD}
MARK_UNITS = 3
"""Units of work for the marks of a field, besides the field itself."""


def leads_outside(target: str, folder: str) -> bool:
    """Return whether a path, relative to a folder or the root, leaves the container."""
    path = unquote(target).replace("\\", "/")
    depth = 0 if path.startswith("/") else sum(part not in ("", ".") for part in folder.split("/"))
    for part in path.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


class Fields:
    """Fields of one part of a DOCX (ECMA-376 part 1, 17.16).

    Word processors may skip foreign elements (of other namespaces) or choose among them (part 3). So fields
    must be the same with and without these: each must leave as many fields open as it found.
    """

    def __init__(self, findings: Findings) -> None:
        self._fields, self._findings = instructions.Fields(findings), findings
        self._outer_depths: list[int] = []  # fields open before each open foreign element
        self._is_foreign: dict[str, bool] = {}

    def begin(self, element: str, attributes: Attributes) -> None:
        """Process the start of an element."""
        is_foreign = self._is_foreign.get(element)
        if is_foreign is None:
            is_foreign = self._is_foreign[element] = element.rpartition(" ")[0] not in WORD
        if is_foreign:
            self._outer_depths.append(self._fields.depth)
        elif element in SIMPLE:
            self._begin()
            self._fields.add_text(attributes.get(SIMPLE[element], ""))
            self._fields.separate()
        elif element in MARKS:
            self._mark(attributes.get(MARKS[element], ""))

    def text(self, element: str, words: str) -> None:
        """Add a piece of an element's text."""
        if self._fields.needs_text:
            is_shown = element in RESULT_TEXTS and self._fields.depth > (
                self._outer_depths[-1] if self._outer_depths else 0
            )
            if is_shown or (element in INSTRUCTION_TEXTS and self._is_in_field()):
                self._fields.add_text(words)

    def end(self, element: str) -> None:
        """Process the end of an element."""
        if self._is_foreign[element]:
            if self._outer_depths.pop() != self._fields.depth:
                raise Refused(UNUSUAL)
        elif element in SIMPLE:
            self._fields.end()

    def end_all(self) -> None:
        """Process the end of the part."""
        self._fields.end_all()

    def _begin(self) -> None:
        self._findings.spend(MARK_UNITS)
        self._fields.begin()

    def _mark(self, kind: str) -> None:
        if kind == "begin":
            self._begin()
        elif self._is_in_field():  # "separate" or "end"
            self._fields.end() if kind == "end" else self._fields.separate()

    def _is_in_field(self) -> bool:
        outer_depth = self._outer_depths[-1] if self._outer_depths else 0
        if outer_depth and self._fields.depth == outer_depth:
            raise Refused(UNUSUAL)
        return self._fields.depth > 0
