"""Text that people typed: made regular, judged, and made safe for where it goes."""

from __future__ import annotations

import unicodedata

# Unicode Standard Annex #9: embeddings, overrides and isolates can make text read as something else.
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # Hangul fillers and the empty Braille cell
UNREADABLE = "\ufffd"  # what a decoder leaves where the bytes were not UTF-8


def regular(text: str) -> str:
    """NFC without white space at either end."""
    return unicodedata.normalize("NFC", text).strip()


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


def searchable(*texts: str) -> str:
    """One line to search in: compatible forms unified, case folded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold() for text in texts)


def shown_name(filename: str, longest: int = 255) -> str:
    """A file's name as it may be shown and sent in a header: no path, no controls, bounded."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    name = "".join(char for char in unicodedata.normalize("NFC", name) if not has_controls(char)).strip()
    if len(name) > longest:
        stem, dot, extension = name.rpartition(".")
        room = longest - len(dot + extension)
        name = stem[:room] + dot + extension if stem and room > 0 else name[:longest]
    return name
