"""Signing in and out over JSON."""

from __future__ import annotations

from flask import Blueprint, Response
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from leadintake.auth.schemas import Credentials, SessionView, UserDetail
from leadintake.auth.service import BadCredentials, auth, folded
from leadintake.core.access import allow, anyone
from leadintake.core.api import respond, speaks
from leadintake.core.limits import client_address, limited

bp = Blueprint("session", __name__, url_prefix="/session")


@bp.post("")
@anyone
@speaks({200: SessionView}, json=Credentials, refuses=(401, 403, 429))
def sign_in(json: Credentials) -> Response:
    """Sign in. Every way to fail is answered alike."""
    account = folded(json.email)
    with limited("RATE_LIMIT_LOGINS", who=f"{account}|{client_address()}", counts=BadCredentials):
        auth.sign_in(auth.authenticate(json.email, json.password))
        return _session()


@bp.get("")
@allow()
@speaks({200: SessionView})
def read() -> Response:
    """Tell who is signed in."""
    return _session()


@bp.delete("")
@allow()
@speaks({204: None})
def sign_out() -> Response:
    """Sign out: the cookie is dead on the server, other sessions live on."""
    auth.sign_out()
    return Response(status=204)


def _session() -> Response:
    return respond(SessionView(UserDetail.of(current_user), generate_csrf()))
