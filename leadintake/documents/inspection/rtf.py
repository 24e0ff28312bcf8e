"""RTF (specification 1.9.1), judged by fields, objects, pictures and addresses."""

from __future__ import annotations

import re
from typing import IO

from .findings import Flag
from .harm import Findings
from .mapping import map_stream
from .rtfreader import Reader
from .rtftext import TextReader
from .textbuffer import TextBuffer


def fits(stream: IO[bytes]) -> bool:
    """Return whether it starts as RTF, after a byte order mark or white space."""
    return re.match(rb"(?:\xef\xbb\xbf)?[\t\n\r ]*+\{\\rtf", stream.read(1024)) is not None


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Inspect an RTF document and return its flags."""
    findings = Findings()
    Reader(map_stream(stream), findings).read()
    return frozenset(findings.flags)


def extract(stream: IO[bytes], buffer: TextBuffer) -> None:
    """Take out the text."""
    TextReader(map_stream(stream), buffer).read()
