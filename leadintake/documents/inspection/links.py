"""The fields and paths of a DOCX: what they are made of, and whether they leave the container."""

from __future__ import annotations

from urllib.parse import unquote

from . import instructions
from .findings import Refused
from .harm import Findings
from .markup import Attributes
from .sentences import UNUSUAL

# The vocabulary of a Word text in its transitional and its strict form, ECMA-376 part 1 annex A and part 4.
WORD = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
}
INSTRUCTS = {f"{address} {name}" for address in WORD for name in ("instrText", "delInstrText")}
SHOWS = {f"{address} {name}" for address in WORD for name in ("t", "delText")}
SIMPLE = {f"{address} fldSimple": f"{address} instr" for address in WORD}
MARKS = {f"{address} fldChar": f"{address} fldCharType" for address in WORD}
OF_MARKS = 3
"""Units of work that the marks of a field in XML cost, beside what the field does."""


def leaves(target: str, folder: str) -> bool:
    """Whether a path, relative to a folder of the container or to its root, leads out of the container."""
    path = unquote(target).replace("\\", "/")
    depth = 0 if path.startswith("/") else sum(part not in ("", ".") for part in folder.split("/"))
    for part in path.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


class Fields:
    """The fields of one part of a DOCX (ECMA-376 part 1, 17.16), whose instructions lie in pieces.

    A reader passes over elements of other vocabularies, or over one of several (part 3): so what a field is
    made of must not depend on whether it does.
    """

    def __init__(self, findings: Findings) -> None:
        self._fields, self._findings = instructions.Fields(findings), findings
        self._outside: list[int] = []  # by open element of another vocabulary: the fields open around it
        self._foreign: dict[str, bool] = {}

    def begin(self, element: str, attributes: Attributes) -> None:
        """An element begins. Raises Refused."""
        foreign = self._foreign.get(element)
        if foreign is None:
            foreign = self._foreign[element] = element.rpartition(" ")[0] not in WORD
        if foreign:
            self._outside.append(self._fields.depth)
        elif element in SIMPLE:
            self._begin()
            self._fields.say(attributes.get(SIMPLE[element], ""))
            self._fields.separate()
        elif element in MARKS:
            self._mark(attributes.get(MARKS[element], ""))

    def text(self, element: str, words: str) -> None:
        """Words of an element; an instruction may come in any number of them. Raises Refused."""
        if self._fields.is_read:
            is_shown = element in SHOWS and self._fields.depth > (self._outside[-1] if self._outside else 0)
            if is_shown or (element in INSTRUCTS and self._is_in_field()):
                self._fields.say(words)

    def end(self, element: str) -> None:
        """An element ends. Raises Refused."""
        if self._foreign[element]:
            if self._outside.pop() != self._fields.depth:
                raise Refused(UNUSUAL)
        elif element in SIMPLE:
            self._fields.end()

    def end_all(self) -> None:
        """The part ends. Raises Refused."""
        self._fields.end_all()

    def _begin(self) -> None:
        self._findings.spend(OF_MARKS)
        self._fields.begin()

    def _mark(self, kind: str) -> None:
        if kind == "begin":
            self._begin()
        elif self._is_in_field():  # separate: the result follows; or end
            self._fields.end() if kind == "end" else self._fields.separate()

    def _is_in_field(self) -> bool:
        outside = self._outside[-1] if self._outside else 0
        if outside and self._fields.depth == outside:
            raise Refused(UNUSUAL)
        return self._fields.depth > 0
