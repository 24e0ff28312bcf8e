"""One request is one transaction: an answer below 400 keeps, anything else forgets.

Commands and workers write `with transaction():`. Return keeps, raise forgets.
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
    """The connection broke while the database committed: it may or may not have."""

    def __init__(self) -> None:
        super().__init__(
            "The connection broke at the last step, and we cannot say whether this was kept. "
            "Please try again; with the same Idempotency-Key nothing is kept twice."
        )


def init_app(app: Flask) -> None:
    """Settle every request's transaction after its view.

    Registered before other after_request functions, it runs after them; the session is saved later still.
    """
    app.after_request(_settle)
    app.teardown_request(_forget)


def commits_itself(view: View) -> View:
    """Mark a view that settles its own transactions."""
    view.commits_itself = True  # type: ignore[attr-defined] # a mark on a function
    return view


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """Commit at the end, roll back when anything is raised.

    Not nested: inside a request it commits, or rolls back, all that the session holds so far.
    """
    with read_only(False):
        try:
            yield
            commit()
        except BaseException:
            rollback()
            raise


def become_writer() -> None:
    """Let the session's transaction write: on SQLite, one that only read begins anew, in the queue.

    Without this, its first write is out of turn, and SQLite refuses it if another connection has written
    since it began. What it has read may have changed meanwhile, as on the other databases.
    """
    with read_only(False):
        db.session.flush()
        connection = db.session.connection()
        if connection.dialect.name == "sqlite" and not is_writer(connection):
            db.session.rollback()
            db.session.connection()


def before_commit(action: Action) -> None:
    """Run `action` as the last part of this transaction. If it fails, the transaction does."""
    _wait_for("before_commit", action)


def on_rollback(action: Action) -> None:
    """Run `action`, which undoes what the database cannot, if this transaction certainly failed.

    Actions after the end run last first; their failures are logged. After OutcomeUnknown only `on_end` runs.
    """
    _wait_for("on_rollback", action)


def on_commit(action: Action) -> None:
    """Run `action` once this transaction is durable."""
    _wait_for("on_commit", action)


def on_end(action: Action) -> None:
    """Run `action` when this transaction is over, however it ended."""
    _wait_for("on_end", action)


def commit() -> None:
    """Run the before_commit actions, commit, then run the on_commit and on_end actions.

    Raises OutcomeUnknown when the connection breaks at the commit itself: the database may have kept
    everything, so nothing is undone. What is left over if it did not, `flask storage sweep` removes.
    """
    db.session.flush()  # what the database refuses for a reason, it refuses here
    while waiting := db.session().info.pop("before_commit", ()):  # one of them may ask for another
        for action in waiting:
            action()
    try:
        db.session.commit()
    except DBAPIError as error:
        if isinstance(error, IntegrityError) or db.engine.dialect.name == "sqlite":
            raise  # it did not happen; SQLite has no connection that could hide it
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


def _wait_for(kind: str, action: Action) -> None:
    db.session().info.setdefault(kind, []).append(action)


def _finish(*kinds: str) -> None:
    info = db.session().info
    info.pop("before_commit", None)
    waiting = {kind: info.pop(kind, []) for kind in ("on_commit", "on_rollback", "on_end")}
    for action in [action for kind in kinds for action in reversed(waiting[kind])]:
        try:
            action()
        except Exception:
            # The transaction is settled already; one failed clean-up must not hide the others.
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
    except Exception as error:  # noqa: BLE001 - whatever failed, the answer is no longer true
        response.close()  # and the file it was about to send
        rollback()
        return answer_to(error)
    return response


def _forget(error: BaseException | None) -> None:
    if error is not None:
        rollback()
