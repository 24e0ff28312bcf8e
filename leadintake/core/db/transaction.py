"""Transactions: one per request. Answers below 400 commit, others roll back.

Commands and workers write `with transaction():`. A return commits, an exception rolls back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import structlog
from flask import Flask, Response, current_app, request
from sqlalchemy.exc import DBAPIError, IntegrityError

from leadintake.core.db.database import db, read_only
from leadintake.core.db.writers import is_writer
from leadintake.core.errors import Unavailable, answer_to

View = TypeVar("View", bound=Callable[..., object])
Action = Callable[[], None]
log = structlog.get_logger()


class OutcomeUnknown(Unavailable):
    """The connection broke during the commit, which may or may not have succeeded."""

    def __init__(self) -> None:
        super().__init__(
            "The connection broke at the last step, and we cannot say whether this was kept. "
            "Please try again; with the same Idempotency-Key nothing is kept twice."
        )


def init_app(app: Flask) -> None:
    """Settle every request's transaction after its view.

    `_settle` is registered before other after_request functions, so it runs after them; the session is saved
    still later.
    """
    app.after_request(_settle)
    app.teardown_request(_forget)


def commits_itself(view: View) -> View:
    """Mark a view that settles its own transactions."""
    view.commits_itself = True  # type: ignore[attr-defined] # a mark on a function
    return view


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """Commit at the end; roll back on an exception.

    Not nested: inside a request it settles all that the session holds so far.
    """
    with read_only(False):
        try:
            yield
            commit()
        except BaseException:
            rollback()
            raise


def become_writer() -> None:
    """Let the session's transaction write. On SQLite, one that only read begins again, in the queue.

    Otherwise its first write would skip the queue, and fail if another connection has written since it began.
    What it has read may have changed meanwhile, as on the other databases.
    """
    with read_only(False):
        db.session.flush()
        connection = db.session.connection()
        if connection.dialect.name == "sqlite" and not is_writer(connection):
            db.session.rollback()
            db.session.connection()


def before_commit(action: Action, *, first: bool = False) -> None:
    """Run `action` at the end of this transaction, which fails if `action` does; `first` before others."""
    _wait_for("before_commit", action, first=first)


def on_rollback(action: Action) -> None:
    """Run `action`, which undoes what the database cannot, if this transaction certainly failed.

    Actions after the end run in reverse order; errors are logged. After OutcomeUnknown only `on_end` runs.
    """
    _wait_for("on_rollback", action)


def on_commit(action: Action) -> None:
    """Run `action` once this transaction is durable."""
    _wait_for("on_commit", action)


def on_end(action: Action) -> None:
    """Run `action` when this transaction has ended in any way."""
    _wait_for("on_end", action)


def commit() -> None:
    """Run the before_commit actions, commit, then run the on_commit and on_end actions.

    Raises OutcomeUnknown if the connection breaks at the commit itself. The database may have kept
    everything, so nothing is undone; `flask storage sweep` removes what is left over if it did not.
    """
    db.session.flush()  # violated constraints raise here, not at the commit
    while waiting := db.session().info.pop("before_commit", ()):  # an action may add another
        for action in waiting:
            action()
    try:
        db.session.commit()
    except DBAPIError as error:
        if isinstance(error, IntegrityError) or db.engine.dialect.name == "sqlite":
            raise  # certainly not committed: SQLite has no connection to lose
        db.session.rollback()
        _finish("on_end")
        raise OutcomeUnknown from error
    _finish("on_commit", "on_end")


def rollback() -> None:
    """Roll back, then run the on_rollback and on_end actions."""
    try:
        db.session.rollback()
    finally:
        _finish("on_rollback", "on_end")


def _wait_for(kind: str, action: Action, *, first: bool = False) -> None:
    waiting = db.session().info.setdefault(kind, [])
    waiting.insert(0 if first else len(waiting), action)


def _finish(*kinds: str) -> None:
    info = db.session().info
    info.pop("before_commit", None)
    waiting = {kind: info.pop(kind, []) for kind in ("on_commit", "on_rollback", "on_end")}
    for action in [action for kind in kinds for action in reversed(waiting[kind])]:
        try:
            action()
        except Exception:
            # The transaction has ended; other actions must still run.
            log.exception("after_transaction_failed")


def _settle(response: Response) -> Response:
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "commits_itself", False):
        return response
    if response.status_code >= 400:
        rollback()
        return response
    try:
        commit()
    except Exception as error:  # noqa: BLE001 - after any failure the answer is untrue
        response.close()  # with the file that it would send
        rollback()
        return answer_to(error)
    return response


def _forget(error: BaseException | None) -> None:
    if error is not None:
        rollback()
