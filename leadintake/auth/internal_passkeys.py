"""Passkeys over JSON: one's own, and signing in with one."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, current_app
from flask_login import current_user

from leadintake.auth import sessions, throttle
from leadintake.auth.devices import known_device
from leadintake.auth.factors import factors
from leadintake.auth.internal import signed_in
from leadintake.auth.passkeys import BadPasskey, passkeys
from leadintake.auth.proofs import NewPasskey, PasskeyOptions, PasskeyShown
from leadintake.auth.schemas import PasskeyList, PasskeyView, SessionView
from leadintake.auth.service import auth
from leadintake.core.access import allow, anyone
from leadintake.core.api import respond, speaks
from leadintake.core.errors import NotFound

bp = Blueprint("passkeys", __name__)


@bp.before_request
def refuse_where_off() -> None:
    """Answer like an address that is not there, unless PASSKEYS is on."""
    if not current_app.config["PASSKEYS"]:
        raise NotFound("Passkeys are not in use here.")


@bp.get("/passkeys")
@allow()
@speaks({200: PasskeyList}, refuses=(404,))
def list_passkeys() -> Response:
    """List one's own passkeys."""
    return respond(PasskeyList([PasskeyView.of(row) for row in passkeys.of(current_user)]))


@bp.post("/passkeys/options")
@allow(with_password_alone=True)
@speaks({200: PasskeyOptions}, refuses=(404,))
def begin() -> Response:
    """Begin to add a passkey: what navigator.credentials.create is to be told."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    return respond(passkeys.begin(current_user))


@bp.post("/passkeys")
@allow(with_password_alone=True)
@speaks({201: PasskeyView}, json=NewPasskey, refuses=(404, 409))
def add(json: NewPasskey) -> Response:
    """Keep a passkey. Whoever has it has proved a second factor, in this session too."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    row = passkeys.add(current_user._get_current_object(), json.name, json.credential)
    sessions.prove()
    return respond(PasskeyView.of(row), 201)


@bp.delete("/passkeys/<uuid:passkey_id>")
@allow()
@speaks({204: None}, refuses=(404,))
def remove(passkey_id: uuid.UUID) -> Response:
    """Let nobody in with this passkey any more."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    passkeys.remove(current_user._get_current_object(), passkey_id)
    return Response(status=204)


@bp.post("/session/passkey/options")
@anyone
@speaks({200: PasskeyOptions}, refuses=(403, 404))
def begin_sign_in() -> Response:
    """Begin to sign in with a passkey: what navigator.credentials.get is to be told."""
    return respond(passkeys.begin_sign_in())


@bp.post("/session/passkey")
@anyone
@speaks({200: SessionView}, json=PasskeyShown, refuses=(401, 403, 404, 429))
def sign_in(json: PasskeyShown) -> Response:
    """Sign in with a passkey. Every way to fail is answered alike."""
    account = passkeys.account_of(json.credential)
    with throttle.attempting(account, known_device(account), counts=BadPasskey):
        auth.sign_in(passkeys.authenticate(json.credential), how="passkey", second_factor=True)
    return signed_in()
