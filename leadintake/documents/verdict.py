"""Verdict on an upload: an accepted kind, or a refusal that tells the sender what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import IO, NoReturn

from leadintake.core.i18n.languages import N_, _, size_in_words
from leadintake.documents.inspection import Finding, Kind
from leadintake.documents.inspection.findings import Flag, Refused, TooLarge
from leadintake.documents.names import Name

CHUNK = 64 * 1024
PDF = ".pdf"
ACCEPTED_ENDINGS = {".doc": {".doc", ".docx", ".rtf"}}
"""Kinds that Word opens although they are named .doc; many programs write such files."""
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


def judge(filename: str, stream: IO[bytes], *, most_bytes: int, inspect: Inspect) -> Verdict:
    """Judge size, name, kind and structure, in this order. Raises Refused. Rewinds the stream."""
    size, sha256 = _measure(stream)
    if not size:
        raise Refused(N_("This file is empty. Please choose your resume again."))
    if size > most_bytes:
        refuse_size(most_bytes)
    name = Name.of(filename)
    if name.is_refused:
        raise Refused(N_("Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT."))
    accepted = ACCEPTED_ENDINGS.get(name.ending, {name.ending}) if name.ending else {PDF}
    finding = inspect(stream, accepted)
    stream.seek(0)
    if finding.kind is None or finding.kind.extension not in accepted:
        raise Refused(_explain_mismatch(name, finding.kind))
    return Verdict(finding.kind, name.replace_ending(finding.kind.extension), size, sha256, finding.flags)


def _explain_mismatch(name: Name, kind: Kind | None) -> str:
    """Tell the sender what to do when name and content disagree."""
    if kind is None and not name.ending:
        return N_("Please send your resume as PDF, DOC, DOCX, ODT, RTF or TXT.")
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
