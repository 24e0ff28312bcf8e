"""Syntax of PDF (7.2 and 7.3) as patterns. Possessive quantifiers keep every search linear."""

from __future__ import annotations

import re


def match_names(*names: str) -> bytes:
    """Return a pattern of these names, any letter optionally as #xx (7.3.5)."""
    return b"|".join(
        "".join(f"(?:{letter}|\\#(?i:{ord(letter):02x}))" for letter in name).encode() for name in names
    )


SPACE = rb"[\x00\t\n\f\r ]"
REGULAR = rb"[^\x00\t\n\f\r ()<>\[\]{}/%]"
END_OF_NAME = rb"(?!" + REGULAR + rb")"
FLAT_STRING = rb"\((?:[^()\\]++|\\.)*+\)"
HEX_STRING = rb"<(?!<)[^>]*+>?+"
FLAT_ARRAY = rb"\[[^\[\]()<>%]*+\]"
FLAT_DICTIONARY = rb"<<[^<>()\[\]%]*+>>(?!" + SPACE + rb"*+(?:stream|%))"

# After two numbers or the end of a comment (7.3.10), and before a value: hardly ever found in pictures.
OBJECT = re.compile(
    rb"obj(?:(?<=[\x00\t\n\f\r 0-9+\-.)>]{2}obj)|(?<=[\r\n]obj))(?=[\x00\t\n\f\r ()<>\[\]{}/%0-9+\-.fnt])"
)
TRAILER = re.compile(rb"trailer(?=[\x00\t\n\f\r (<%])")
NUMBERED = re.compile(rb"\+?(\d{1,10})" + SPACE + rb"++\+?(\d{1,5})" + SPACE + rb"*+\Z")
"""Number and generation before `obj`."""


def _match_brackets(*flat: bytes) -> re.Pattern[bytes]:
    """Return a pattern of irrelevant text (words, names, comments, flat values), then a bracket."""
    bracket = rb"(?P<opening><<|\[)|(?P<closing>>>|\])|(?P<end>obj)|(?P<string>\()"
    no_bracket = b"(?!" + re.sub(rb"\?P<\w+>", b"?:", bracket) + b")"
    skipped = b"|".join((FLAT_STRING, *flat, HEX_STRING, no_bracket + rb"[o><\[\]]"))
    skipping = rb"(?:[^%(o><\[\]]++|%[^\r\n]*+|" + skipped + rb"){0,9999}+"
    return re.compile(rb"(?!\Z)" + skipping + b"(?:" + bracket + b")?+", re.DOTALL)


OUTSIDE = _match_brackets()
INSIDE = _match_brackets(FLAT_ARRAY, FLAT_DICTIONARY)
IN_STRING = re.compile(
    rb"(?:[^()\\]++|\\.|" + FLAT_STRING + rb"){1,9999}+|(?P<open>\(++)|(?P<close>\)++)", re.DOTALL
)
STREAM = re.compile(
    rb"(?:" + SPACE + rb"|(?P<comment>%)[^\r\n]*+)*+stream(?P<line_end>[ \t]*+(?:\r\n?|\n))?+"
)
TOKEN = re.compile(
    rb"(?:"
    + SPACE
    + rb"|%[^\r\n]*+)*+(?:/(?P<name>"
    + REGULAR
    + rb"*+)|(?P<reference>\d{1,10}"
    + SPACE
    + rb"++\d{1,5}"
    + SPACE
    + rb"++R)"
    + END_OF_NAME
    + rb"|(?P<number>[+-]?\d{1,15})"
    + END_OF_NAME
    + rb"|(?P<flat>"
    + FLAT_STRING
    + rb")|(?P<opening><<|\[)|(?P<closing>>>|\])|(?P<string>\()|(?P<hex>"
    + HEX_STRING
    + rb")|(?P<word>"
    + REGULAR
    + rb"++)|(?P<odd>[<>(){}]))",
    re.DOTALL,
)
