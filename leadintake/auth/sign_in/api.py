"""Sign-in, sign-out and one's own sessions over JSON."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response
from flask_wtf.csrf import generate_csrf

from leadintake.auth.actor import current_actor
from leadintake.auth.schemas import Credentials, SessionList, SessionSummary, SessionView, UserDetail
from leadintake.auth.service import auth
from leadintake.auth.sessions import service as sessions
from leadintake.auth.sessions.devices import remember_device
from leadintake.auth.sessions.interface import current
from leadintake.auth.sign_in.service import sign_in_user
from leadintake.core.http.access import allow, allow_anonymous
from leadintake.core.http.api import api, respond

bp = Blueprint("session", __name__)

CLEAR_BROWSER = {"Clear-Site-Data": '"cache", "storage"'}
"""Without `"cookies"`: the session cookie is deleted by name, the known device's stays."""


@bp.post("/session")
@allow_anonymous
@api({200: SessionView}, json=Credentials, refuses=(401, 403, 429))
def sign_in(json: Credentials) -> Response:
    """Sign in. All failures get the same answer."""
    sign_in_user(json)
    return respond_to_sign_in()


@bp.get("/session")
@allow(with_password_alone=True)
@api({200: SessionView})
def read() -> Response:
    """Show the signed-in user."""
    return session_view()


@bp.delete("/session")
@allow(with_password_alone=True)
@api({204: None})
def sign_out() -> Response:
    """Sign out: end this session on the server, not others."""
    auth.sign_out(current_actor())
    return Response(status=204, headers=CLEAR_BROWSER)


@bp.get("/sessions")
@allow()
@api({200: SessionList})
def list_sessions() -> Response:
    """List one's own sessions."""
    current_row = current().row
    rows = [
        SessionSummary.of(row, current=current_row is not None and row.id == current_row.id)
        for row in sessions.list_active(current_actor())
    ]
    return respond(SessionList(rows))


@bp.delete("/sessions")
@allow()
@api({204: None})
def sign_out_everywhere() -> Response:
    """End all one's own sessions, this one too."""
    auth.sign_out_everywhere(current_actor())
    return Response(status=204, headers=CLEAR_BROWSER)


@bp.delete("/sessions/<uuid:session_id>")
@allow()
@api({204: None}, refuses=(404,))
def end_session(session_id: uuid.UUID) -> Response:
    """End one of one's own sessions."""
    auth.end_session(current_actor(), session_id)
    return Response(status=204)


def session_view() -> Response:
    """Return the signed-in user and a CSRF token."""
    return respond(SessionView(UserDetail.of(current_actor()), generate_csrf()))


def respond_to_sign_in() -> Response:
    """Return the same, and remember the device."""
    response = session_view()
    remember_device(response, current_actor().email)
    return response
