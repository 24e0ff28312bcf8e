"""Signing in and out over JSON, and the sessions one has."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from leadintake.auth import sessions
from leadintake.auth.devices import remember_device
from leadintake.auth.entering import enter
from leadintake.auth.schemas import Credentials, SessionList, SessionSummary, SessionView, UserDetail
from leadintake.auth.service import auth
from leadintake.auth.session_interface import current
from leadintake.core.access import allow, anyone
from leadintake.core.api import respond, speaks

bp = Blueprint("session", __name__)

LEAVE_NOTHING = {"Clear-Site-Data": '"cache", "storage"'}
"""Not `"cookies"`: the session's is taken back by name, that of the known device stays."""


@bp.post("/session")
@anyone
@speaks({200: SessionView}, json=Credentials, refuses=(401, 403, 429))
def sign_in(json: Credentials) -> Response:
    """Sign in. Every way to fail is answered alike."""
    enter(json)
    return signed_in()


@bp.get("/session")
@allow(with_password_alone=True)
@speaks({200: SessionView})
def read() -> Response:
    """Tell who is signed in."""
    return session_view()


@bp.delete("/session")
@allow(with_password_alone=True)
@speaks({204: None})
def sign_out() -> Response:
    """Sign out: the cookie is dead on the server, other sessions live on."""
    auth.sign_out(current_user)
    return Response(status=204, headers=LEAVE_NOTHING)


@bp.get("/sessions")
@allow()
@speaks({200: SessionList})
def list_sessions() -> Response:
    """List one's own sessions: where one is signed in."""
    mine = current().row
    rows = [
        SessionSummary.of(row, current=mine is not None and row.id == mine.id)
        for row in sessions.of(current_user)
    ]
    return respond(SessionList(rows))


@bp.delete("/sessions")
@allow()
@speaks({204: None})
def sign_out_everywhere() -> Response:
    """Sign out everywhere, here too."""
    auth.sign_out_everywhere(current_user)
    return Response(status=204, headers=LEAVE_NOTHING)


@bp.delete("/sessions/<uuid:session_id>")
@allow()
@speaks({204: None}, refuses=(404,))
def end_session(session_id: uuid.UUID) -> Response:
    """End one of one's own sessions."""
    auth.end_session(current_user, session_id)
    return Response(status=204)


def session_view() -> Response:
    """Who is signed in, with the token that unsafe requests need."""
    return respond(SessionView(UserDetail.of(current_user), generate_csrf()))


def signed_in() -> Response:
    """The same to somebody who just came in; their browser is known from now on."""
    response = session_view()
    remember_device(response, current_user.email)
    return response
