"""Clear away what a crash left, and never more than that.

1. A storage that is not ours for certain is left alone (ownership.py).
2. Files without a row, a day old at least, are counted before the first is moved. More than ten and more than
   one in twenty within a day means that the database is wrong, not the files: the sweep is refused.
3. Each is moved to the trash, after its row was asked for once more. A worker erases it thirty days later,
   or moves it back where a row owns it by then.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import structlog

from leadintake.core.chores import Stop
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Unavailable
from leadintake.core.transaction import transaction
from leadintake.documents.entries import Trashed, batch_of
from leadintake.documents.ownership import ensure_installation, ownership
from leadintake.documents.service import BATCH, Row, documents

AGE = timedelta(days=1)
"""Younger files are left: their row may be on its way, or in a backup that is being restored."""
PERIOD = timedelta(days=1)
MOST_UNASKED = 10
SHARE_UNASKED = 0.05
"""How many files, and which share of all, a sweep moves in a day: the greater of the two."""
TRASH_KEPT = timedelta(days=30)
MOST_AT_ONCE = 10_000
MOST_NAMED = 20
IN_TRASH = "in the trash"
log = structlog.get_logger()


def never() -> bool:
    """Go on to the end."""
    return False


@dataclass
class Orphans:
    """Files without a row: how many of all, the first of them, how many are too young to be moved."""

    files: int = 0
    number: int = 0
    young: int = 0
    keys: list[str] = field(default_factory=list)


@dataclass
class Sweep:
    """What a sweep found and moved; `refusal` says why it moved nothing."""

    orphans: Orphans = field(default_factory=Orphans)
    moved: list[str] = field(default_factory=list)
    refusal: str = ""


class Missing(NamedTuple):
    """A document whose file is not where its row says; `found` is where it is, if anywhere."""

    document: uuid.UUID
    found: str


def sweep(stop: Stop = never, *, really: bool = False) -> Sweep:
    """Move files that no document owns to the trash; `really`: however many they are."""
    problem = ownership.judge(documents.storage).problem
    if problem:
        return _refused(Sweep(refusal=problem))
    result = Sweep(find_orphans(stop))
    if stop():
        return result
    if not really and (reason := _excess(result.orphans)):
        result.refusal = reason
        return _refused(result)
    batch, before = batch_of(now(), forced=really), now() - AGE
    for key in result.orphans.keys:
        if stop():
            break
        if documents.storage.discard(key, batch, before, functools.partial(_is_owned, key)):
            result.moved.append(key)
    with transaction():
        ensure_installation().sweep_refusal = ""
    return result


def find_orphans(stop: Stop = never) -> Orphans:
    """Count files and orphans. Moves nothing."""
    found, before = Orphans(), now() - AGE
    entries = documents.storage.entries()
    while not stop() and (some := list(itertools.islice(entries, BATCH))):
        owned = documents.owned([entry.key for entry in some])
        found.files += len(some)
        for entry in some:
            if entry.key in owned:
                continue
            if entry.modified > before:
                found.young += 1
                continue
            found.number += 1
            if len(found.keys) < MOST_AT_ONCE:
                found.keys.append(entry.key)
    return found


def find_missing(stop: Stop = never, *, seconds: float | None = None) -> Iterator[Missing]:
    """Go through all documents, or those that `seconds` are enough for, oldest first."""
    end = None if seconds is None else time.monotonic() + seconds
    listings: dict[str, set[str]] = {}
    trash: dict[str, Trashed] | None = None
    for rows in documents.batches():
        if stop() or (end is not None and time.monotonic() > end):
            return
        for row in rows:
            url = row.storage or documents.stores.url
            if url not in listings:
                listings[url] = set(documents.stores.at(url).names())
            if row.key not in listings[url] and not _is_there(url, row.key):
                if trash is None:
                    trash = {found.key: found for found in documents.storage.trash()}
                yield Missing(row.id, IN_TRASH if row.key in trash else _find_elsewhere(row, url))


def empty_trash(stop: Stop = never) -> tuple[int, int]:
    """Erase what has been in the trash for long; move back what a row owns. Return how many of each."""
    erased = restored = 0
    old = [found for found in documents.storage.trash() if found.moved_at < now() - TRASH_KEPT]
    for found in old:
        if stop():
            break
        if documents.owned([found.key]):
            restored += documents.storage.restore(found)
        else:
            documents.storage.erase(found)
            erased += 1
    return erased, restored


def sweep_daily(stop: Stop) -> dict[str, object]:
    """Sweep, empty the trash and name what is missing, as a chore."""
    done = sweep(stop)
    missing = list(find_missing(stop))
    if missing:
        names = [str(one.document) for one in missing[:MOST_NAMED]]
        log.error("files_missing", documents=names, number=len(missing))
    result: dict[str, object] = {
        "moved": done.moved[:MOST_NAMED],
        "number": len(done.moved),
        "young": done.orphans.young,
        "missing": len(missing),
    }
    if done.refusal:
        return {**result, "refused": done.refusal}
    erased, restored = empty_trash(stop)
    return {**result, "erased": erased, "restored": restored}


def _excess(orphans: Orphans) -> str:
    """Why these are too many to be moved unasked; empty where they are not."""
    recent = [one for one in documents.storage.trash() if not one.forced and one.moved_at > now() - PERIOD]
    allowed = max(MOST_UNASKED, int(orphans.files * SHARE_UNASKED))
    if not orphans.number or len(recent) + orphans.number <= allowed:
        return ""
    return (
        f"{orphans.number} of {orphans.files} files have no row in this database, and {len(recent)} were "
        f"moved within a day: a sweep moves {allowed} unasked. Is it the right database, and a whole one? "
        "`flask storage sweep` shows them; with --really it moves them to the trash."
    )


def _is_owned(key: str) -> bool:
    return bool(documents.owned([key]))


def _refused(result: Sweep) -> Sweep:
    log.error("sweep_refused", reason=result.refusal, orphans=result.orphans.number)
    with transaction():
        row = ensure_installation()
        row.sweep_refusal, row.sweep_refused_at = result.refusal, now()
        row.sweeps_refused += 1
    return result


def _is_there(url: str, key: str) -> bool:
    with contextlib.suppress(FileNotFoundError):
        documents.stores.at(url).open(key).close()
        return True
    return False


def _find_elsewhere(row: Row, url: str) -> str:
    others = [other for other in documents.known_urls() if other != url]
    db.session.rollback()
    for other in others:
        with contextlib.suppress(Unavailable):  # it may be gone for good
            if _is_there(other, row.key):
                return other
    return ""
