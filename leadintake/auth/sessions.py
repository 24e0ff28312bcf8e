"""Verbs on sessions: begin, end, list, renew. How one is read and kept is in session_interface.py."""

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

from leadintake.auth.devices import name_of_device, network_of
from leadintake.auth.models import SignedInSession, User
from leadintake.auth.session_interface import alive, current, hash_of
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Forbidden, NotFound
from leadintake.core.http import request_log
from leadintake.core.limits import client_address

FRESH_FOR = timedelta(minutes=10)
"""How long after signing in somebody may change what they sign in with."""


class SignInAgain(Forbidden):
    """Too long ago for what is to be done: whoever finds an open browser must not take the account over."""

    type = "urn:leadintake:sign-in-again"
    title = "Please sign in again"

    def __init__(self) -> None:
        super().__init__("This changes how you sign in. Please sign in again, then do it within ten minutes.")


def refuse_old() -> None:
    """Raise SignInAgain unless the person signed in a few minutes ago (ASVS 5.0, 7.5.1)."""
    row = current().row
    if row is None or now() - row.created_at > FRESH_FOR:
        raise SignInAgain


def go_on(user: User) -> None:
    """Have this session alone go on, under a new token, no longer than before; all others of `user` end.

    Raises SignInAgain where it was ended meanwhile.
    """
    row = current().row
    mine = sa.select(SignedInSession.id).where(SignedInSession.id == (row.id if row else None))
    if row is None or db.session.scalar(mine.with_for_update()) is None:
        raise SignInAgain
    end_all(user)
    begin(user, second_factor=row.second_factor, since=row.created_at)


def begin(user: User, *, second_factor: bool, since: datetime | None = None) -> None:
    """Sign this browser in as `user`, under a new token; whatever session it had is over.

    `since`: when the person proved who they are, if that was before.
    """
    end()
    session.clear()
    login_user(user)
    request_log.name_user(user.id)
    generate_csrf()
    mine = current()
    mine.new_token, mine.ended = secrets.token_urlsafe(32), False
    row = SignedInSession(
        token_hash=hash_of(mine.new_token),
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


def has_proved() -> bool:
    """Whether more than a password was proved in this session."""
    row = current().row
    return row is not None and row.second_factor


def prove() -> None:
    """Note that the person of this session has proved a second factor."""
    row = current().row
    if row is not None:
        mine = sa.update(SignedInSession).where(SignedInSession.id == row.id)
        db.session.execute(mine.values(second_factor=True))


def end() -> None:
    """End the session of this browser; others live on."""
    mine = current()
    if mine.row is not None:
        db.session.execute(sa.delete(SignedInSession).where(SignedInSession.id == mine.row.id))
    mine.row, mine.ended = None, True


def end_all(user: User) -> None:
    """End every session of `user`, everywhere."""
    db.session.execute(sa.delete(SignedInSession).where(SignedInSession.user_id == user.id))


def end_one(user: User, session_id: uuid.UUID) -> None:
    """End one session of `user`. Raises NotFound."""
    theirs = SignedInSession.user_id == user.id
    ended = db.session.execute(sa.delete(SignedInSession).where(theirs, SignedInSession.id == session_id))
    if not ended.rowcount:  # type: ignore[attr-defined] # of a CursorResult, which a DELETE gives
        raise NotFound("There is no such session of yours.")


def make_stale(user: User) -> None:
    """Have every session of `user` go on under another token."""
    db.session.execute(
        sa.update(SignedInSession).where(SignedInSession.user_id == user.id).values(stale=True)
    )


def of(user: User) -> Sequence[SignedInSession]:
    """The sessions of `user` that are not over, the last used first."""
    theirs = sa.select(SignedInSession).where(SignedInSession.user_id == user.id, *alive(current_app))
    return db.session.scalars(theirs.order_by(SignedInSession.last_seen_at.desc())).all()


def forget_old(app: Flask) -> None:
    """Delete the rows of sessions that are over by time."""
    db.session.execute(sa.delete(SignedInSession).where(~sa.and_(*alive(app))))
