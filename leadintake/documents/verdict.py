"""Verdict on an upload: an accepted kind, or a refusal that tells the sender what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import IO, NoReturn

from leadintake.core.i18n.languages import N_, _, size_in_words
from leadintake.documents.inspection import PHOTO_EXTENSIONS, Finding, Kind
from leadintake.documents.inspection.findings import Flag, Refused, TooLarge
from leadintake.documents.inspection.photos import is_heic
from leadintake.documents.inspection.sentences import HEIC, HEIC_WITHOUT_PHOTOS
from leadintake.documents.names import Name

CHUNK = 64 * 1024
PDF = ".pdf"
ACCEPTED_ENDINGS = {".doc": {".doc", ".docx", ".rtf"}}
"""Kinds that Word opens although they are named .doc; many programs write such files."""
SEND_DOCUMENT = N_("Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT.")
SEND_PHOTO = N_("Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT, or as a photo (JPEG or PNG).")
Inspect = Callable[[IO[bytes], Collection[str]], Finding]
"""Contract of `detection.inspect`, in any process."""


@dataclass(frozen=True)
class Verdict:
    """Accepted file. `size` in bytes, `sha256` in hexadecimal, `filename` safe to show."""

    kind: Kind
    filename: str
    size: int
    sha256: str
    flags: frozenset[Flag]


def refuse_size(most_bytes: int) -> NoReturn:
    """Raise TooLarge."""
    limit = size_in_words(most_bytes)
    raise TooLarge(_("This file is larger than %(limit)s. Please send a smaller one.", limit=limit))


def judge(
    filename: str, stream: IO[bytes], *, most_bytes: int, inspect: Inspect, photos: bool = False
) -> Verdict:
    """Judge size, name, kind and structure, in this order. Raises Refused. Rewinds the stream.

    `photos`: whether photographs are accepted.
    """
    size, sha256 = _measure(stream)
    if not size:
        raise Refused(N_("This file is empty. Please choose your resume again."))
    if size > most_bytes:
        refuse_size(most_bytes)
    name = Name.of(filename)
    if name.is_refused or (name.ending in PHOTO_EXTENSIONS and not photos):
        raise Refused(explain_kinds(photos=photos, heic=name.is_heic))
    accepted = ACCEPTED_ENDINGS.get(name.ending, {name.ending}) if name.ending else {PDF}
    finding = inspect(stream, accepted)
    stream.seek(0)
    if finding.kind is None or finding.kind.extension not in accepted:
        heic = finding.kind is None and is_heic(stream.read(12))
        stream.seek(0)
        raise Refused(
            explain_kinds(photos=photos, heic=True)
            if heic
            else _explain_mismatch(name, finding.kind, photos=photos)
        )
    return Verdict(finding.kind, name.replace_ending(finding.kind.extension), size, sha256, finding.flags)


def explain_kinds(*, photos: bool, heic: bool = False) -> str:
    """Tell the sender which kinds are accepted, or what to do with a photograph by an iPhone."""
    if heic:
        return HEIC if photos else HEIC_WITHOUT_PHOTOS
    return SEND_PHOTO if photos else SEND_DOCUMENT


def _explain_mismatch(name: Name, kind: Kind | None, *, photos: bool) -> str:
    """Tell the sender what to do when name and content disagree."""
    if not name.ending and (kind is None or (kind.is_photo and not photos)):
        return explain_kinds(photos=photos)
    if kind is None and name.ending in PHOTO_EXTENSIONS:
        return _(
            "This file says %(promised)s but is something else, or it is damaged. "
            "Please take the photo again and send the new one.",
            promised=name.ending,
        )
    if kind is None:
        return _(
            "This file says %(promised)s but is something else, or it is damaged. "
            "Please save it as PDF, DOC, DOCX, ODT, RTF or TXT and try again.",
            promised=name.ending,
        )
    if not name.ending:
        return _(
            "The name of this file does not say what it is: it is %(found)s. "
            "Please add %(ending)s to its name, or save it as PDF, and try again.",
            found=_(kind.name),
            ending=kind.extension,
        )
    return _(
        "This file says %(promised)s but is %(found)s. Please save it as %(wanted)s and try again.",
        promised=name.ending,
        found=_(kind.name),
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
