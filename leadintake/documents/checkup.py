"""Checks of storage, sweeps and files for doctor, readiness and alarms."""

from __future__ import annotations

from leadintake.core.alarms import Problem
from leadintake.core.errors import Conflict, NotFound
from leadintake.core.i18n.languages import N_
from leadintake.documents.installation import read_storage_problem, read_sweep_refusal
from leadintake.documents.missing import Search
from leadintake.documents.ownership import ownership
from leadintake.documents.service import documents

SECONDS = 30.0
"""Limit of the doctor's search for missing files; the daily sweep checks all."""
MAX_NAMED = 5


def report_problem() -> None:
    """Raise the storage problem that a worker recorded last."""
    if problem := read_storage_problem():
        raise Conflict(problem)


def check_owner() -> None:
    """Raise unless the storage is this installation's or may be claimed."""
    if problem := ownership.judge(documents.storage).problem:
        raise Conflict(problem)


def check_sweep() -> None:
    """Raise if the last sweep was refused."""
    if reason := read_sweep_refusal():
        raise Conflict(reason)


def find_sweep_problem() -> Problem | None:
    """Return a problem if the last sweep was refused."""
    if not read_sweep_refusal():
        return None
    return Problem(
        N_("Putting the stored files in order was refused: it would have removed too many."),
        N_("Nothing was removed. An operator must see with “flask storage sweep” whose files they are."),
    )


def find_owner_problem() -> Problem | None:
    """Return a problem if the storage may be foreign."""
    if not read_storage_problem():
        return None
    return Problem(
        N_("The storage may belong to another installation of this service."),
        N_("Nothing is removed from it. An operator must see with “flask doctor” what to do."),
    )


def check_files() -> str:
    """Raise if files are missing or damaged. Return a note if some were not checked."""
    search = Search(seconds=SECONDS)
    missing = list(search)
    note = ""
    if search.ended_early:
        note = (
            f"Looked at the first {search.looked} documents only, the oldest, for {SECONDS:.0f} seconds. "
            "`flask storage sweep` looks at all, as a worker does daily."
        )
    if not missing:
        return note
    named = ", ".join(f"{one.document} ({one.location or 'nowhere'})" for one in missing[:MAX_NAMED])
    more = f" and {len(missing) - MAX_NAMED} more" if len(missing) > MAX_NAMED else ""
    advice = (
        f"The files of {len(missing)} documents are damaged or not where their rows say: {named}{more}. "
        "`flask storage sweep` lists all; `flask storage migrate` and `flask storage restore` bring them."
    )
    raise NotFound(f"{advice} {note}".rstrip())
