"""The verdict on an upload: taken as one of our kinds, or refused with a sentence the sender can act on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from leadintake.core.languages import phrase, said, size_in_words
from leadintake.core.text import shown_name
from leadintake.documents.inspection import BY_EXTENSION, Kind, kind_of
from leadintake.documents.inspection.findings import Flag, Refused, TooLarge

CHUNK = 64 * 1024


@dataclass(frozen=True)
class Verdict:
    """A file that may be kept. `size` in bytes, `sha256` in hexadecimal, `filename` safe to show."""

    kind: Kind
    filename: str
    size: int
    sha256: str
    flags: frozenset[Flag]


def judge(filename: str, stream: IO[bytes], *, most_bytes: int) -> Verdict:
    """Judge size, name, kind and structure, in this order. Raises Refused; leaves the stream at its start."""
    name = shown_name(filename)
    size, sha256 = _measure(stream)
    if not size:
        raise Refused(phrase("This file is empty. Please choose your resume again."))
    if size > most_bytes:
        limit = size_in_words(most_bytes)
        raise TooLarge(said("This file is larger than %(limit)s. Please send a smaller one.", limit=limit))
    promised = BY_EXTENSION.get(PurePosixPath(name).suffix.lower())
    if promised is None:
        raise Refused(phrase("Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT."))
    found = kind_of(stream)
    stream.seek(0)
    if found is None:
        raise Refused(
            said(
                "This file says %(promised)s but is something else, or it is damaged. "
                "Please save it as PDF, DOC, DOCX, ODT, RTF or TXT and try again.",
                promised=promised.extension,
            )
        )
    if found is not promised:
        raise Refused(
            said(
                "This file says %(promised)s but is %(found)s. Please save it as %(wanted)s and try again.",
                promised=promised.extension,
                found=said(found.name),
                wanted=promised.extension[1:].upper(),
            )
        )
    flags = found.inspect(stream)
    stream.seek(0)
    return Verdict(found, name, size, sha256, flags)


def _measure(stream: IO[bytes]) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        digest.update(chunk)
    stream.seek(0)
    return size, digest.hexdigest()
