"""Entries of a storage: names, ages, the trash."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from leadintake.core.errors import Unavailable

MARKER = ".leadintake-owner"
"""Note that names the installation to which a storage belongs."""
SHARED = ".leadintake-shared"
"""Note of an installation that stores files in a storage of another one."""
RETURN_NOTE = ".leadintake-returned"
"""Note with the time at which workers resumed after days, or the clock jumped (trash.py)."""
TRASH = "trash"
_STAMP = "%Y%m%dT%H%M%SZ"
_FORCED = "-forced"
_BATCH = re.compile(rf"\d{{8}}T\d{{6}}Z(?:{_FORCED})?")


class NoteUnreadable(Unavailable):
    """A note cannot be read: the owner is unknown, so nothing may be removed."""


class Entry(NamedTuple):
    """File in the storage."""

    key: str
    modified: datetime
    size: int = 0
    is_unknown: bool = False
    """Whether this service cannot have made it (a link, a name beyond ASCII): it stays."""


class TrashEntry(NamedTuple):
    """File in the trash. `batch`: folder, named by the time of the move."""

    key: str
    batch: str

    @property
    def path(self) -> str:
        """Path from the root of the storage."""
        return f"{TRASH}/{self.batch}/{self.key}"

    @property
    def moved_at(self) -> datetime:
        """Time of the move."""
        return datetime.strptime(self.batch.removesuffix(_FORCED), _STAMP).replace(tzinfo=UTC)

    @property
    def forced(self) -> bool:
        """Whether an operator moved it with --really."""
        return self.batch.endswith(_FORCED)


def name_batch(moment: datetime, *, forced: bool) -> str:
    """Return the name of the batch moved at `moment`."""
    return moment.astimezone(UTC).strftime(_STAMP) + (_FORCED if forced else "")


def is_file(name: str) -> bool:
    """Return whether a name may be an upload's: not hidden, in no folder."""
    return "/" not in name and not name.startswith(".")


def is_batch(name: str) -> bool:
    """Return whether a folder of the trash is a batch."""
    return _BATCH.fullmatch(name) is not None
