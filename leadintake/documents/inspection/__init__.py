"""The kinds of file taken as a resume: how each is known by its bytes, and what is looked for inside."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import IO

from . import doc, docx, odt, pdf, plain, rtf
from .findings import Flag
from .sentences import N_

Flags = frozenset[Flag]


def _nothing(_stream: IO[bytes]) -> Flags:
    return frozenset()


@dataclass(frozen=True)
class Kind:
    """One kind of file. `fits` and `inspect` read the stream from its start and may leave it anywhere.

    `fits` says whether the bytes are of this kind; `inspect` then looks at the whole of them, raises
    Refused or returns what a reader is warned of.
    """

    name: str
    extension: str
    content_type: str
    fits: Callable[[IO[bytes]], bool]
    inspect: Callable[[IO[bytes]], Flags] = _nothing


KINDS = (
    Kind(N_("a PDF"), ".pdf", "application/pdf", pdf.fits, pdf.inspect),
    Kind(N_("an old Word document (.doc)"), ".doc", "application/msword", doc.fits, doc.inspect),
    Kind(
        N_("a Word document"),
        ".docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        docx.fits,
        docx.inspect,
    ),
    Kind(
        N_("an OpenDocument text"),
        ".odt",
        "application/vnd.oasis.opendocument.text",
        odt.fits,
        odt.inspect,
    ),
    Kind(N_("an RTF document"), ".rtf", "application/rtf", rtf.fits, rtf.inspect),
    Kind(N_("plain text"), ".txt", "text/plain", plain.fits),
)
BY_EXTENSION = {kind.extension: kind for kind in KINDS}


def kind_of(stream: IO[bytes]) -> Kind | None:
    """What the bytes are, whatever the name says. None when they are nothing that is taken."""
    for kind in KINDS:
        stream.seek(0)
        if kind.fits(stream):
            return kind
    return None


@dataclass(frozen=True)
class Finding:
    """What a file is, and what its reader is warned of. `kind` is None when it is nothing that is taken."""

    kind: Kind | None
    flags: Flags = frozenset()


def look(stream: IO[bytes], accepted: Collection[str]) -> Finding:
    """Find out what a file is; inspect it when its extension is one of the accepted. Raises Refused."""
    kind = kind_of(stream)
    if kind is None or kind.extension not in accepted:
        return Finding(kind)
    stream.seek(0)
    return Finding(kind, kind.inspect(stream))
