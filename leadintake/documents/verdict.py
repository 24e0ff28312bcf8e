"""The verdict on an upload: taken as one of our kinds, or refused with a sentence the sender can act on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import IO

from leadintake.core.languages import phrase, said, size_in_words
from leadintake.documents.inspection import Finding, Kind
from leadintake.documents.inspection.findings import Flag, Refused, TooLarge
from leadintake.documents.names import Name

CHUNK = 64 * 1024
PDF = ".pdf"
ALSO_NAMED = {".doc": {".doc", ".docx", ".rtf"}}
"""What Word opens under a name of its own old kind, and so many programs write."""
Look = Callable[[IO[bytes], Collection[str]], Finding]
"""Look into a file, as `inspection.look` does, wherever that is done."""


@dataclass(frozen=True)
class Verdict:
    """A file that may be kept. `size` in bytes, `sha256` in hexadecimal, `filename` safe to show."""

    kind: Kind
    filename: str
    size: int
    sha256: str
    flags: frozenset[Flag]


def judge(filename: str, stream: IO[bytes], *, most_bytes: int, look: Look) -> Verdict:
    """Judge size, name, kind and structure, in this order. Raises Refused; leaves the stream at its start."""
    size, sha256 = _measure(stream)
    if not size:
        raise Refused(phrase("This file is empty. Please choose your resume again."))
    if size > most_bytes:
        limit = size_in_words(most_bytes)
        raise TooLarge(said("This file is larger than %(limit)s. Please send a smaller one.", limit=limit))
    name = Name.of(filename)
    if name.is_not_taken:
        raise Refused(phrase("Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT."))
    accepted = ALSO_NAMED.get(name.ending, {name.ending}) if name.ending else {PDF}
    found = look(stream, accepted)
    stream.seek(0)
    if found.kind is None or found.kind.extension not in accepted:
        raise Refused(_disagreement(name, found.kind))
    return Verdict(found.kind, name.under(found.kind.extension), size, sha256, found.flags)


def _disagreement(name: Name, found: Kind | None) -> str:
    """What is wrong with a file whose name and content do not agree, and the way out."""
    if found is None and not name.ending:
        return phrase("Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT.")
    if found is None:
        return said(
            "This file says %(promised)s but is something else, or it is damaged. "
            "Please save it as PDF, DOC, DOCX, ODT, RTF or TXT and try again.",
            promised=name.ending,
        )
    if not name.ending:
        return said(
            "The name of this file does not say what it is: it is %(found)s. "
            "Please add %(ending)s to its name, or save it as PDF, and try again.",
            found=said(found.name),
            ending=found.extension,
        )
    return said(
        "This file says %(promised)s but is %(found)s. Please save it as %(wanted)s and try again.",
        promised=name.ending,
        found=said(found.name),
        wanted=name.ending[1:].upper(),
    )


def _measure(stream: IO[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        digest.update(chunk)
    stream.seek(0)
    return size, digest.hexdigest()
