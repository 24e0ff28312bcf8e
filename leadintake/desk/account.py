"""One's own account."""

from __future__ import annotations

from flask import Blueprint, Response, flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth import throttle
from leadintake.auth.actor import current_actor
from leadintake.auth.mfa.factors import factors
from leadintake.auth.people import preferences
from leadintake.auth.people.service import WrongPassword, users
from leadintake.auth.schemas import CodeGiven, PasswordChange, PreferencesGiven, TimeZoneGiven
from leadintake.auth.service import auth
from leadintake.auth.sessions import service as sessions
from leadintake.auth.sessions.devices import own_device
from leadintake.auth.sign_in.api import CLEAR_BROWSER
from leadintake.core.clock import firm_zone, zone_names
from leadintake.core.errors import Conflict, Errors, Forbidden, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_form, redirect_with_reasons

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("")
@allow(with_password_alone=True)
def show() -> Response:
    """Show password, second factor and sessions."""
    return _page({})


@bp.post("/password")
@allow()
def change_password() -> Response:
    """Change the password and end all other sessions."""
    person = current_actor()
    try:
        with throttle.limit_attempt(person.email, own_device(person.email), counts=WrongPassword):
            passwords = parse_form(PasswordChange, but=frozenset({"email"}))
            users.change_own_password(person, passwords.current_password, passwords.new_password)
    except UnprocessableContent as refusal:
        return _page(refusal.errors or {}, 422)
    # No redirect: the renewed session would not carry the message.
    flash("Your password is changed. Everywhere else you are signed out.")
    return _page({})


@bp.post("/time-zone")
@allow()
def choose_time_zone() -> AnyResponse:
    """Choose the time zone of one's pages."""
    try:
        preferences.choose_time_zone(current_actor(), parse_form(TimeZoneGiven).timezone)
    except UnprocessableContent as refusal:
        return _page(refusal.errors or {}, 422)
    flash("Times are shown in your time zone.")
    return redirect(url_for(".show"), 303)


@bp.post("/preferences")
@allow()
def choose_preferences() -> AnyResponse:
    """Choose the mails one gets, and whether single keys act."""
    chosen = parse_form(PreferencesGiven)
    preferences.choose(current_actor(), mails=chosen.mails(), single_keys=chosen.single_keys)
    flash("Your choice of mails and keys is saved.")
    return redirect(url_for(".show"), 303)


@bp.post("/app")
@allow(with_password_alone=True)
def begin_app() -> Response:
    """Begin to set up an authenticator app, and show its secret once."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    secret, address = factors.begin(current_actor())
    return make_response(render_template("desk/app.html", secret=secret, address=address, errors={}))


@bp.post("/app/confirm")
@allow(with_password_alone=True)
def confirm_app() -> Response:
    """Verify the first code, and show recovery codes."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    throttle.count(f"confirm|{current_actor().id}")
    try:
        codes = factors.confirm(current_actor(), parse_form(CodeGiven).code)
    except UnprocessableContent as refusal:
        page = render_template("desk/app.html", secret="", address="", errors=refusal.errors)
        return make_response(page, 422)
    sessions.mark_verified()
    return make_response(render_template("desk/recovery_codes.html", codes=codes))


@bp.post("/app/remove")
@allow()
def remove_app() -> AnyResponse:
    """Remove the authenticator app."""
    sessions.require_recent_sign_in()
    factors.refuse_unproved(current_actor(), proved=sessions.is_verified())
    factors.remove(current_actor(), actor=current_actor())
    flash("You sign in without codes from now on.")
    return redirect(url_for(".show"), 303)


@bp.post("/sign-out-everywhere")
@allow()
def sign_out_everywhere() -> AnyResponse:
    """End all sessions."""
    auth.sign_out_everywhere(current_actor())
    response = redirect(url_for("desk.signing_in.ask"), 303)
    response.headers.extend(CLEAR_BROWSER)
    return response


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused."""
    return redirect_with_reasons(refusal, url_for("desk.account.show"))


def _page(errors: Errors, status: int = 200) -> Response:
    page = render_template(
        "desk/account.html",
        has_app=current_actor().totp_since is not None,
        codes_left=factors.recovery_codes_left(current_actor()),
        required=factors.is_required_for(current_actor()),
        sessions=sessions.list_active(current_actor()),
        mails=[
            (kind, preferences.wants_mail(current_actor(), kind))
            for kind in preferences.list_choices(current_actor())
        ],
        zones=[(name, name.replace("_", " ")) for name in zone_names()],
        firm_zone=firm_zone().key,
        errors=errors,
    )
    return make_response(page, status)
