"""Detection of a file's kind, and inspection by its reader."""

from __future__ import annotations

from collections.abc import Collection
from typing import IO, Protocol

from . import KINDS, Finding, Flags, Kind, doc, docx, jpeg, odt, pdf, plain, png, rtf


class Reader(Protocol):
    """Module that reads one kind. Functions get a rewound stream and may leave it anywhere."""

    def fits(self, stream: IO[bytes], /) -> bool:
        """Return whether the bytes are of this kind."""

    def inspect(self, stream: IO[bytes], /) -> Flags:
        """Return flags. Raises Refused."""


READERS: dict[str, Reader] = {
    ".pdf": pdf,
    ".doc": doc,
    ".docx": docx,
    ".odt": odt,
    ".rtf": rtf,
    ".txt": plain,
    ".jpg": jpeg,
    ".png": png,
}


def detect_kind(stream: IO[bytes]) -> Kind | None:
    """Return the kind, None if it is none of KINDS."""
    for kind in KINDS:
        stream.seek(0)
        if READERS[kind.extension].fits(stream):
            return kind
    return None


def inspect(stream: IO[bytes], accepted: Collection[str]) -> Finding:
    """Detect the kind; inspect the file if its extension is in `accepted`. Raises Refused."""
    kind = detect_kind(stream)
    if kind is None or kind.extension not in accepted:
        return Finding(kind)
    stream.seek(0)
    return Finding(kind, READERS[kind.extension].inspect(stream))
