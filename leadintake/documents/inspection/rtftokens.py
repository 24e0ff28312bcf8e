"""Tokens of RTF: braces, control words, text, and runs of insignificant ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from string import ascii_lowercase

from .rtfwords import DESTINATIONS

TOKEN = re.compile(
    rb"(?P<text>[^\\{}]{1,65536}+)|(?P<brace>[{}])|\\(?:(?P<word>[A-Za-z]++)(?P<number>-?[0-9]++)?+[ ]?+"
    rb"|'(?P<code>[0-9A-Fa-f]{2})|(?P<symbol>.))",
    re.DOTALL,
)
SIGNIFICANT_WORDS = ("bin", "obj*", "field", "fldinst", "fldrslt", "uc", "ud", *DESTINATIONS)


def _ignore_case(words: Iterable[str]) -> bytes:
    """Return a pattern of these words; a star matches letters. Sets like [Aa] match fastest."""
    letters = {letter: f"[{letter.upper()}{letter}]" for letter in ascii_lowercase} | {"*": "[A-Za-z]*"}
    return "|".join("".join(letters[letter] for letter in word) for word in words).encode()


# Insignificant text and words. The limited repetition bounds the memory of a match.
IDLE = re.compile(
    rb"(?:[^\\{}\0]++|\\(?:(?!(?:%b)(?![A-Za-z]))[A-Za-z]++(?:-?[0-9]++)?+ ?+"
    rb"|'[0-9A-Fa-f]{2}|[^A-Za-z'*\0])){1,10000}+" % _ignore_case(SIGNIFICANT_WORDS),
    re.DOTALL,
)
HEX = re.compile(rb"[0-9A-Fa-f \t\r\n\f\v]*+")
BLANK = re.compile(rb"[ \t\r\n\f\v]*+")
END = re.compile(rb"[\0\t\n\f\r \x1a]*+\Z")
# Destinations whose text is apart from the surrounding text. Word processors never put them into a field;
# there they would hide its first word.
SEPARATE_TEXTS = re.compile(
    "annotation|author|buptim|category|colortbl|comment|company|creatim|doccomm|falt|filetbl|fonttbl|footnote"
    "|(?:footer|header)[flr]?|info|keywords|listtext|manager|nonesttables|nonshppict|operator|pntext|pntxt[ab]"
    "|printim|private|revtim|rxe|shprslt|shptxt|stylesheet|subject|tcn?|title|txe|ud|xe"
)
