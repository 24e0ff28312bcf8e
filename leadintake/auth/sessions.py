"""Sessions as rows: what ended on the server is over, whatever cookie comes back."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin
from flask_login import login_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import CallbackDict

from leadintake.auth.models import SignedInSession, User
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.transaction import transaction

SIGNED_IN_PATHS = ("/internal",)
SEEN_EVERY = timedelta(minutes=1)
log = structlog.get_logger()


class ServerSession(CallbackDict[str, Any], SessionMixin):
    """The session of one request. Without a row behind it nothing written here outlives the request."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        super().__init__(data or {}, on_update=type(self)._changed)
        self.modified = False
        self.row_id: uuid.UUID | None = None
        self.last_seen_at: datetime | None = None
        self.new_token: str | None = None
        self.ended = False
        self.failure: SQLAlchemyError | None = None

    def _changed(self) -> None:
        self.modified = True


class DatabaseSessions(SessionInterface):
    """Opens a session from its row and keeps the row fresh. Rows are made by `begin` alone."""

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """The session of the cookie, or an empty one."""
        token = request.cookies.get(self.get_cookie_name(app))
        if not token or not request.path.startswith(SIGNED_IN_PATHS):
            return ServerSession()
        columns = sa.select(SignedInSession.id, SignedInSession.data, SignedInSession.last_seen_at)
        known = columns.where(SignedInSession.token_hash == _hash(token), *_alive(app))
        try:
            with reading(), db.engine.begin() as connection:
                row = connection.execute(known).first()
        except SQLAlchemyError as error:
            # Flask cannot answer properly before it has a session; the guard raises this in time.
            unknown = ServerSession()
            unknown.failure = error
            return unknown
        if row is None:
            return ServerSession()
        opened = ServerSession(json.loads(row.data))
        opened.row_id, opened.last_seen_at = row.id, row.last_seen_at
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Hand out or take back the cookie, and note that the session was used."""
        if not isinstance(session, ServerSession):
            return  # the request failed before it had one
        if session.new_token and response.status_code < 400:
            response.set_cookie(self.get_cookie_name(app), session.new_token, **_cookie(app))
        elif session.ended and response.status_code < 400:
            response.delete_cookie(self.get_cookie_name(app), **_cookie(app))
        elif session.row_id and (session.modified or _seen_long_ago(session)):
            self._touch(session)

    def _touch(self, session: ServerSession) -> None:
        changes = {"last_seen_at": now(), "data": json.dumps(dict(session))}
        try:
            with transaction():
                # By UPDATE only: a session that was ended meanwhile stays ended.
                db.session.execute(
                    sa.update(SignedInSession).where(SignedInSession.id == session.row_id).values(**changes)
                )
        except SQLAlchemyError:
            log.exception("session_not_touched")  # the answer itself stands


def refuse_unknown() -> None:
    """Raise what kept the session of this request from being read."""
    current: ServerSession = session._get_current_object()  # type: ignore[attr-defined] # LocalProxy's own
    if current.failure is not None:
        raise current.failure


def begin(user: User) -> None:
    """Sign this browser in as `user`, under a new token; whatever session it had is over."""
    end()
    session.clear()
    login_user(user)
    generate_csrf()
    current: ServerSession = session._get_current_object()  # type: ignore[attr-defined] # LocalProxy's own
    current.new_token, current.ended = secrets.token_urlsafe(32), False
    row = SignedInSession(token_hash=_hash(current.new_token), user_id=user.id, last_seen_at=now())
    row.data = json.dumps(dict(session))
    db.session.add(row)


def end() -> None:
    """End the session of this browser; others live on."""
    current: ServerSession = session._get_current_object()  # type: ignore[attr-defined] # LocalProxy's own
    if current.row_id:
        db.session.execute(sa.delete(SignedInSession).where(SignedInSession.id == current.row_id))
    current.row_id, current.ended = None, True


def end_all(user: User) -> None:
    """End every session of `user`, everywhere."""
    db.session.execute(sa.delete(SignedInSession).where(SignedInSession.user_id == user.id))


def forget_old(app: Flask) -> None:
    """Delete the rows of sessions that are over by time."""
    db.session.execute(sa.delete(SignedInSession).where(~sa.and_(*_alive(app))))


def _alive(app: Flask) -> tuple[sa.ColumnElement[bool], ...]:
    idle = now() - timedelta(minutes=app.config["SESSION_IDLE_MINUTES"])
    oldest = now() - timedelta(hours=app.config["SESSION_MAX_HOURS"])
    return SignedInSession.last_seen_at >= idle, SignedInSession.created_at >= oldest


def _seen_long_ago(session: ServerSession) -> bool:
    return session.last_seen_at is not None and now() - session.last_seen_at > SEEN_EVERY


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _cookie(app: Flask) -> dict[str, Any]:
    secure = app.config["ENVIRONMENT"] == "production"
    return {"path": "/", "httponly": True, "samesite": "Lax", "secure": secure}
