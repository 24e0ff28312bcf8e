"""The verdict on an upload: taken as one of our kinds, or refused with a sentence the sender can act on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

from leadintake.core.text import shown_name
from leadintake.documents.findings import Flag, Refused, TooLarge
from leadintake.documents.kinds import BY_EXTENSION, Kind, kind_of

CHUNK = 64 * 1024
TAKEN = "PDF, DOC, DOCX, ODT, RTF or TXT"


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
        raise Refused("This file is empty. Please choose your resume again.")
    if size > most_bytes:
        raise TooLarge(f"This file is larger than {_megabytes(most_bytes)}. Please send a smaller one.")
    promised = BY_EXTENSION.get(PurePosixPath(name).suffix.lower())
    if promised is None:
        raise Refused(f"Please send your resume as {TAKEN}.")
    found = kind_of(stream)
    stream.seek(0)
    if found is None:
        raise Refused(
            f"This file says {promised.extension} but is something else, or it is damaged. "
            f"Please save it as {TAKEN} and try again."
        )
    if found is not promised:
        raise Refused(
            f"This file says {promised.extension} but is {found.name}. "
            f"Please save it as {promised.extension[1:].upper()} and try again."
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


def _megabytes(count: int) -> str:
    return f"{count / 1024 / 1024:g} MB" if count >= 1024 * 1024 else f"{count // 1024} KB"
