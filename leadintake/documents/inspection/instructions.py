"""Fields of DOC, DOCX and RTF (ECMA-376 part 1, 17.16), judged by their instructions.

Inner fields may build an instruction. So it has three readings: own text only, with the stored results of
inner fields, and with each inner QUOTE evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .addresses import CLICK_HARMS, FETCH_HARMS, Place
from .findings import Refused
from .harm import Findings, Harm
from .sentences import UNUSUAL
from .work import judge_address

HARMS = dict.fromkeys(
    ("dde", "ddeauto", "link", "include", "includetext", "import", "database", "rd"), Harm.DATA_LINK
) | {"data": Harm.MAIL_MERGE, "control": Harm.CONTROL, "htmlcontrol": Harm.CONTROL}
"""Harm by first word, of fields that fetch or run something.

EMBED is absent: its object is judged. MACROBUTTON is absent: its macro is not in the document.
"""
PLACES = {"includepicture": FETCH_HARMS, "hyperlink": CLICK_HARMS}
"""Harm table by first word, of fields judged by their address."""
ARGUMENT_SWITCHES = {"l", "o", "t", "s", "c", "*", "#", "@"}
"""Switches with an argument that is not the address."""

MAX_LENGTH = 16 * 1024
"""Characters kept of an instruction; reference managers write longer ones."""
MAX_SPELLINGS = 64
"""Addresses in an instruction, in all spellings; an unquoted one with blanks counts word by word."""
HEAD = 64
"""Characters in which the first word must be."""
CHARACTERS_PER_UNIT = 16
"""Characters that an inner field adds to the outer one per unit of work."""
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
    """Judge a field by its instruction."""
    count = 0
    word = _first_word(instruction)
    if word in HARMS or word.startswith("dde"):
        findings.add(HARMS.get(word, Harm.DATA_LINK))
    elif word in PLACES:
        if len(instruction) >= MAX_LENGTH:
            raise Refused(UNUSUAL)
        for address in _find_addresses(instruction, instruction.lower().index(word) + len(word)):
            for spelling in {address, ESCAPED.sub(r"\1", address)}:
                judge_address(findings, spelling, PLACES[word])
                count += 1
                if count > MAX_SPELLINGS:
                    raise Refused(UNUSUAL)


def _first_word(instruction: str) -> str:
    found = FIRST_WORD.match(instruction)
    return found[1].lower() if found else ""


def _find_addresses(instruction: str, start: int) -> Iterator[str]:
    """Yield arguments that may be the address, so no arguments of switches."""
    after_switch = False
    for quoted, switch, bare in ARGUMENT.findall(instruction.translate(QUOTES), start):
        if not switch and not after_switch:
            yield quoted or bare
        after_switch = switch.lower() in ARGUMENT_SWITCHES


def _evaluate_quote(instruction: str) -> str:
    """Evaluate { QUOTE 68 68 69 }: numbers are character codes."""
    result = ""
    for quoted, _, bare in ARGUMENT.findall(instruction.translate(QUOTES))[1:]:
        is_letter = bare.isascii() and bare.isdigit() and len(bare) <= 6 and int(bare) <= 0x10FFFF
        result += chr(int(bare)) if is_letter else quoted or bare
    return result


@dataclass
class _Words:
    """Text in three readings, with single blanks, cut to MAX_LENGTH."""

    parts: list[tuple[str, str, str]] = field(default_factory=list)
    """Pieces: own text, with stored results, with QUOTE evaluated."""
    head: str = ""
    """Start of the own text."""
    length: int = 0
    is_blank: bool = True

    def add(self, own: str, stored: str, quoted: str) -> None:
        """Append a piece in three readings."""
        if self.length < MAX_LENGTH and (stored or quoted):
            self.parts.append((own, stored, quoted))
            self.length += max(len(stored), len(quoted))
            self.is_blank = (stored or quoted)[-1] == " "
            self.head = (self.head + own)[:HEAD] if len(self.head) < HEAD else self.head

    def add_own(self, words: str) -> None:
        """Append own text."""
        if self.length < MAX_LENGTH:
            visible = BLANKS.sub(" ", UNSEEN.sub("", words))
            visible = (visible[1:] if self.is_blank and visible[:1] == " " else visible)[:MAX_LENGTH]
            self.add(visible, visible, visible)

    def readings(self) -> tuple[str, str, str]:
        """Return each reading."""
        own, stored, quoted = map("".join, zip(*self.parts, strict=True)) if self.parts else ("", "", "")
        return own, stored, quoted


@dataclass
class Field:
    """Open field."""

    instruction: _Words = field(default_factory=_Words)
    result: _Words = field(default_factory=_Words)
    is_instruction: bool = True
    inner_words: set[str] = field(default_factory=set)
    """First words of fields in the instruction."""
    has_built_first_word: bool = False
    """Whether an inner field began before the first word was complete."""

    @property
    def word(self) -> str:
        """First word of the own text."""
        return _first_word(self.instruction.head)

    def begin_inner(self) -> None:
        """Begin an inner field."""
        if self.is_instruction and WHOLE_FIRST_WORD.match(self.instruction.head) is None:
            self.has_built_first_word = True

    def add_inner(self, inner: Field) -> None:
        """Append the text of an ended inner field."""
        stored = inner.result.readings()[1]
        if self.is_instruction:
            self.inner_words.add(inner.word)
            quoted = _evaluate_quote(inner.instruction.readings()[2]) if inner.word == "quote" else stored
            self.instruction.add("", stored, quoted)
        else:
            self.result.add("", stored, stored)

    def judge(self, findings: Findings) -> None:
        """Judge each reading, and what inner fields other than QUOTE build."""
        for reading in dict.fromkeys(self.instruction.readings()):
            judge(reading, findings)
        if self.inner_words - {"quote"}:
            if self.has_built_first_word:
                findings.add(Harm.UNREAD)
            if self.word in PLACES:
                findings.add(PLACES[self.word][Place.UNUSUAL])


class Fields:
    """Open fields of a text."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._open: list[Field] = []
        self._instructions = 0

    def begin(self) -> None:
        """Begin a field."""
        self._findings.spend(1)
        if len(self._open) >= DEEPEST:
            raise Refused(UNUSUAL)
        if self._open:
            self._open[-1].begin_inner()
        self._open.append(Field())
        self._instructions += 1

    def separate(self) -> None:
        """End the innermost instruction; its result follows."""
        if self._open and self._open[-1].is_instruction:
            self._open[-1].judge(self._findings)
            self._open[-1].is_instruction = False
            self._instructions -= 1

    def end(self) -> None:
        """End the innermost field."""
        self.separate()
        if self._open:
            inner = self._open.pop()
            if self._instructions:
                self._findings.spend((inner.result.length + inner.instruction.length) // CHARACTERS_PER_UNIT)
                self._open[-1].add_inner(inner)

    def end_all(self) -> None:
        """End all open fields."""
        while self._open:
            self.end()

    def add_text(self, words: str) -> None:
        """Append text to the innermost field, if an instruction is open."""
        if self._instructions:
            inner = self._open[-1]
            (inner.instruction if inner.is_instruction else inner.result).add_own(words)

    @property
    def needs_text(self) -> bool:
        """Whether an instruction is open, so that text matters."""
        return self._instructions > 0

    @property
    def depth(self) -> int:
        """Number of open fields."""
        return len(self._open)
