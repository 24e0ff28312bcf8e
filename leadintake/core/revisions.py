"""Which code may run on which database: each migration says which code is the oldest that may still run.

A migration has `oldest_code = "0006"` beside its `revision`. It is written into the database with the
migration, because code that is older than the migration does not have its file. So during a rolling upgrade
the code of before goes on where it may, and answers 503 where it may not, as newer code does on an older
database.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
import structlog
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core import checks
from leadintake.core.causes import is_schema_error
from leadintake.core.clock import now
from leadintake.core.database import Model, db, migrations_folder, reading
from leadintake.core.errors import Refusal, Unavailable, explain_failures
from leadintake.core.patience import as_in_a_request
from leadintake.core.types import new_id

RIGHT_SECONDS, WRONG_SECONDS = 60.0, 2.0
"""How long it is believed that this code may use the database, and that it may not."""
AFTER_FAILURE_SECONDS = 1.0
log = structlog.get_logger()


class SchemaRevision(Model):
    """A migration that the database has, and the oldest revision whose code may run on it."""

    __tablename__ = "schema_revisions"

    revision: Mapped[str] = mapped_column(sa.String(32), unique=True)
    oldest_code: Mapped[str] = mapped_column(sa.String(32))


class WrongRevision(Unavailable):
    """The database is older than this code, or newer and says that this code may not run."""

    broken = False

    def __init__(self, sentence: str) -> None:
        super().__init__(retry_after=5)
        self.sentence = sentence


@dataclass
class _Finding:
    """What was found last: a sentence for the operator, or nothing where the code may run."""

    guard: threading.Lock = field(default_factory=threading.Lock)
    sentence: str = ""
    asked: float = -math.inf
    valid_until: float = -math.inf


def init_app(app: Flask) -> None:
    """Refuse requests while the database is none for this code, and have readiness say so."""
    app.extensions["leadintake.revision"] = _Finding()
    app.before_request(_gate)
    explain_failures(app, _explain)
    checks.register(app, "revision", _check, after="database")


def require() -> None:
    """Raise WrongRevision while this code may not use the database: for workers and requests.

    Costs no statement but once a minute, and after a failure. Raises what the database answered where it
    could not be asked: who asked need not wait for it a second time.
    """
    if sentence := _ask():
        raise WrongRevision(sentence)


def obstacle() -> str:
    """Why this code may not use the database, as far as it is known; nothing where it may.

    A database that does not answer says nothing.
    """
    try:
        return _ask()
    except SQLAlchemyError:
        return _finding().sentence


def _ask() -> str:
    """Compare where it is time to. One asks, the others go on with what was found before."""
    finding = _finding()
    if time.monotonic() >= finding.valid_until and finding.guard.acquire(blocking=False):
        try:
            _keep(finding, _compare())
        except SQLAlchemyError:
            finding.valid_until = time.monotonic() + WRONG_SECONDS
            raise
        finally:
            finding.guard.release()
    return finding.sentence


def doubt() -> None:
    """Have the next to ask compare again: something failed that may come of a change."""
    _finding().valid_until = -math.inf


def write_oldest_code(ctx: MigrationContext, step: Any, heads: Collection[Any], run_args: Any) -> None:  # noqa: ARG001 - as Alembic calls it
    """Write what each migration says into the database, once the last one ran (Alembic's on_version_apply).

    In the transaction in which Alembic writes the new revision.
    """
    connection = ctx.connection
    if connection is None or not sa.inspect(connection).has_table(SchemaRevision.__tablename__):
        return
    table = SchemaRevision.__table__
    steps = ScriptDirectory(str(migrations_folder())).iterate_revisions(tuple(heads), "base")
    told = {step.revision: step.module.oldest_code for step in steps}
    known = set(connection.scalars(sa.select(table.c.revision)))
    for revision in known - set(told):
        connection.execute(sa.delete(SchemaRevision).where(table.c.revision == revision))
    for revision in sorted(set(told) - known):
        row = {"id": new_id(), "created_at": now(), "updated_at": now()}
        connection.execute(
            sa.insert(SchemaRevision).values(revision=revision, oldest_code=told[revision], **row)
        )


def _gate() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is not None and not getattr(view, "without_database", False):
        require()


def _explain(error: Exception) -> Refusal | None:
    """Answer 503 to what fails because the database is another than this code was written for."""
    finding, at = _finding(), time.monotonic()
    schema_error = is_schema_error(error)
    if schema_error or at - finding.asked > AFTER_FAILURE_SECONDS:
        finding.valid_until = at
    sentence = obstacle()
    if schema_error:
        # While a migration runs, the revision is still the old one.
        log.error("schema_error", error=type(error).__name__, cause=str(error).partition("\n")[0])
    return WrongRevision(sentence) if sentence or schema_error else None


def _check() -> None:
    """Raise unless this code may run on the database."""
    _keep(_finding(), sentence := _compare())
    if sentence:
        raise RuntimeError(sentence)


def _finding() -> _Finding:
    finding: _Finding = current_app.extensions["leadintake.revision"]
    return finding


def _keep(finding: _Finding, sentence: str) -> None:
    if sentence and sentence != finding.sentence:
        log.error("wrong_revision", cause=sentence)
    finding.sentence, finding.asked = sentence, time.monotonic()
    finding.valid_until = finding.asked + (WRONG_SECONDS if sentence else RIGHT_SECONDS)


def _compare() -> str:
    known, head = _known()
    with as_in_a_request(), reading(), db.engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
        if found == head:
            return ""
        if found is None or found in known:
            at = f"at revision {found}" if found else "empty"
            return f"The database is {at}, this version needs revision {head}. Run `flask db upgrade`."
        steps = connection.execute(sa.select(SchemaRevision.revision, SchemaRevision.oldest_code))
        newer = {revision: oldest for revision, oldest in steps if revision not in known}
    if found not in newer:
        return (
            f"The database is at revision {found}, which this version ({head}) does not know. "
            "Upgrade leadintake here."
        )
    if needed := [oldest for oldest in newer.values() if oldest not in known]:
        return (
            f"The database is at revision {found} and needs at least the version of revision {max(needed)}; "
            f"this is the one of {head}. Upgrade leadintake here."
        )
    return ""


@functools.cache
def _known() -> tuple[frozenset[str], str | None]:
    """The revisions this code has, and the newest."""
    scripts = ScriptDirectory(str(migrations_folder()))
    return frozenset(step.revision for step in scripts.walk_revisions()), scripts.get_current_head()
