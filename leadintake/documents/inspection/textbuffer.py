"""Text taken out of a document, up to a greatest length."""

from __future__ import annotations

import re

MAX_TEXT_LENGTH = 100_000
"""Characters; a long resume has twenty thousand."""
UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
BULLETS = str.maketrans({"\uf0b7": "\u2022", "\uf0a7": "\u2022", "\uf0d8": "\u2022"})
"""Of Word's symbol fonts, which no other font shows."""
BLANK_LINES = re.compile(r"\n\s*\n\s*\n")


class Full(Exception):
    """The text has its greatest length."""


class TextBuffer:
    """Pieces of text, in reading order."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._length = 0

    def add(self, piece: str) -> None:
        """Append a piece. Raises Full when no more fits."""
        self._pieces.append(piece[: MAX_TEXT_LENGTH - self._length])
        self._length += len(piece)
        if self._length >= MAX_TEXT_LENGTH:
            raise Full

    @property
    def text(self) -> str:
        """The text, without controls, and with one empty line at most between others.

        Halves of a character, which RTF and DOC may write apart, are joined, or replaced if alone.
        """
        joined = "".join(self._pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        joined = joined.translate(BULLETS)
        lines = UNSHOWN.sub("", joined.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        return BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")
