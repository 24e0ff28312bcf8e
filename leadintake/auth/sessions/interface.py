"""Flask sessions stored as rows: a signed cookie would work again after sign-out.

The cookie holds a random token, the row its SHA-256. service.py begins and ends sessions.
"""

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
from leadintake.core.db.database import db, read_only
from leadintake.core.db.results import affected
from leadintake.core.db.transaction import transaction

SIGNED_IN_PATHS = ("/internal", "/desk", "/account")
SEEN_EVERY = timedelta(minutes=1)
GRACE = timedelta(seconds=10)
"""How long the token before a rotation is accepted, for concurrent requests."""
log = structlog.get_logger()


@dataclass(frozen=True)
class _Row:
    """Columns that a request needs."""

    id: uuid.UUID
    token_hash: str
    created_at: datetime
    last_seen_at: datetime
    second_factor: bool
    stale: bool


class ServerSession(CallbackDict[str, Any], SessionMixin):
    """The session of one request. Changes are stored only if it has a row."""

    def __init__(self, data: dict[str, Any] | None = None) -> None:
        super().__init__(data or {}, on_update=type(self)._changed)
        self.modified = False
        self.row: _Row | None = None
        self.new_token: str | None = None
        self.ended = False
        self.unattended = False
        """Whether a page polled without its user, which must not extend the session."""
        self.failure: SQLAlchemyError | None = None
        """Error that prevented reading the row."""

    def _changed(self) -> None:
        self.modified = True


class DatabaseSessions(SessionInterface):
    """Loads and updates rows. Only service.begin inserts them."""

    def open_session(self, app: Flask, request: Request) -> ServerSession:
        """Load the cookie's session, else an empty one. A bearer token excludes it."""
        if not request.path.startswith(SIGNED_IN_PATHS):
            return ServerSession()
        token = request.cookies.get(self.get_cookie_name(app))
        if not token or parse_bearer(request.headers.get("Authorization", "")) is not None:
            return ServerSession()
        columns = [getattr(SignedInSession, name) for name in _Row.__dataclass_fields__]
        row_query = sa.select(SignedInSession.data, *columns).where(_token_matches(token), *alive(app))
        try:
            with read_only(), db.engine.begin() as connection:
                row = connection.execute(row_query).first()
        except SQLAlchemyError as error:
            # Flask needs a session to respond; the guard raises the error.
            unknown = ServerSession()
            unknown.failure = error
            return unknown
        if row is None:
            return ServerSession()
        opened = ServerSession(json.loads(row.data))
        opened.row = _Row(*row[1:])
        return opened

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Set or delete the cookie, rotate a stale token, record the use."""
        if not isinstance(session, ServerSession):
            return  # the request failed before open_session
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
            self._update_row(session.row, last_seen_at=now(), data=json.dumps(dict(session)))

    def _rotate(self, row: _Row, token: str) -> bool:
        """Replace the token. One of several concurrent requests succeeds."""
        new = {"token_hash": hash_of(token), "previous_hash": row.token_hash}
        return self._update_row(row, **new, rotated_at=now(), last_seen_at=now(), stale=False)

    def _update_row(self, row: _Row, **values: object) -> bool:
        """Return False if the row is gone, has another token, or the database fails.

        UPDATE only: a concurrently ended session stays ended.
        """
        update_query = sa.update(SignedInSession).where(
            SignedInSession.id == row.id, SignedInSession.token_hash == row.token_hash
        )
        try:
            with transaction():
                changed = db.session.execute(update_query.values(**values))
        except SQLAlchemyError:
            log.exception("session_not_touched")  # the response is sent anyway
            return False
        return bool(affected(changed))


def parse_bearer(authorization: str) -> str | None:
    """Return the bearer token, valid or not; None for other schemes, such as a proxy's."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def current() -> ServerSession:
    """Return the session of this request."""
    found: ServerSession = session._get_current_object()  # type: ignore[attr-defined] # LocalProxy's own
    return found


def raise_read_failure() -> None:
    """Raise the error that prevented reading the row, if any."""
    failure = current().failure
    if failure is not None:
        raise failure


def alive(app: Flask) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions of unexpired sessions."""
    idle = now() - timedelta(minutes=app.config["SESSION_IDLE_MINUTES"])
    oldest = now() - timedelta(hours=app.config["SESSION_MAX_HOURS"])
    return SignedInSession.last_seen_at >= idle, SignedInSession.created_at >= oldest


def _token_matches(token: str) -> sa.ColumnElement[bool]:
    hashed = hash_of(token)
    before = sa.and_(
        SignedInSession.previous_hash == hashed,
        SignedInSession.rotated_at.between(now() - GRACE, now() + GRACE),
    )
    return sa.or_(SignedInSession.token_hash == hashed, before)


def hash_of(token: str) -> str:
    """Return the hash under which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def _cookie(app: Flask) -> dict[str, Any]:
    secure = app.config["ENVIRONMENT"] == "production"
    return {"path": "/", "httponly": True, "samesite": "Lax", "secure": secure}
