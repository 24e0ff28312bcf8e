"""Fields of a Word text (ECMA-376 part 1, 17.16): what their instructions do. DOC and RTF share them.

An instruction may be built by fields within it. So it is read in several ways: as it stands, with the results
of those fields as they are stored, and with the words that a QUOTE within it makes out of numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .addresses import CLICKED, FETCHED, Place
from .findings import Refused
from .harm import Findings, Harm
from .sentences import UNUSUAL
from .work import follow

HARMS = dict.fromkeys(
    ("dde", "ddeauto", "link", "include", "includetext", "import", "database", "rd"), Harm.DATA_LINK
) | {"data": Harm.MAIL_MERGE, "control": Harm.CONTROL, "htmlcontrol": Harm.CONTROL}
"""By the first word: what fetches or shows something of itself, wherever it is.

EMBED does not: the object is in the document, and judged there. MACROBUTTON starts what is in no document."""
PLACES = {"includepicture": FETCHED, "hyperlink": CLICKED}
"""By the first word: what is judged by where its address leads."""
WITH_WORDS = {"l", "o", "t", "s", "c", "*", "#", "@"}
"""Switches behind which something else than the address stands."""

LONGEST = 16 * 1024
"""Characters of an instruction that are kept. Programs that manage references keep longer data in theirs."""
MOST_SPELLINGS = 64
"""Addresses in one instruction, or words of one that has blanks, in all spellings."""
HEAD = 64
"""Characters in which the first word stands."""
OF_HELD = 16
"""Characters that a field hands to the one around it for a unit of findings."""
DEEPEST = 256
BLANKS = re.compile(r"\s+")
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb]+"
)
QUOTES = str.maketrans("\u201c\u201d\u201e\u201f", '""""')
FIRST_WORD = re.compile(r'[\s"]*(=|[^\s"\\=]+)')
WHOLE_FIRST_WORD = re.compile(r'[\s"]*(=|[^\s"\\=]+[\s"\\=])')
ARGUMENT = re.compile(r'"((?:[^"\\]|\\.)*+)"?|\\([^\s\\"])(?=[\s"\\]|$)|([^\s"]+)', re.DOTALL)
ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def judge(instruction: str, findings: Findings) -> None:
    """Add what a field of this instruction does. Raises Refused."""
    count = 0
    word = _first_word(instruction)
    if word in HARMS or word.startswith("dde"):
        findings.add(HARMS.get(word, Harm.DATA_LINK))
    elif word in PLACES:
        if len(instruction) >= LONGEST:
            raise Refused(UNUSUAL)
        for address in _addresses(instruction, instruction.lower().index(word) + len(word)):
            for spelling in {address, ESCAPED.sub(r"\1", address)}:
                follow(findings, spelling, PLACES[word])
                count += 1
                if count > MOST_SPELLINGS:
                    raise Refused(UNUSUAL)


def _first_word(instruction: str) -> str:
    found = FIRST_WORD.match(instruction)
    return found[1].lower() if found else ""


def _addresses(instruction: str, start: int) -> Iterator[str]:
    """Whatever may be the address: everything that is no switch and belongs to none."""
    follows = False
    for quoted, switch, bare in ARGUMENT.findall(instruction.translate(QUOTES), start):
        if not switch and not follows:
            yield quoted or bare
        follows = switch.lower() in WITH_WORDS


def _quoted(instruction: str) -> str:
    """What { QUOTE 68 68 69 } says: numbers are letters."""
    said = ""
    for quoted, _, bare in ARGUMENT.findall(instruction.translate(QUOTES))[1:]:
        is_letter = bare.isascii() and bare.isdigit() and len(bare) <= 6 and int(bare) <= 0x10FFFF
        said += chr(int(bare)) if is_letter else quoted or bare
    return said


@dataclass
class _Words:
    """Words in their order, a run of blanks as one; what fields within say may be read in two ways."""

    parts: list[tuple[str, str, str]] = field(default_factory=list)
    """As it stands, with results as they are stored, with QUOTE carried out."""
    head: str = ""
    length: int = 0
    is_blank: bool = True

    def add(self, own: str, stored: str, quoted: str) -> None:
        """Go on, up to a limit."""
        if self.length < LONGEST and (stored or quoted):
            self.parts.append((own, stored, quoted))
            self.length += max(len(stored), len(quoted))
            self.is_blank = (stored or quoted)[-1] == " "
            self.head = (self.head + own)[:HEAD] if len(self.head) < HEAD else self.head

    def add_own(self, words: str) -> None:
        """Go on with words that are no field's."""
        if self.length < LONGEST:
            seen = BLANKS.sub(" ", UNSEEN.sub("", words))
            seen = (seen[1:] if self.is_blank and seen[:1] == " " else seen)[:LONGEST]
            self.add(seen, seen, seen)

    def readings(self) -> tuple[str, str, str]:
        """All of it, read in each way."""
        own, stored, quoted = map("".join, zip(*self.parts, strict=True)) if self.parts else ("", "", "")
        return own, stored, quoted


@dataclass
class Field:
    """One field that has begun and not ended."""

    instruction: _Words = field(default_factory=_Words)
    result: _Words = field(default_factory=_Words)
    is_instruction: bool = True
    within: set[str] = field(default_factory=set)
    """First words of the fields within the instruction."""
    is_first_word_built: bool = False

    @property
    def word(self) -> str:
        """The first word."""
        return _first_word(self.instruction.head)

    def begin_within(self) -> None:
        """Another field begins where this one is."""
        if self.is_instruction and WHOLE_FIRST_WORD.match(self.instruction.head) is None:
            self.is_first_word_built = True

    def hold(self, inner: Field) -> None:
        """Take the words of a field that ended within this one."""
        stored = inner.result.readings()[1]
        if self.is_instruction:
            self.within.add(inner.word)
            quoted = _quoted(inner.instruction.readings()[2]) if inner.word == "quote" else stored
            self.instruction.add("", stored, quoted)
        else:
            self.result.add("", stored, stored)

    def judge(self, findings: Findings) -> None:
        """Add what it does, in whichever way its instruction is read. Raises Refused."""
        for reading in dict.fromkeys(self.instruction.readings()):
            judge(reading, findings)
        if self.within - {"quote"}:
            if self.is_first_word_built:
                findings.add(Harm.UNREAD)
            if self.word in PLACES:
                findings.add(PLACES[self.word][Place.UNUSUAL])


class Fields:
    """The fields of a text in its order, one within the other."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._open: list[Field] = []
        self._instructions = 0

    def begin(self) -> None:
        """A field begins. Raises Refused."""
        self._findings.spend(1)
        if len(self._open) >= DEEPEST:
            raise Refused(UNUSUAL)
        if self._open:
            self._open[-1].begin_within()
        self._open.append(Field())
        self._instructions += 1

    def separate(self) -> None:
        """The instruction ends, the result follows. Raises Refused."""
        if self._open and self._open[-1].is_instruction:
            self._open[-1].judge(self._findings)
            self._open[-1].is_instruction = False
            self._instructions -= 1

    def end(self) -> None:
        """A field ends. Raises Refused."""
        self.separate()
        if self._open:
            ended = self._open.pop()
            if self._instructions:
                self._findings.spend((ended.result.length + ended.instruction.length) // OF_HELD)
                self._open[-1].hold(ended)

    def end_all(self) -> None:
        """The text ends, and with it whatever did not. Raises Refused."""
        while self._open:
            self.end()

    def say(self, words: str) -> None:
        """Words follow. A result only matters to an instruction that it is a part of."""
        if self._instructions:
            inner = self._open[-1]
            (inner.instruction if inner.is_instruction else inner.result).add_own(words)

    @property
    def is_read(self) -> bool:
        """Whether what follows is, or becomes, a part of an instruction."""
        return self._instructions > 0

    @property
    def depth(self) -> int:
        """How many fields have begun and not ended."""
        return len(self._open)
