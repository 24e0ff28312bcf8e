"""Text of the paragraphs in a part of a DOCX or ODT."""

from __future__ import annotations

from dataclasses import dataclass, field

from .markup import Attributes, Reading
from .textbuffer import TextBuffer

MAX_SPACES = 100


@dataclass(frozen=True)
class Vocabulary:
    """Names of elements without their namespaces."""

    paragraphs: frozenset[str]
    texts: frozenset[str]
    """Elements whose text is shown; empty: all inside a paragraph."""
    marks: dict[str, str]
    """Elements that stand for characters."""
    hidden: frozenset[str]
    """Elements whose content is shown elsewhere, or never."""
    count: str = ""
    """Attribute that repeats a mark."""


@dataclass
class Paragraphs:
    """Reader of one part."""

    buffer: TextBuffer
    words: Vocabulary
    _open: int = 0
    _hidden: int = 0
    _names: dict[str, str] = field(default_factory=dict)

    def reading(self) -> Reading:
        """Return how to read the part."""
        return Reading(self._begin, self._add, self._end)

    def _begin(self, element: str, attributes: Attributes) -> None:
        name = self._names.setdefault(element, element.rpartition(" ")[2])
        if name in self.words.hidden:
            self._hidden += 1
        elif name in self.words.paragraphs:
            self._open += 1
        elif name in self.words.marks and self._open and not self._hidden:
            self.buffer.add(self.words.marks[name] * self._repetitions(attributes))

    def _add(self, element: str, words: str) -> None:
        is_text = not self.words.texts or self._names[element] in self.words.texts
        if self._open and not self._hidden and is_text:
            self.buffer.add(words)

    def _end(self, element: str) -> None:
        name = self._names[element]
        if name in self.words.hidden:
            self._hidden -= 1
        elif name in self.words.paragraphs:
            self._open -= 1
            if not self._hidden:
                self.buffer.add("\n")

    def _repetitions(self, attributes: Attributes) -> int:
        values = (value for name, value in attributes.items() if name.rpartition(" ")[2] == self.words.count)
        number = next(values, "1")
        return (
            min(int(number), MAX_SPACES) if number.isascii() and number.isdecimal() and len(number) < 9 else 1
        )
