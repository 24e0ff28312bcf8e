"""Erase files thirty days after a sweep moved them, if the clock can be trusted."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from leadintake.core.chores import Stop
from leadintake.core.clock import now
from leadintake.core.db.database import db, read_only
from leadintake.documents.installation import find_installation
from leadintake.documents.missing import never_stop
from leadintake.documents.ownership import LONG_ABSENCE
from leadintake.documents.service import documents
from leadintake.documents.storage.entries import RETURN_NOTE

TRASH_AGE = timedelta(days=30)
RETURN_DELAY = timedelta(days=1)
"""Pause after workers resume: time to notice a wrong clock."""


def empty_trash(stop: Stop = never_stop) -> tuple[int, int]:
    """Erase old files, move back those that a row owns. Return both counts.

    Does nothing for a day after the clock may have jumped: files moved yesterday would look old.
    """
    erased = restored = 0
    if _is_back_recently():
        return erased, restored
    old = [found for found in documents.storage.trash() if found.moved_at < now() - TRASH_AGE]
    for found in old:
        if stop():
            break
        if documents.find_owned_keys([found.key]):
            restored += documents.storage.restore(found)
        else:
            documents.storage.erase(found)
            erased += 1
    return erased, restored


def _is_back_recently() -> bool:
    """Return whether workers resumed less than RETURN_DELAY ago after LONG_ABSENCE."""
    with read_only():
        row = find_installation()
        last = row.renewed_at if row else None
        db.session.rollback()
    if last is not None and now() - last > LONG_ABSENCE:  # no renewal since, so no RETURN_NOTE yet
        return True
    with contextlib.suppress(ValueError):
        at = datetime.fromisoformat((documents.storage.read_note(RETURN_NOTE) or b"").decode())
        return at <= now() < at + RETURN_DELAY
    return False
