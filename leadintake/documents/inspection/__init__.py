"""Kinds of file accepted as a resume, and results of an inspection.

Imports no reader: only the processes that inspect files need them. Any function that reads a document may
raise Refused; docstrings name particular reasons.
"""

from __future__ import annotations

from dataclasses import dataclass

from .findings import Flag
from .sentences import N_

Flags = frozenset[Flag]


@dataclass(frozen=True)
class Kind:
    """Kind of file."""

    name: str
    extension: str
    content_type: str
    is_photo: bool = False
    """Whether it is accepted only with ACCEPT_PHOTOS."""


KINDS = (
    Kind(N_("a PDF"), ".pdf", "application/pdf"),
    Kind(N_("an old Word document (.doc)"), ".doc", "application/msword"),
    Kind(
        N_("a Word document"),
        ".docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    Kind(N_("an OpenDocument text"), ".odt", "application/vnd.oasis.opendocument.text"),
    Kind(N_("an RTF document"), ".rtf", "application/rtf"),
    Kind(N_("plain text"), ".txt", "text/plain"),
    Kind(N_("a JPEG photo"), ".jpg", "image/jpeg", is_photo=True),
    Kind(N_("a PNG picture"), ".png", "image/png", is_photo=True),
)
BY_EXTENSION = {kind.extension: kind for kind in KINDS}
PHOTO_EXTENSIONS = {kind.extension for kind in KINDS if kind.is_photo}
PHOTO_TYPES = {kind.content_type for kind in KINDS if kind.is_photo}
VIEWABLE_TYPES = {"application/pdf", *PHOTO_TYPES}
"""Content types of what browsers show."""


@dataclass(frozen=True)
class Finding:
    """Kind of a file, None if not accepted, and its flags."""

    kind: Kind | None
    flags: Flags = frozenset()
