"""What the doctor and readiness ask: whose the storage is, and whether every file is where it should be."""

from __future__ import annotations

from leadintake.core.alarms import Problem
from leadintake.core.errors import Conflict, NotFound
from leadintake.core.languages import phrase
from leadintake.documents import sweep
from leadintake.documents.ownership import ownership, recorded_problem, refusal_of_sweep
from leadintake.documents.service import documents

SECONDS = 30.0
"""How long the doctor looks for missing files; the daily sweep looks at all."""
MOST_NAMED = 5


def look_at_owner() -> None:
    """Raise what a worker found last."""
    if problem := recorded_problem():
        raise Conflict(problem)


def check_owner() -> None:
    """Raise unless the storage is ours, or may be claimed."""
    if problem := ownership.judge(documents.storage).problem:
        raise Conflict(problem)


def check_sweep() -> None:
    """Raise where the last sweep was refused."""
    if reason := refusal_of_sweep():
        raise Conflict(reason)


def look_at_sweep() -> Problem | None:
    """Whether the last sweep was refused."""
    if not refusal_of_sweep():
        return None
    return Problem(
        phrase("Putting the stored files in order was refused: it would have removed too many."),
        phrase("Nothing was removed. An operator must see with “flask storage sweep” whose files they are."),
    )


def look_at_ownership() -> Problem | None:
    """Whether the storage may be another installation's."""
    if not recorded_problem():
        return None
    return Problem(
        phrase("The storage may belong to another installation of this service."),
        phrase("Nothing is removed from it. An operator must see with “flask doctor” what to do."),
    )


def check_files() -> None:
    """Raise where a document's file is not where its row says."""
    missing = list(sweep.find_missing(seconds=SECONDS))
    if missing:
        named = ", ".join(f"{one.document} ({one.found or 'nowhere'})" for one in missing[:MOST_NAMED])
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        raise NotFound(
            f"The files of {len(missing)} documents are not where their rows say: {named}{more}. "
            "`flask storage sweep` lists all; `flask storage migrate` and `flask storage restore` bring them."
        )
