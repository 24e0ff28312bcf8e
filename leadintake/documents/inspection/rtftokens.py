"""What RTF is made of: braces, words, letters, and long stretches of what does not matter."""

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
MATTERS = ("bin", "obj*", "field", "fldinst", "fldrslt", "uc", "ud", *DESTINATIONS)


def _in_any_case(words: Iterable[str]) -> bytes:
    """The pattern of these words; a star stands for more letters. Sets of two letters are tried fastest."""
    letters = {letter: f"[{letter.upper()}{letter}]" for letter in ascii_lowercase} | {"*": "[A-Za-z]*"}
    return "|".join("".join(letters[letter] for letter in word) for word in words).encode()


# What nobody listens to: text and words that do not matter. A match takes so many that its memory is bounded.
IDLE = re.compile(
    rb"(?:[^\\{}\0]++|\\(?:(?!(?:%b)(?![A-Za-z]))[A-Za-z]++(?:-?[0-9]++)?+ ?+"
    rb"|'[0-9A-Fa-f]{2}|[^A-Za-z'*\0])){1,10000}+" % _in_any_case(MATTERS),
    re.DOTALL,
)
HEX = re.compile(rb"[0-9A-Fa-f \t\r\n\f\v]*+")
BLANK = re.compile(rb"[ \t\r\n\f\v]*+")
END = re.compile(rb"[\0\t\n\f\r \x1a]*+\Z")
# Those whose text is no part of the text around them: no writer puts them into a field, whose first word they
# would hide.
ASIDES = re.compile(
    "annotation|author|buptim|category|colortbl|comment|company|creatim|doccomm|falt|filetbl|fonttbl|footnote"
    "|(?:footer|header)[flr]?|info|keywords|listtext|manager|nonesttables|nonshppict|operator|pntext|pntxt[ab]"
    "|printim|private|revtim|rxe|shprslt|shptxt|stylesheet|subject|tcn?|title|txe|ud|xe"
)
