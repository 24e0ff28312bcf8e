"""One's own account over JSON: password and second factor."""

from __future__ import annotations

from flask import Blueprint, Response
from flask_login import current_user

from leadintake.auth import sessions, throttle
from leadintake.auth.devices import known_device, own_device, remember_device
from leadintake.auth.factors import factors
from leadintake.auth.forgotten import forgotten
from leadintake.auth.internal import session_view
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
from leadintake.auth.users import WrongPassword, users
from leadintake.core.access import allow, anyone
from leadintake.core.api import respond, speaks

bp = Blueprint("account", __name__)


@bp.post("/password/forgotten")
@anyone
@speaks({202: None}, json=Forgotten, refuses=(403, 429))
def forgot_password(json: Forgotten) -> Response:
    """Ask for a link to choose a new password. The answer is the same whether the address is known or not."""
    throttle.count("forgotten", device=known_device(folded(json.email)))
    forgotten.ask(json.email)
    return Response(status=202)


@bp.post("/password/chosen")
@anyone
@speaks({204: None}, json=ChosenPassword, refuses=(403, 404))
def choose_password(json: ChosenPassword) -> Response:
    """Choose a password with the link from an invitation or from a mail one asked for."""
    response = Response(status=204)
    user = users.choose_password(json.token, json.password, end_tokens=json.end_tokens)
    remember_device(response, user.email)
    return response


@bp.put("/password")
@allow()
@speaks({200: SessionView}, json=PasswordChange, refuses=(429,))
def change_password(json: PasswordChange) -> Response:
    """Change one's own password. Every other session ends; this one goes on under a new cookie and token."""
    person = current_user._get_current_object()
    with throttle.attempting(person.email, own_device(person.email), counts=WrongPassword):
        users.change_own_password(person, json.current_password, json.new_password)
    return session_view()


@bp.get("/second-factor")
@allow(with_password_alone=True)
@speaks({200: SecondFactorView})
def read_second_factor() -> Response:
    """Tell what one proves beside a password."""
    return respond(
        SecondFactorView(
            app=current_user.totp_since is not None,
            recovery_codes_left=factors.recovery_codes_left(current_user),
            required=factors.required_of(current_user),
        )
    )


@bp.post("/second-factor/app")
@allow(with_password_alone=True)
@speaks({201: NewSecret}, refuses=(409,))
def begin_app() -> Response:
    """Begin to set up an authenticator app: its secret, shown this once."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    return respond(NewSecret(*factors.begin(current_user)), 201)


@bp.put("/second-factor/app")
@allow(with_password_alone=True)
@speaks({200: RecoveryCodes}, json=CodeGiven, refuses=(409, 429))
def confirm_app(json: CodeGiven) -> Response:
    """Show a first code: from now on signing in asks for one. Answers with recovery codes."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    throttle.count(f"confirm|{current_user.id}")
    codes = factors.confirm(current_user, json.code)
    sessions.prove()
    return respond(RecoveryCodes(codes))


@bp.delete("/second-factor/app")
@allow()
@speaks({204: None})
def remove_app() -> Response:
    """Sign in without codes again."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    factors.remove(current_user, by=current_user)
    return Response(status=204)


@bp.post("/second-factor/recovery-codes")
@allow()
@speaks({200: RecoveryCodes}, refuses=(409,))
def renew_recovery_codes() -> Response:
    """Make new recovery codes; those before are worth nothing."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    return respond(RecoveryCodes(factors.renew_recovery_codes(current_user)))
