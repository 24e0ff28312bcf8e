"""One request is one transaction: an answer below 400 keeps, anything else forgets.

Commands and workers write `with transaction():`. Return keeps, raise forgets.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

import structlog
from flask import Flask, Response, current_app, request

from leadintake.core.database import db, reading
from leadintake.core.errors import answer_to

View = TypeVar("View", bound=Callable[..., object])
Action = Callable[[], None]
log = structlog.get_logger()


def init_app(app: Flask) -> None:
    """Settle every request's transaction after its view."""
    app.after_request(_settle)
    app.teardown_request(_forget)


def commits_itself(view: View) -> View:
    """Mark a view that settles its own transactions."""
    view.commits_itself = True  # type: ignore[attr-defined] # a mark on a function
    return view


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """Commit at the end, roll back when anything is raised."""
    with reading(False):
        try:
            yield
            commit()
        except BaseException:
            rollback()
            raise


def on_rollback(action: Action) -> None:
    """Undo something the database cannot undo, should this transaction fail."""
    db.session().info.setdefault("on_rollback", []).append(action)


def on_commit(action: Action) -> None:
    """Do something once this transaction is durable."""
    db.session().info.setdefault("on_commit", []).append(action)


def commit() -> None:
    """Make it so, then run what waited for it."""
    db.session.commit()
    _run("on_commit", forget="on_rollback")


def rollback() -> None:
    """Forget it, then undo what the database cannot."""
    try:
        db.session.rollback()
    finally:
        _run("on_rollback", forget="on_commit")


def _run(kind: str, *, forget: str) -> None:
    info = db.session().info
    info.pop(forget, None)
    for action in reversed(info.pop(kind, [])):
        try:
            action()
        except Exception:
            # The transaction is settled already; one failed clean-up must not hide the others.
            log.exception("after_transaction_failed", kind=kind)


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
        rollback()
        return answer_to(error)
    return response


def _forget(error: BaseException | None) -> None:
    if error is not None:
        rollback()
