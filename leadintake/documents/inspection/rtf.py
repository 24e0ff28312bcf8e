"""RTF (specification 1.9.1): whole, and judged by what its fields, objects, pictures and addresses do."""

from __future__ import annotations

import re
from typing import IO

from .findings import Flag
from .harm import Findings
from .mapping import mapped
from .rtfreader import Reader


def fits(stream: IO[bytes]) -> bool:
    """Whether it begins as RTF does, behind a byte order mark or white space at most."""
    return re.match(rb"(?:\xef\xbb\xbf)?[\t\n\r ]*+\{\\rtf", stream.read(1024)) is not None


def inspect(stream: IO[bytes]) -> frozenset[Flag]:
    """Flags of a whole RTF document. Raises Refused."""
    findings = Findings()
    Reader(mapped(stream), findings).read()
    return frozenset(findings.flags)
