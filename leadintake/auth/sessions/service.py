"""Verbs on sessions. interface.py loads and updates them."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Flask, current_app, request, session
from flask_login import login_user
from flask_wtf.csrf import generate_csrf

from leadintake.auth.models import SignedInSession, User
from leadintake.auth.sessions.devices import name_of_device, network_of
from leadintake.auth.sessions.interface import alive, current, hash_of
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.results import affected
from leadintake.core.errors import Forbidden, NotFound
from leadintake.core.http import request_log
from leadintake.core.http.limits import client_address

FRESH_FOR = timedelta(minutes=10)
"""How long after sign-in credentials may be changed."""


class SignInAgain(Forbidden):
    """The sign-in is too old: an unattended browser must not suffice to change credentials."""

    type = "urn:leadintake:sign-in-again"
    title = "Please sign in again"

    def __init__(self) -> None:
        super().__init__("This changes how you sign in. Please sign in again, then do it within ten minutes.")


def require_recent_sign_in() -> None:
    """Raise SignInAgain if the sign-in is older than FRESH_FOR (ASVS 5.0, 7.5.1)."""
    row = current().row
    if row is None or now() - row.created_at > FRESH_FOR:
        raise SignInAgain


def renew(user: User) -> None:
    """Give this session a new token, and end all others of `user`. It keeps its start time.

    Raises SignInAgain if it was ended concurrently.
    """
    row = current().row
    lock_query = sa.select(SignedInSession.id).where(SignedInSession.id == (row.id if row else None))
    if row is None or db.session.scalar(lock_query.with_for_update()) is None:
        raise SignInAgain
    end_all(user)
    begin(user, second_factor=row.second_factor, since=row.created_at)


def begin(user: User, *, second_factor: bool, since: datetime | None = None) -> None:
    """Replace this browser's session by one of `user`. `since`: time of sign-in, if earlier."""
    end()
    session.clear()
    login_user(user)
    request_log.name_user(user.id)
    generate_csrf()
    browser_session = current()
    browser_session.new_token, browser_session.ended = secrets.token_urlsafe(32), False
    row = SignedInSession(
        token_hash=hash_of(browser_session.new_token),
        user_id=user.id,
        last_seen_at=now(),
        data=json.dumps(dict(session)),
        device=name_of_device(request.user_agent.string),
        origin=network_of(client_address()),
        second_factor=second_factor,
        created_at=since or now(),
    )
    db.session.add(row)
    db.session.flush()


def is_verified() -> bool:
    """Return whether this session verified a second factor."""
    row = current().row
    return row is not None and row.second_factor


def mark_verified() -> None:
    """Record that this session verified a second factor."""
    row = current().row
    if row is not None:
        update_query = sa.update(SignedInSession).where(SignedInSession.id == row.id)
        db.session.execute(update_query.values(second_factor=True))


def end() -> None:
    """End this browser's session only."""
    browser_session = current()
    if browser_session.row is not None:
        db.session.execute(sa.delete(SignedInSession).where(SignedInSession.id == browser_session.row.id))
    browser_session.row, browser_session.ended = None, True


def end_all(user: User) -> None:
    """End all sessions of `user`."""
    db.session.execute(sa.delete(SignedInSession).where(SignedInSession.user_id == user.id))


def end_one(user: User, session_id: uuid.UUID) -> None:
    """End one session of `user`. Raises NotFound."""
    is_own = SignedInSession.user_id == user.id
    ended = db.session.execute(sa.delete(SignedInSession).where(is_own, SignedInSession.id == session_id))
    if not affected(ended):
        raise NotFound("There is no such session of yours.")


def make_stale(user: User) -> None:
    """Let the next request of each session of `user` rotate its token."""
    db.session.execute(
        sa.update(SignedInSession).where(SignedInSession.user_id == user.id).values(stale=True)
    )


def list_active(user: User) -> Sequence[SignedInSession]:
    """Return unexpired sessions of `user`, last used first."""
    sessions_query = sa.select(SignedInSession).where(SignedInSession.user_id == user.id, *alive(current_app))
    return db.session.scalars(sessions_query.order_by(SignedInSession.last_seen_at.desc())).all()


def delete_expired(app: Flask) -> None:
    """Delete the rows of expired sessions."""
    db.session.execute(sa.delete(SignedInSession).where(~sa.and_(*alive(app))))
