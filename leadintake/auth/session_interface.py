"""Sessions as rows: what ended on the server is over, whatever cookie comes back. The verbs: sessions.py."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import CallbackDict

from leadintake.auth.models import SignedInSession
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.transaction import transaction

SIGNED_IN_PATHS = ("/internal", "/desk")
SEEN_EVERY = timedelta(minutes=1)
GRACE = timedelta(seconds=10)
"""How long requests that were on their way may still carry the token before the last rotation."""
log = structlog.get_logger()


@dataclass(frozen=True)
class _Row:
    """What a request needs to know of its row."""

    id: uuid.UUID
    token_hash: str
    created_at: datetime
    last_seen_at: datetime
    second_factor: bool
    stale: bool


class ServerSession(CallbackDict[str, Any], SessionMixin):
    """The session of one request. Without a row behind it nothing written here outlives the request."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        super().__init__(data or {}, on_update=type(self)._changed)
        self.modified = False
        self.row: _Row | None = None
        self.new_token: str | None = None
        self.ended = False
        self.unattended = False
        """Whether the browser asked by itself: that keeps no session alive."""
        self.failure: SQLAlchemyError | None = None

    def _changed(self) -> None:
        self.modified = True


class DatabaseSessions(SessionInterface):
    """Opens a session from its row and keeps the row fresh. Rows are made by `begin` alone."""

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """The session of the cookie, or an empty one. A program that shows a token of its own has none."""
        token = request.cookies.get(self.get_cookie_name(app))
        by_token = shown_token(request.headers.get("Authorization", "")) is not None
        if not token or by_token or not request.path.startswith(SIGNED_IN_PATHS):
            return ServerSession()
        columns = [getattr(SignedInSession, name) for name in _Row.__dataclass_fields__]
        known = sa.select(SignedInSession.data, *columns).where(_has(token), *alive(app))
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
        opened.row = _Row(*row[1:])
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Hand out or take back the cookie, and note that the session was used."""
        if not isinstance(session, ServerSession):
            return  # the request failed before it had one
        if session.new_token and response.status_code < 400:
            response.set_cookie(self.get_cookie_name(app), session.new_token, **_cookie(app))
        elif session.ended and response.status_code < 400:
            response.delete_cookie(self.get_cookie_name(app), **_cookie(app))
        elif session.unattended:
            return
        elif session.row and session.row.stale:
            token = secrets.token_urlsafe(32)
            if self._rotate(session.row, token):
                response.set_cookie(self.get_cookie_name(app), token, **_cookie(app))
        elif session.row and (session.modified or now() - session.row.last_seen_at > SEEN_EVERY):
            self._change(session.row, last_seen_at=now(), data=json.dumps(dict(session)))

    def _rotate(self, row: _Row, token: str) -> bool:
        """Replace the token; of requests that come together, one does."""
        new = {"token_hash": hash_of(token), "previous_hash": row.token_hash}
        return self._change(row, **new, rotated_at=now(), last_seen_at=now(), stale=False)

    def _change(self, row: _Row, **values: object) -> bool:
        """Change the row by UPDATE only: a session that was ended meanwhile stays ended."""
        mine = sa.update(SignedInSession).where(
            SignedInSession.id == row.id, SignedInSession.token_hash == row.token_hash
        )
        try:
            with transaction():
                changed = db.session.execute(mine.values(**values))
        except SQLAlchemyError:
            log.exception("session_not_touched")  # the answer itself stands
            return False
        return bool(changed.rowcount)  # type: ignore[attr-defined] # of a CursorResult, which an UPDATE gives


def shown_token(authorization: str) -> str | None:
    """The token in an Authorization header, good or not; None for another scheme, such as a proxy's own."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def current() -> ServerSession:
    """The session of this request."""
    found: ServerSession = session._get_current_object()  # type: ignore[attr-defined] # LocalProxy's own
    return found


def refuse_unknown() -> None:
    """Raise what kept the session of this request from being read."""
    failure = current().failure
    if failure is not None:
        raise failure


def alive(app: Flask) -> tuple[sa.ColumnElement[bool], ...]:
    """That a row's session is not over by time."""
    idle = now() - timedelta(minutes=app.config["SESSION_IDLE_MINUTES"])
    oldest = now() - timedelta(hours=app.config["SESSION_MAX_HOURS"])
    return SignedInSession.last_seen_at >= idle, SignedInSession.created_at >= oldest


def _has(token: str) -> sa.ColumnElement[bool]:
    hashed = hash_of(token)
    before = sa.and_(
        SignedInSession.previous_hash == hashed,
        SignedInSession.rotated_at.between(now() - GRACE, now() + GRACE),
    )
    return sa.or_(SignedInSession.token_hash == hashed, before)


def hash_of(token: str) -> str:
    """What of a token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def _cookie(app: Flask) -> dict[str, Any]:
    secure = app.config["ENVIRONMENT"] == "production"
    return {"path": "/", "httponly": True, "samesite": "Lax", "secure": secure}
