"""Move orphans to the trash: files without a row, which crashes leave.

1. Refuse if the storage may belong to another installation (ownership.py).
2. Count orphans over a day old. Refuse to move more than ten and more than one in twenty files a day: then
   the database is wrong, not the files.
3. Look up each row again, then move the file. After thirty days a worker erases it, or moves it back if a row
   owns it (trash.py).
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from leadintake.core.chores import Stop, Watch, watch_nothing
from leadintake.core.clock import now
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Unavailable
from leadintake.documents.installation import ensure_installation
from leadintake.documents.missing import Search, never_stop
from leadintake.documents.ownership import ownership
from leadintake.documents.service import BATCH, documents
from leadintake.documents.storage.entries import name_batch
from leadintake.documents.trash import empty_trash

AGE = timedelta(days=1)
"""Minimum age: a younger file's row may be uncommitted, or in a backup being restored."""
PERIOD = timedelta(days=1)
MAX_UNASKED = 10
SHARE_UNASKED = 0.05
"""Daily limit without --really: MAX_UNASKED files or this share of all, whichever is more."""
MAX_AT_ONCE = 10_000
MAX_NAMED = 20
MAX_FAILED = 3
"""Failures to move a file after which the storage counts as failed."""
log = structlog.get_logger()


@dataclass
class Orphans:
    """Files without a row: their `number`, the first `keys`; `young` ones, which stay; all `files`.

    `unknown` files are counted apart: this service never makes such names.
    """

    files: int = 0
    number: int = 0
    young: int = 0
    unknown: int = 0
    keys: list[str] = field(default_factory=list)


@dataclass
class Sweep:
    """Result of a sweep. `refusal`: why nothing was moved."""

    orphans: Orphans = field(default_factory=Orphans)
    moved: list[str] = field(default_factory=list)
    refusal: str = ""


def sweep(stop: Stop = never_stop, *, really: bool = False, watch: Watch = watch_nothing) -> Sweep:
    """Move orphans to the trash. `really`: however many. `watch` gets numbers of files looked at."""
    problem = ownership.judge(documents.storage).problem
    if problem:
        return _record_refusal(Sweep(refusal=problem))
    result = Sweep(find_orphans(stop, watch))
    if stop():
        return result
    if not really and (reason := _find_excess(result.orphans)):
        result.refusal = reason
        return _record_refusal(result)
    batch, before = name_batch(now(), forced=really), now() - AGE
    failed = 0
    for key in result.orphans.keys:
        if stop():
            break
        try:
            if documents.storage.discard(key, batch, before, functools.partial(_is_owned, key)):
                result.moved.append(key)
        except Unavailable:  # logged by the storage; go on with the next file
            failed += 1
            if failed == MAX_FAILED:
                raise
    with transaction():
        ensure_installation().sweep_refusal = ""
    return result


def find_orphans(stop: Stop = never_stop, watch: Watch = watch_nothing) -> Orphans:
    """Count files and orphans. `watch` gets numbers of files looked at."""
    orphans, before = Orphans(), now() - AGE
    entries = documents.storage.entries()
    while not stop() and (entry_batch := list(itertools.islice(entries, BATCH))):
        watch(len(entry_batch))
        known = [entry for entry in entry_batch if not entry.is_unknown]
        owned = documents.find_owned_keys([entry.key for entry in known])
        orphans.files += len(known)
        orphans.unknown += len(entry_batch) - len(known)
        for entry in known:
            if entry.key in owned:
                continue
            if entry.modified > before:
                orphans.young += 1
                continue
            orphans.number += 1
            if len(orphans.keys) < MAX_AT_ONCE:
                orphans.keys.append(entry.key)
    return orphans


def sweep_daily(stop: Stop) -> dict[str, object]:
    """Sweep, empty the trash and log missing files (a chore)."""
    done = sweep(stop)
    missing = list(Search(stop))
    if missing:
        names = [str(one.document) for one in missing[:MAX_NAMED]]
        log.error("files_missing", documents=names, number=len(missing))
    result: dict[str, object] = {
        "moved": done.moved[:MAX_NAMED],
        "number": len(done.moved),
        "young": done.orphans.young,
        "unknown": done.orphans.unknown,
        "missing": len(missing),
    }
    if done.refusal:
        return {**result, "refused": done.refusal}
    erased, restored = empty_trash(stop)
    return {**result, "erased": erased, "restored": restored}


def _find_excess(orphans: Orphans) -> str:
    """Return why the orphans are too many without --really, empty if they are not."""
    recent = [one for one in documents.storage.trash() if not one.forced and one.moved_at > now() - PERIOD]
    allowed = max(MAX_UNASKED, int(orphans.files * SHARE_UNASKED))
    if not orphans.number or len(recent) + orphans.number <= allowed:
        return ""
    return (
        f"{orphans.number} of {orphans.files} files have no row in this database, and {len(recent)} were "
        f"moved within a day: a sweep moves {allowed} unasked. Is it the right database, and a whole one? "
        "`flask storage sweep` shows them; with --really it moves them to the trash."
    )


def _is_owned(key: str) -> bool:
    return bool(documents.find_owned_keys([key]))


def _record_refusal(result: Sweep) -> Sweep:
    log.error("sweep_refused", reason=result.refusal, orphans=result.orphans.number)
    with transaction():
        row = ensure_installation()
        row.sweep_refusal, row.sweep_refused_at = result.refusal, now()
        row.sweeps_refused += 1
    return result
