"""Compatibility of code and database.

1. A migration has `oldest_code = "0006"` beside its `revision`: the oldest revision whose code may still run.
2. The database stores it too: older code lacks the migration's file.
3. In a rolling upgrade, old code continues where it may, else answers 503, as new code does on an older
   database.
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import structlog
from flask import Flask, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from leadintake.core import checks
from leadintake.core.causes import is_schema_error
from leadintake.core.clock import now
from leadintake.core.db.database import Model, db, migrations_folder, read_only
from leadintake.core.db.timeouts import use_request_timeout
from leadintake.core.db.types import new_id
from leadintake.core.errors import Refusal, Unavailable, explain_failures

if TYPE_CHECKING:
    from alembic.migration import MigrationContext

MATCH_SECONDS, MISMATCH_SECONDS = 60.0, 2.0
"""Validity of a match and of a mismatch."""
AFTER_FAILURE_SECONDS = 1.0
VERSIONS = sa.table("alembic_version")
log = structlog.get_logger()


class SchemaRevision(Model):
    """A migration of the database, and the oldest revision whose code may run on it."""

    __tablename__ = "schema_revisions"

    revision: Mapped[str] = mapped_column(sa.String(32), unique=True)
    oldest_code: Mapped[str] = mapped_column(sa.String(32))


class WrongRevision(Unavailable):
    """The database is older than this code, or newer and incompatible."""

    broken = False

    def __init__(self, sentence: str) -> None:
        super().__init__(retry_after=5)
        self.sentence = sentence


@dataclass
class _Finding:
    """The last comparison. `sentence`: for the operator, "" for a match."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sentence: str = ""
    checked_at: float = -math.inf
    valid_until: float = -math.inf


def init_app(app: Flask) -> None:
    """Refuse requests on a mismatch; register the readiness check."""
    app.extensions["leadintake.revision"] = _Finding()
    app.before_request(_refuse_mismatch)
    explain_failures(app, _explain)
    checks.register(app, "revision", _check, after="database")


def require() -> None:
    """Raise WrongRevision on a mismatch, or a database error: callers need not wait for it twice.

    Costs a statement once a minute, and after a failure.
    """
    if sentence := _find_mismatch():
        raise WrongRevision(sentence)


def find_mismatch() -> str:
    """Return why this code may not use the database, or ""; without an answer, the last result."""
    try:
        return _find_mismatch()
    except SQLAlchemyError:
        return _finding().sentence


def _find_mismatch() -> str:
    """Compare when due. One caller compares, others use the last result."""
    finding = _finding()
    if time.monotonic() >= finding.valid_until and finding.lock.acquire(blocking=False):
        try:
            _store(finding, _compare())
        except SQLAlchemyError:
            finding.valid_until = time.monotonic() + MISMATCH_SECONDS
            raise
        finally:
            finding.lock.release()
    return finding.sentence


def invalidate() -> None:
    """Make the next call compare again."""
    _finding().valid_until = -math.inf


def write_oldest_code(ctx: MigrationContext, step: Any, heads: Collection[Any], run_args: Any) -> None:  # noqa: ARG001 - the signature of Alembic
    """Store each migration's `oldest_code`, in Alembic's transaction (its on_version_apply)."""
    from alembic.script import ScriptDirectory

    connection = ctx.connection
    if connection is None or not sa.inspect(connection).has_table(SchemaRevision.__tablename__):
        return
    table = SchemaRevision.__table__
    steps = ScriptDirectory(str(migrations_folder())).iterate_revisions(tuple(heads), "base")
    oldest_codes = {step.revision: step.module.oldest_code for step in steps}
    known = set(connection.scalars(sa.select(table.c.revision)))
    for revision in known - set(oldest_codes):
        connection.execute(sa.delete(SchemaRevision).where(table.c.revision == revision))
    for revision in sorted(set(oldest_codes) - known):
        row = {"id": new_id(), "created_at": now(), "updated_at": now()}
        connection.execute(
            sa.insert(SchemaRevision).values(revision=revision, oldest_code=oldest_codes[revision], **row)
        )


def _refuse_mismatch() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if view is not None and not getattr(view, "without_database", False):
        require()


def _explain(error: Exception) -> Refusal | None:
    """Convert failures caused by a mismatch to a 503."""
    finding, at = _finding(), time.monotonic()
    schema_error = is_schema_error(error)
    if schema_error or at - finding.checked_at > AFTER_FAILURE_SECONDS:
        finding.valid_until = at
    sentence = find_mismatch()
    if schema_error:
        # During a migration, the stored revision is still the old one.
        log.error("schema_error", error=type(error).__name__, cause=str(error).partition("\n")[0])
    return WrongRevision(sentence) if sentence or schema_error else None


def _check() -> None:
    _store(_finding(), sentence := _compare())
    if sentence:
        raise RuntimeError(sentence)


def _finding() -> _Finding:
    finding: _Finding = current_app.extensions["leadintake.revision"]
    return finding


def _store(finding: _Finding, sentence: str) -> None:
    if sentence and sentence != finding.sentence:
        log.error("wrong_revision", cause=sentence)
    finding.sentence, finding.checked_at = sentence, time.monotonic()
    finding.valid_until = finding.checked_at + (MISMATCH_SECONDS if sentence else MATCH_SECONDS)


def _compare() -> str:
    revisions = list_revisions()
    head = max(revisions)
    with use_request_timeout(), read_only(), db.engine.connect() as connection:
        found = _read_current_revision(connection)
        if found == head:
            return ""
        if found is None or found in revisions:
            at = f"at revision {found}" if found else "empty"
            return f"The database is {at}, this version needs revision {head}. Run `flask db upgrade`."
        steps = connection.execute(sa.select(SchemaRevision.revision, SchemaRevision.oldest_code))
        newer = {revision: oldest for revision, oldest in steps if revision not in revisions}
    if found not in newer:
        return (
            f"The database is at revision {found}, which this version ({head}) does not know. "
            "Upgrade leadintake here."
        )
    if needed := [oldest for oldest in newer.values() if oldest not in revisions]:
        return (
            f"The database is at revision {found} and needs at least the version of revision {max(needed)}; "
            f"this is the one of {head}. Upgrade leadintake here."
        )
    return ""


def _read_current_revision(connection: sa.Connection) -> str | None:
    """Return the revision that Alembic stored, or None in an empty database."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(sa.select(sa.column("version_num", sa.String)).select_from(VERSIONS))


@functools.cache
def list_revisions() -> frozenset[str]:
    """Return this code's revisions, by the names of their files; the greatest is the newest.

    Alembic would load every migration, and itself, to tell.
    """
    return frozenset(path.name.partition("_")[0] for path in migrations_folder().glob("versions/[0-9]*_*.py"))
