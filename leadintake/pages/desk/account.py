"""One's own account: password, authenticator app, and every place one is signed in."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth import sessions, throttle
from leadintake.auth.devices import own_device
from leadintake.auth.factors import factors
from leadintake.auth.internal import LEAVE_NOTHING
from leadintake.auth.schemas import CodeGiven, PasswordChange
from leadintake.auth.service import auth
from leadintake.auth.users import WrongPassword, users
from leadintake.core.access import allow
from leadintake.core.errors import Conflict, Errors, Forbidden, Invalid, Refusal
from leadintake.pages.desk.forms import said, say_why_not

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("")
@allow(with_password_alone=True)
def show() -> Response:
    """Show what one signs in with."""
    return _page({})


@bp.post("/password")
@allow()
def change_password() -> Response:
    """Change one's own password; every other session ends."""
    person = current_user._get_current_object()
    try:
        with throttle.attempting(person.email, own_device(person.email), counts=WrongPassword):
            given = said(PasswordChange, but=frozenset({"email"}))
            users.change_own_password(person, given.current_password, given.new_password)
    except Invalid as refusal:
        return _page(refusal.errors or {}, 422)
    # Said here and not behind a redirect: the session that would carry the words there is a new one.
    flash("Your password is changed. Everywhere else you are signed out.")
    return _page({})


@bp.post("/app")
@allow(with_password_alone=True)
def begin_app() -> Response:
    """Begin to set up an authenticator app: its secret, shown this once."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    secret, address = factors.begin(current_user)
    return make_response(render_template("desk/app.html", secret=secret, address=address, errors={}))


@bp.post("/app/confirm")
@allow(with_password_alone=True)
def confirm_app() -> Response:
    """Show a first code: from now on signing in asks for one."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    throttle.count(f"confirm|{current_user.id}")
    try:
        codes = factors.confirm(current_user, said(CodeGiven).code)
    except Invalid as refusal:
        page = render_template("desk/app.html", secret="", address="", errors=refusal.errors)
        return make_response(page, 422)
    sessions.prove()
    return make_response(render_template("desk/recovery_codes.html", codes=codes))


@bp.post("/app/remove")
@allow()
def remove_app() -> AnyResponse:
    """Sign in without codes again."""
    sessions.refuse_old()
    factors.refuse_unproved(current_user, proved=sessions.has_proved())
    factors.remove(current_user, by=current_user)
    flash("You sign in without codes from now on.")
    return redirect(url_for(".show"), 303)


@bp.post("/sign-out-everywhere")
@allow()
def sign_out_everywhere() -> AnyResponse:
    """End every session, this one too."""
    auth.sign_out_everywhere(current_user)
    response = redirect(url_for("desk.signing_in.ask"), 303)
    response.headers.extend(LEAVE_NOTHING)
    return response


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_it_as_it_is(refusal: Refusal) -> AnyResponse:
    """Say why it was refused."""
    return say_why_not(refusal, url_for("desk.account.show"))


def _page(errors: Errors, status: int = 200) -> Response:
    page = render_template(
        "desk/account.html",
        has_app=current_user.totp_since is not None,
        codes_left=factors.recovery_codes_left(current_user),
        required=factors.required_of(current_user),
        sessions=sessions.of(current_user),
        errors=errors,
    )
    return make_response(page, status)
