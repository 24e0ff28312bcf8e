"""Text of a document, for reading without the program that wrote it."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO

from . import doc, docx, odt, plain, rtf
from .textbuffer import Full, TextBuffer

EXTRACTORS: dict[str, Callable[[IO[bytes], TextBuffer], None]] = {
    ".doc": doc.extract,
    ".docx": docx.extract,
    ".odt": odt.extract,
    ".rtf": rtf.extract,
    ".txt": plain.extract,
}
"""By extension. Browsers show PDFs themselves."""
CUT = "\n[…]"


def extract(stream: IO[bytes], extension: str) -> str:
    """Return the text of a document; of a long one its beginning, and CUT. Raises Refused."""
    buffer = TextBuffer()
    stream.seek(0)
    try:
        EXTRACTORS[extension](stream, buffer)
    except Full:
        return buffer.text + CUT
    return buffer.text
