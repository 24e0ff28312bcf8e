"""One's own account over JSON: password and second factor."""

from __future__ import annotations

from flask import Blueprint, Response

from leadintake.auth import throttle
from leadintake.auth.actor import current_actor
from leadintake.auth.mfa.factors import factors
from leadintake.auth.people.forgotten import forgotten
from leadintake.auth.people.service import WrongPassword, users
from leadintake.auth.schemas import (
    ChosenPassword,
    CodeGiven,
    Forgotten,
    NewSecret,
    PasswordChange,
    RecoveryCodes,
    SecondFactorView,
    SessionView,
)
from leadintake.auth.service import folded
from leadintake.auth.sessions import service as sessions
from leadintake.auth.sessions.devices import known_device, own_device, remember_device
from leadintake.auth.sign_in.api import session_view
from leadintake.core.http.access import allow, allow_anonymous
from leadintake.core.http.api import api, respond

bp = Blueprint("account", __name__)


@bp.post("/password/forgotten")
@allow_anonymous
@api({202: None}, json=Forgotten, refuses=(403, 429))
def forgot_password(json: Forgotten) -> Response:
    """Ask for a link to choose a new password. The answer does not show whether the address is known."""
    throttle.count("forgotten", device=known_device(folded(json.email)))
    forgotten.ask(json.email)
    return Response(status=202)


@bp.post("/password/chosen")
@allow_anonymous
@api({204: None}, json=ChosenPassword, refuses=(403, 404))
def choose_password(json: ChosenPassword) -> Response:
    """Choose a password with a mailed link."""
    response = Response(status=204)
    user = users.choose_password(json.token, json.password, end_tokens=json.end_tokens)
    remember_device(response, user.email)
    return response


@bp.put("/password")
@allow()
@api({200: SessionView}, json=PasswordChange, refuses=(429,))
def change_password(json: PasswordChange) -> Response:
    """Change one's own password. Other sessions end; this one gets a new cookie and token."""
    person = current_actor()
    with throttle.limit_attempt(person.email, own_device(person.email), counts=WrongPassword):
        users.change_own_password(person, json.current_password, json.new_password)
    return session_view()


@bp.get("/second-factor")
@allow(with_password_alone=True)
@api({200: SecondFactorView})
def read_second_factor() -> Response:
    """Show one's second factors."""
    return respond(
        SecondFactorView(
            app=current_actor().totp_since is not None,
            recovery_codes_left=factors.recovery_codes_left(current_actor()),
            required=factors.is_required_for(current_actor()),
        )
    )


@bp.post("/second-factor/app")
@allow(with_password_alone=True)
@api({201: NewSecret}, refuses=(409,))
def begin_app() -> Response:
    """Begin to set up an authenticator app. The secret is shown once."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    return respond(NewSecret(*factors.begin(current_actor())), 201)


@bp.put("/second-factor/app")
@allow(with_password_alone=True)
@api({200: RecoveryCodes}, json=CodeGiven, refuses=(409, 429))
def confirm_app(json: CodeGiven) -> Response:
    """Confirm the app with a first code, required at sign-in from now on. Answers with recovery codes."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    throttle.count(f"confirm|{current_actor().id}")
    codes = factors.confirm(current_actor(), json.code)
    sessions.mark_verified()
    return respond(RecoveryCodes(codes))


@bp.delete("/second-factor/app")
@allow()
@api({204: None})
def remove_app() -> Response:
    """Remove the authenticator app."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    factors.remove(current_actor(), actor=current_actor())
    return Response(status=204)


@bp.post("/second-factor/recovery-codes")
@allow()
@api({200: RecoveryCodes}, refuses=(409,))
def renew_recovery_codes() -> Response:
    """Replace the recovery codes."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    return respond(RecoveryCodes(factors.renew_recovery_codes(current_actor())))
