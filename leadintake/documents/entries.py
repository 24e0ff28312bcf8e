"""What a storage holds beside the bytes: names, ages, the trash."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

MARKER = ".leadintake-owner"
"""The object that says which installation a storage belongs to."""
SHARED = ".leadintake-shared"
"""The object by which an installation that it does not belong to says that it stores files there, too."""
TRASH = "trash"
_STAMP = "%Y%m%dT%H%M%SZ"
_FORCED = "-forced"
_BATCH = re.compile(rf"\d{{8}}T\d{{6}}Z(?:{_FORCED})?")


class Entry(NamedTuple):
    """A file in the storage."""

    key: str
    modified: datetime


class Trashed(NamedTuple):
    """A file in the trash, under the name of the batch it was moved with."""

    key: str
    batch: str

    @property
    def path(self) -> str:
        """Where it lies, from the storage's root."""
        return f"{TRASH}/{self.batch}/{self.key}"

    @property
    def moved_at(self) -> datetime:
        """When it was moved there."""
        return datetime.strptime(self.batch.removesuffix(_FORCED), _STAMP).replace(tzinfo=UTC)

    @property
    def forced(self) -> bool:
        """Whether an operator had it moved, whatever the number."""
        return self.batch.endswith(_FORCED)


def batch_of(moment: datetime, *, forced: bool) -> str:
    """The name of what is moved to the trash at `moment`."""
    return moment.astimezone(UTC).strftime(_STAMP) + (_FORCED if forced else "")


def is_file(name: str) -> bool:
    """Whether a name is that of a file somebody sent: no folder, nothing hidden."""
    return "/" not in name and not name.startswith(".")


def is_batch(name: str) -> bool:
    """Whether a folder of the trash was made by a sweep."""
    return _BATCH.fullmatch(name) is not None
