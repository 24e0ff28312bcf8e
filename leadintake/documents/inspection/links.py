"""Links and fields in documents, and which of them lead out of the reader's own computer."""

from __future__ import annotations

import re
from urllib.parse import unquote

from .findings import Refused
from .markup import Attributes
from .sentences import FETCHES, UNUSUAL

SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)  # of one letter it is a drive
# Word notes where its template was, as a drive's path or a Mac's: file:///C:\..., file://localhost/Users/...
OWN_DISK = re.compile(r"file:(///|//localhost/|/)?(?!/)", re.IGNORECASE)
ANOTHER_MACHINE = re.compile(r"file:/+\\\\", re.IGNORECASE)  # file:/\\server\share
UNSEEN = re.compile(r"[\x00-\x1f]")  # Windows leaves them out of addresses

# The vocabulary of a Word text in its transitional and its strict form, ECMA-376 part 1 annex A and part 4.
WORD = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
}
WORDS = ("dde", "ddeauto", "link", "include", "includepicture", "includetext", "import", "database", "rd")
"""First words of what fetches. EMBED does not: the object is in the document, and judged there."""
INSTRUCTION = re.compile(rf'[\s"]*({"|".join(WORDS)})\b', re.IGNORECASE)
LONGEST_INSTRUCTION = 300
"""Characters of an instruction that are looked at, from its first word on."""
DEEPEST = 256


def _in_bytes(after: str) -> str:
    """The pattern of an instruction in [MS-DOC] 2.8.25, with this after each character.

    A picture in the text may well have RD in it by chance; it only matters once somebody asks for an index.
    """
    words = "|".join("".join(letter + after for letter in word) for word in WORDS if word != "rd")
    return rf'\x13{after}([\s"]{after})*+({words})[\s"\\\x13-\x15]{after}'


FIELD_THAT_FETCHES = re.compile(f"{_in_bytes('')}|{_in_bytes(chr(0))}".encode("latin-1"), re.IGNORECASE)


def reaches_out(target: str) -> bool:
    """Whether following it may ask another computer for something. Pictures of a mail (cid:) are nowhere."""
    path = UNSEEN.sub("", unquote(target)).strip()
    if ANOTHER_MACHINE.match(path):
        return True
    path = path.replace("\\", "/")
    if path.lower().startswith("file:"):
        return OWN_DISK.match(path) is None
    return path.startswith("//") or (SCHEME.match(path) is not None and not path.lower().startswith("cid:"))


def leaves(target: str, folder: str) -> bool:
    """Whether a path, relative to a folder of the container or to its root, leads out of the container."""
    path = unquote(target).replace("\\", "/")
    depth = 0 if path.startswith("/") else sum(part not in ("", ".") for part in folder.split("/"))
    for part in path.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return True
    return False


def refuse_fetching(instruction: str) -> None:
    """Raise Refused when a field of this instruction fetches something."""
    if INSTRUCTION.match(instruction):
        raise Refused(FETCHES)


class Fields:
    """The fields of one part of a DOCX (ECMA-376 part 1, 17.16), whose instructions lie in pieces.

    A reader passes over elements of other vocabularies, or over one of several (part 3): so what a field is
    made of must not depend on whether it does.
    """

    def __init__(self) -> None:
        self._open: list[str] = []
        self._outside: list[int] = []  # by open element of another vocabulary: the fields open around it

    def begin(self, element: str, attributes: Attributes) -> None:
        """An element begins. Raises Refused."""
        address, _, name = element.rpartition(" ")
        if address not in WORD:
            self._outside.append(len(self._open))
        elif name == "fldSimple":
            refuse_fetching(attributes.get(f"{address} instr", ""))
        elif name == "fldChar":
            self._mark(attributes.get(f"{address} fldCharType", ""))

    def text(self, element: str, words: str) -> None:
        """Words of an element; an instruction may come in any number of them. Raises Refused."""
        address, _, name = element.rpartition(" ")
        if name == "instrText" and address in WORD and self._is_in_field():
            self._open[-1] = (self._open[-1] + words).lstrip()[:LONGEST_INSTRUCTION]

    def end(self, element: str) -> None:
        """An element ends. Raises Refused."""
        if element.rpartition(" ")[0] not in WORD and self._outside.pop() != len(self._open):
            raise Refused(UNUSUAL)

    def _mark(self, kind: str) -> None:
        if kind == "begin":
            self._open.append("")
            if len(self._open) > DEEPEST:
                raise Refused(UNUSUAL)
        elif self._is_in_field():  # separate: the result follows; or end
            refuse_fetching(self._open[-1])
            if kind == "end":
                self._open.pop()

    def _is_in_field(self) -> bool:
        outside = self._outside[-1] if self._outside else 0
        if outside and len(self._open) == outside:
            raise Refused(UNUSUAL)
        return bool(self._open)
