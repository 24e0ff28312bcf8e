"""Typed text: bounded, normalised, validated, escaped for its destination.

Normalisation sorts combining marks by insertion: 48,000 in a row take seconds and hold the GIL. So only this
module normalises (a test checks), and only short text.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

# Unicode Standard Annex #9: embeddings, overrides and isolates can change how a text reads.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # Hangul fillers and the empty Braille cell
UNREADABLE = "\ufffd"  # U+FFFD: bytes that were not UTF-8

TYPED_PER_CHARACTER = 4
"""Maximum code points typed for one NFC character: Hangul and Vietnamese have three."""
MAX_RUN_LENGTH = 1024
"""Combining marks in a row: 2 ms. Real text has a handful (UAX #15 calls 30 stream-safe)."""
MAX_SEARCHED_LENGTH, PIECE_OVERLAP = 1000, 200
JOINTS = re.compile(
    r"((?<!\d)\.(?=\S)|\.(?=[^\s\d])|[\u3002\uff0e\uff61@\uff20:\uff1a](?=\S)|[/\uff0f\\](?=[/\uff0f\\]))"
)
"""Separators in addresses of any script (UTS #46, 2.3), but not in numbers."""
APOSTROPHES = (
    "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u0374\u055a\u05f3"
    "\u2018\u2019\u201a\u201b\u2032\u2035\ua78c\uff07"
)
HYPHENS = "-\u058a\u05be\u1806\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"
COMMAS = ",;\u060c\u061b\u3001\uff0c\uff1b"
STROKES = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "\u0131": "i",
    "æ": "ae", "œ": "oe", "þ": "th",
}  # fmt: skip
"""Letters often typed without stroke, and ligatures that Unicode does not decompose."""
LETTER_MARKS = frozenset({7, 8, 9})
"""Combining classes of marks that make another letter: nukta, kana voicing, virama."""
FOLDED_SIGNS = str.maketrans(
    dict.fromkeys(APOSTROPHES, "") | dict.fromkeys(HYPHENS, "-") | dict.fromkeys(COMMAS, " ") | STROKES
)
NON_JOINER = "\u200c"
"""Invisible, set on both sides of a separator: some programs link `www.`, others a domain."""


class TooLong(ValueError):
    """The text exceeds its field, and was not read."""


def normalize_text(text: str, most: int) -> str:
    """Return NFC, stripped, of at most `most` characters. Raises TooLong."""
    found = compose(text.strip(), most).strip()
    if len(found) > most:
        raise TooLong
    return found


def normalize_lines(text: str, most: int) -> str:
    """Return NFC of lines that end with LF, stripped, of at most `most` characters. Raises TooLong."""
    if len(text) > 2 * most * TYPED_PER_CHARACTER:  # each line end may be two characters
        raise TooLong
    return normalize_text(text.replace("\r\n", "\n").replace("\r", "\n"), most)


def visible_line(text: str, most: int) -> str:
    """Return the text normalised, or "" if it is too long, has controls or is invisible."""
    try:
        found = normalize_text(text, most)
    except TooLong:
        return ""
    return "" if has_controls(found) or is_invisible(found) else found


def compose(text: str, most: int) -> str:
    """Return NFC of up to `most` characters. Raises TooLong, without reading longer text."""
    return _normalize("NFC", text, most * TYPED_PER_CHARACTER)


def has_controls(text: str) -> bool:
    """Return whether it has controls, bidi controls, line separators or undecodable bytes."""
    if text.isprintable():  # nearly all: without any of the others
        return UNREADABLE in text
    return any(
        char in BIDI_CONTROLS or char == UNREADABLE or unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
        for char in text
    )


def has_controls_in_lines(text: str) -> bool:
    """Return whether it has controls other than line feeds and tabs, or what `has_controls` finds."""
    return has_controls(text.replace("\n", " ").replace("\t", " "))


def is_invisible(text: str) -> bool:
    """Return whether it has no visible character."""
    return all(
        char in BLANK_LETTERS or unicodedata.category(char) in {"Cf", "Mn", "Me", "Zs", "Cn"} for char in text
    )


def strip_invisible(text: str) -> str:
    """Strip white space and format characters at both ends."""
    if text.isascii():  # without format characters
        return text.strip()
    ends = [place for place, char in enumerate(text) if not _is_blank(char)]
    return text[ends[0] : ends[-1] + 1] if ends else ""


def unlink_addresses(text: str) -> str:
    """Insert invisible characters into addresses: mail programs then do not link them."""
    return JOINTS.sub(rf"{NON_JOINER}\1{NON_JOINER}", text)


def fold_texts(*texts: str) -> str:
    """Join texts for a search: the first MAX_SEARCHED_LENGTH of each, NFKC, case folded."""
    return " ".join(fold_text(text, MAX_SEARCHED_LENGTH) for text in texts)


def fold_text(text: str, most: int) -> str:
    """Return the first `most` code points in NFKC, case folded."""
    try:
        return _normalize("NFKC", text[:most], most).casefold()
    except TooLong:
        return text[:most].casefold()  # too many combining marks, which no search needs


def fold_search(text: str, hyphen: str = " ") -> str:
    """Return the words of the beginning of a text in search form, or "".

    Without accents, case, width, ligatures, apostrophes, commas and invisible characters; a hyphen becomes
    `hyphen`.
    """
    text = text[:MAX_SEARCHED_LENGTH]
    signs = text.translate(FOLDED_SIGNS)
    if text.isascii():
        folded = signs.lower()
    else:
        folded = _strip_accents(_normalize("NFKD", signs, len(signs)))  # bounded above: it may be longer
        folded = _strip_accents(folded.casefold().translate(FOLDED_SIGNS))
        folded = unicodedata.normalize("NFKC", folded)  # few marks are left
    return " ".join(folded.replace("-", hyphen).split())


def fold_words(text: str, most: int) -> str:
    """Return the distinct words of a text of any length in search form, hyphenated ones split and joined.

    At most `most` characters. What is longer than MAX_SEARCHED_LENGTH, as a text in Chinese, becomes pieces
    that overlap by PIECE_OVERLAP.
    """
    words: dict[str, None] = {}
    step = MAX_SEARCHED_LENGTH - PIECE_OVERLAP
    for word in text.split():
        pieces = [word[start : start + MAX_SEARCHED_LENGTH] for start in range(0, len(word), step)]
        for piece in pieces:
            words |= dict.fromkeys([*fold_search(piece).split(), *fold_search(piece, "").split()])
    return " ".join(words)[:most]


def visible_name(filename: str, longest: int = 255) -> str:
    """Return a file's name for display and headers: no path, no controls, `longest` characters.

    A long name keeps its extension.
    """
    name = filename.replace("\\", "/").rpartition("/")[2][-longest * TYPED_PER_CHARACTER :]
    name = _normalize("NFC", name, len(name))
    if has_controls(name):
        name = "".join(char for char in name if not has_controls(char))
    name = name.strip()
    if len(name) > longest:
        stem, dot, extension = name.rpartition(".")
        room = longest - len(dot + extension)
        name = stem[:room] + dot + extension if stem and room > 0 else name[:longest]
    return name


def _strip_accents(text: str) -> str:
    return "".join(
        char
        for char in text
        if unicodedata.combining(char) in LETTER_MARKS
        or not (
            unicodedata.combining(char)
            or unicodedata.category(char) in {"Cf", "Me"}
            or "\ufe00" <= char <= "\ufe0f"
        )
    )


def _normalize(form: Literal["NFC", "NFKC", "NFKD"], text: str, most: int) -> str:
    if len(text) > most or (len(text) > MAX_RUN_LENGTH and _has_long_mark_run(text)):
        raise TooLong
    return unicodedata.normalize(form, text)


def _has_long_mark_run(text: str) -> bool:
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run > MAX_RUN_LENGTH:
            return True
    return False


def _is_blank(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Cf"
