"""RTF (specification 1.9.1): whole, and nothing in it but words and pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import IO
from unicodedata import category

from .findings import Flag, Refused
from .links import WORDS
from .sentences import DAMAGED, FETCHES, N_, PACKED

MOST_TOKENS = 1_000_000
"""Braces and control words. A long resume by Word has a hundred thousand; its pictures are one each."""
DEEPEST = 500
TOO_LONG = N_("This document is far longer inside than a resume. Please save it as PDF and try again.")
LONGEST_TEXT = 300
"""Characters of a destination's text that are looked at."""
UNSEEN = {"Cc", "Cf"}
"""Categories of letters that nobody sees, such as zero-width spaces; readers of an address drop them."""

TOKEN = re.compile(
    rb"(?P<text>[^\\{}]{1,65536}+)|(?P<brace>[{}])|\\(?:(?P<word>[A-Za-z]++)(?P<number>-?[0-9]++)?+[ ]?+"
    rb"|'(?P<code>[0-9A-Fa-f]{2})|(?P<symbol>.))",
    re.DOTALL,
)
# What a destination must not say: a field its first word, a template a place on another machine, a linked
# picture the same, an embedded picture the first bytes of a program or a container.
FORBIDDEN = {
    "fldinst": re.compile(rf'[\s"]*({"|".join(WORDS)}|embed)\b', re.I),
    "template": re.compile(r'[\s"]*([a-z][a-z0-9+.-]+:|\\\\|//)', re.I),
    "sv": re.compile(r"\s*(https?:|ftp:|file:|\\\\|//)", re.I),
    "pict": re.compile(r"4d5a|7f454c46|504b0304|d0cf11e0", re.I),
}
"""The destinations that are read, by their control word."""
# Those whose text is no part of the text around them: no writer puts them into a field, whose first word they
# would hide.
ASIDES = re.compile(
    "annotation|author|buptim|category|colortbl|comment|company|creatim|doccomm|falt|filetbl|fonttbl|footnote"
    "|(?:footer|header)[flr]?|info|keywords|listtext|manager|nonesttables|nonshppict|operator|pntext|pntxt[ab]"
    "|printim|private|revtim|rxe|shprslt|shptxt|stylesheet|subject|tcn?|title|txe|xe"
)


@dataclass
class _Text:
    """What a destination says. `of` is its control word, `own` what it says without results of fields in it.

    Word takes such a result for a part of the instruction, other readers do not.
    """

    of: str
    said: str = ""
    own: str = ""

    def add(self, words: str, *, result: bool = False) -> None:
        """Say more."""
        if len(self.said if result else self.own) >= LONGEST_TEXT:
            return
        seen = "".join(letter for letter in words if letter.isspace() or category(letter) not in UNSEEN)
        self.said = (self.said + seen).lstrip()[:LONGEST_TEXT]
        if not result:
            self.own = (self.own + seen).lstrip()[:LONGEST_TEXT]

    def judge(self, shape_property: str) -> None:
        """Refuse what fetches content from elsewhere or starts programs."""
        if self.of == "sv" and shape_property != "pibname":
            return  # a name, an alternative text: it may be an address
        forbidden = FORBIDDEN.get(self.of)
        if forbidden and (forbidden.match(self.said) or forbidden.match(self.own)):
            raise Refused(PACKED if self.of == "pict" else FETCHES)


@dataclass
class _Group:
    """What the text of a group belongs to, and how many characters follow \\u for old readers."""

    text: _Text | None = None
    result: bool = False
    fallback: int = 1
    fresh: bool = True
    ignorable: bool = False


def fits(stream: IO[bytes]) -> bool:
    """Whether it begins as RTF does, behind a byte order mark or white space at most."""
    return re.match(rb"(?:\xef\xbb\xbf)?[\t\n\r ]*+\{\\rtf", stream.read(1024)) is not None


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Read a whole RTF document: no objects, and no fields or templates that reach out. Raises Refused."""
    _Reader(stream.read()).read()
    return frozenset()


class _Reader:
    """Goes through a document once, token by token, with the group it is in."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.groups = [_Group()]
        self.position = data.index(b"{")
        self.to_skip = 0
        self.shape_property = ""

    def read(self) -> None:
        """Read to the brace that closes the first group; nothing but white space may follow."""
        for _ in range(MOST_TOKENS):
            token = TOKEN.match(self.data, self.position)
            if token is None:
                raise Refused(DAMAGED)
            self.position = token.end()
            self._take(token)
            if len(self.groups) == 1:
                break
        else:
            raise Refused(TOO_LONG)
        if self.data[self.position :].strip(b"\0\t\n\f\r \x1a"):
            raise Refused(DAMAGED)

    def _take(self, token: re.Match[bytes]) -> None:
        kind, content, group = token.lastgroup, token[0], self.groups[-1]
        if b"\0" in content:  # which some readers skip, so that what stands here is read in two ways
            raise Refused(DAMAGED)
        if content == b"\\*":
            group.ignorable = group.fresh
        elif kind == "brace":
            self._open() if content == b"{" else self._close()
        elif kind in {"word", "number"}:
            self._obey(token["word"].decode().lower(), token["number"])
        elif kind == "code":
            self._say(chr(int(token["code"], 16)))
        elif kind == "text":
            self._say(content.translate(None, b"\r\n").decode("latin-1"))
        elif content in {b"\\\\", b"\\{", b"\\}"}:
            self._say(content[1:].decode())
        group.fresh = group.fresh and (content == b"\\*" or content.isspace())

    def _open(self) -> None:
        if len(self.groups) > DEEPEST:
            raise Refused(DAMAGED)
        self.groups.append(replace(self.groups[-1], fresh=True, ignorable=False))
        self.to_skip = 0

    def _close(self) -> None:
        text = self.groups.pop().text
        if text and text is not self.groups[-1].text:
            text.judge(self.shape_property)
            if text.of == "sn":
                self.shape_property = text.said.strip().lower()
        self.to_skip = 0

    def _obey(self, word: str, number: bytes | None) -> None:
        group = self.groups[-1]
        if word.startswith("obj"):  # object, objdata, objocx, objautlink, objupdate, ...
            raise Refused(PACKED)
        if word == "bin":
            self._pass(number or b"0")
        elif word in FORBIDDEN or word == "sn":
            if group.text:
                group.text.judge(self.shape_property)
            group.text, group.result = _Text(word), False
        elif group.ignorable:
            group.text = None
        elif group.text and group.text.of == "fldinst" and ASIDES.fullmatch(word):
            raise Refused(FETCHES)
        elif word == "fldrslt":
            group.result = True
        elif word == "uc" and number:
            group.fallback = max(0, int(number[-9:]))
        elif word == "u" and number:
            self.to_skip = 0
            self._say(chr(int(number[-9:]) % 0x10000))
            self.to_skip = group.fallback
        group.ignorable = False

    def _pass(self, number: bytes) -> None:
        """Pass over raw bytes, which only pictures have; elsewhere readers disagree about where they end."""
        text = self.groups[-1].text
        if text is None or text.of != "pict" or len(number) > 9:
            raise Refused(DAMAGED)
        start, self.position = self.position, self.position + int(number)
        if not start <= self.position <= len(self.data):
            raise Refused(DAMAGED)
        text.add(self.data[start : start + 8].hex())

    def _say(self, words: str) -> None:
        text = self.groups[-1].text
        skipped = min(self.to_skip, len(words))
        self.to_skip -= skipped
        if text is not None:
            said = "".join(words[skipped:].split()) if text.of == "pict" else words[skipped:]
            text.add(said, result=self.groups[-1].result)
