"""Text that people typed: cut before it is worked on, made regular, judged, made safe for where it goes.

Normalising sorts combining marks by insertion: of 48,000 in a row it takes seconds, and keeps every other
thread waiting meanwhile. So this module alone normalises (a test looks), and only what is short.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

# Unicode Standard Annex #9: embeddings, overrides and isolates can make text read as something else.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # Hangul fillers and the empty Braille cell
UNREADABLE = "\ufffd"  # what a decoder leaves where the bytes were not UTF-8

TYPED_PER_CHARACTER = 4
"""Code points that one character in NFC is typed in at most: Hangul and Vietnamese have three."""
LONGEST_RUN = 1024
"""Combining marks in a row: 2 ms. What people write has a handful (UAX #15 calls 30 stream-safe)."""
LONGEST_SEARCHED = 1000
JOINTS = re.compile(
    r"((?<!\d)\.(?=\S)|\.(?=[^\s\d])|[\u3002\uff0e\uff61@\uff20:\uff1a](?=\S)|[/\uff0f\\](?=[/\uff0f\\]))"
)
"""Where the parts of an address meet, the dots of other scripts included (UTS #46, 2.3); not in numbers."""
NON_JOINER = "\u200c"
"""Seen by nobody. On both sides: some programs look for `www.`, others for the name of a domain."""


class TooLong(ValueError):
    """More text than its field may ever have. It was not looked at."""


def regular(text: str, most: int) -> str:
    """NFC without white space at either end, `most` characters at most. Raises TooLong."""
    found = composed(text.strip(), most).strip()
    if len(found) > most:
        raise TooLong
    return found


def shown_line(text: str, most: int) -> str:
    """The same if it can be shown and seen as it is written, else nothing."""
    try:
        found = regular(text, most)
    except TooLong:
        return ""
    return "" if has_controls(found) or is_invisible(found) else found


def composed(text: str, most: int) -> str:
    """NFC of what could be `most` characters. Raises TooLong for what never could, unread."""
    return _normalized("NFC", text, most * TYPED_PER_CHARACTER)


def has_controls(text: str) -> bool:
    """Whether control characters, bidi controls, line separators or undecodable bytes are in it."""
    return any(
        char in BIDI_CONTROLS or char == UNREADABLE or unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}
        for char in text
    )


def is_invisible(text: str) -> bool:
    """Whether nothing in it would be seen on a page."""
    return all(
        char in BLANK_LETTERS or unicodedata.category(char) in {"Cf", "Mn", "Me", "Zs", "Cn"} for char in text
    )


def without_invisible_ends(text: str) -> str:
    """The text from its first character that is neither white space nor a mark of format to its last."""
    ends = [place for place, char in enumerate(text) if not _is_blank(char)]
    return text[ends[0] : ends[-1] + 1] if ends else ""


def unlinked(text: str) -> str:
    """The text as one reads it, and no address in it that a mail program makes a link of."""
    return JOINTS.sub(rf"{NON_JOINER}\1{NON_JOINER}", text)


def searchable(*texts: str) -> str:
    """One line to search in: compatible forms unified, case folded. Of each text the beginning."""
    return " ".join(compatible(text, LONGEST_SEARCHED) for text in texts)


def compatible(text: str, most: int) -> str:
    """The first `most` code points with compatible forms unified (NFKC) and case folded."""
    try:
        return _normalized("NFKC", text[:most], most).casefold()
    except TooLong:
        return text[:most].casefold()  # a heap of marks, which nobody looks for


def shown_name(filename: str, longest: int = 255) -> str:
    """A file's name as it may be shown and sent in a header: no path, no controls, bounded.

    Of a name that is far too long the end: there the extension is.
    """
    name = filename.replace("\\", "/").rpartition("/")[2][-longest * TYPED_PER_CHARACTER :]
    name = "".join(char for char in _normalized("NFC", name, len(name)) if not has_controls(char)).strip()
    if len(name) > longest:
        stem, dot, extension = name.rpartition(".")
        room = longest - len(dot + extension)
        name = stem[:room] + dot + extension if stem and room > 0 else name[:longest]
    return name


def _normalized(form: Literal["NFC", "NFKC"], text: str, most: int) -> str:
    if len(text) > most or (len(text) > LONGEST_RUN and _has_a_heap_of_marks(text)):
        raise TooLong
    return unicodedata.normalize(form, text)


def _has_a_heap_of_marks(text: str) -> bool:
    run = 0
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run > LONGEST_RUN:
            return True
    return False


def _is_blank(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Cf"
