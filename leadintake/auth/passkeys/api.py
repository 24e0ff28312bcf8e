"""Passkeys over JSON: one's own, and sign-in."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, current_app

from leadintake.auth import throttle
from leadintake.auth.actor import current_actor
from leadintake.auth.mfa.factors import factors
from leadintake.auth.passkeys.schemas import NewPasskey, PasskeyOptions, PasskeyShown
from leadintake.auth.passkeys.service import BadPasskey, passkeys
from leadintake.auth.schemas import PasskeyList, PasskeyView, SessionView
from leadintake.auth.service import auth
from leadintake.auth.sessions import service as sessions
from leadintake.auth.sessions.devices import known_device
from leadintake.auth.sign_in.api import respond_to_sign_in
from leadintake.core.errors import NotFound
from leadintake.core.http.access import allow, allow_anonymous
from leadintake.core.http.api import api, respond

bp = Blueprint("passkeys", __name__)


@bp.before_request
def refuse_if_disabled() -> None:
    """Answer 404 unless PASSKEYS is on."""
    if not current_app.config["PASSKEYS"]:
        raise NotFound("Passkeys are not in use here.")


@bp.get("/passkeys")
@allow()
@api({200: PasskeyList}, refuses=(404,))
def list_passkeys() -> Response:
    """List one's own passkeys."""
    return respond(PasskeyList([PasskeyView.of(row) for row in passkeys.list_for(current_actor())]))


@bp.post("/passkeys/options")
@allow(with_password_alone=True)
@api({200: PasskeyOptions}, refuses=(404,))
def begin() -> Response:
    """Begin to add a passkey. Answers with options for navigator.credentials.create."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    return respond(passkeys.begin(current_actor()))


@bp.post("/passkeys")
@allow(with_password_alone=True)
@api({201: PasskeyView}, json=NewPasskey, refuses=(404, 409))
def add(json: NewPasskey) -> Response:
    """Store a passkey. It counts as a verified second factor in this session too."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    row = passkeys.add(current_actor(), json.name, json.credential)
    sessions.mark_verified()
    return respond(PasskeyView.of(row), 201)


@bp.delete("/passkeys/<uuid:passkey_id>")
@allow()
@api({204: None}, refuses=(404,))
def remove(passkey_id: uuid.UUID) -> Response:
    """Remove a passkey."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    passkeys.remove(current_actor(), passkey_id)
    return Response(status=204)


@bp.post("/session/passkey/options")
@allow_anonymous
@api({200: PasskeyOptions}, refuses=(403, 404))
def begin_sign_in() -> Response:
    """Begin to sign in. Answers with options for navigator.credentials.get."""
    return respond(passkeys.begin_sign_in())


@bp.post("/session/passkey")
@allow_anonymous
@api({200: SessionView}, json=PasskeyShown, refuses=(401, 403, 404, 429))
def sign_in(json: PasskeyShown) -> Response:
    """Sign in with a passkey. All failures get the same answer."""
    account = passkeys.find_email(json.credential)
    with throttle.limit_attempt(account, known_device(account), counts=BadPasskey):
        auth.sign_in(passkeys.authenticate(json.credential), how="passkey", second_factor=True)
    return respond_to_sign_in()
