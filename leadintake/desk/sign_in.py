"""Sign-in, sign-out, and forgotten passwords."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth import throttle
from leadintake.auth.actor import current_actor
from leadintake.auth.mfa.factors import BadCode, OtpRequired
from leadintake.auth.passwords import BadCredentials
from leadintake.auth.people.forgotten import forgotten
from leadintake.auth.schemas import Credentials, Forgotten
from leadintake.auth.service import auth, folded
from leadintake.auth.sessions.devices import known_device, remember_device
from leadintake.auth.sign_in.api import CLEAR_BROWSER
from leadintake.auth.sign_in.service import sign_in_user
from leadintake.auth.sso.service import is_local
from leadintake.core.clock import now
from leadintake.core.crypto import Unreadable, seal, unseal
from leadintake.core.errors import UnprocessableContent
from leadintake.core.http.access import allow, allow_anonymous
from leadintake.core.http.limits import TooMany
from leadintake.desk.forms import parse_form

bp = Blueprint("signing_in", __name__)
PURPOSE = "sign-in step"
GOOD_FOR = timedelta(minutes=5)
FILL_IN = "Please fill in your e-mail address and your password."


@bp.get("/sign-in")
@allow_anonymous
def ask() -> Response:
    """Show the form; without any user, how to create the first."""
    return _page()


@bp.post("/sign-in")
@allow_anonymous
def sign_in() -> AnyResponse:
    """Sign in and redirect to the requested page."""
    try:
        credentials = _read_credentials()
        sign_in_user(credentials)
    except UnprocessableContent:
        return _page(422, FILL_IN)
    except OtpRequired:
        return _page(401, step=_seal_step(credentials))
    except BadCode as refusal:
        return _page(401, refusal.detail, step=_seal_step(credentials))
    except BadCredentials as refusal:
        return _page(401, refusal.detail)
    except TooMany as refusal:
        answer = _page(429, "Too many failed attempts. Please wait a little, then try again.")
        answer.headers.extend(refusal.headers)
        return answer
    response = redirect(_next_page(), 303)
    remember_device(response, current_actor().email)
    return response


@bp.post("/sign-out")
@allow(with_password_alone=True)
def sign_out() -> AnyResponse:
    """End this session."""
    auth.sign_out(current_actor())
    response = redirect(url_for(".ask"), 303)
    response.headers.extend(CLEAR_BROWSER)
    return response


@bp.get("/forgotten")
@allow_anonymous
def ask_address() -> Response:
    """Ask for the address of the account."""
    return make_response(render_template("desk/forgotten.html"))


@bp.post("/forgotten")
@allow_anonymous
def forgot() -> Response:
    """Request a link. The page does not disclose whether the account exists."""
    try:
        wanted = parse_form(Forgotten)
        throttle.count("forgotten", device=known_device(folded(wanted.email)))
        forgotten.ask(wanted.email)
    except UnprocessableContent:
        return make_response(
            render_template("desk/forgotten.html", problem="Please fill in your address."), 422
        )
    except TooMany as refusal:
        words = "That was asked for very often. Please wait a little, then try again."
        page = render_template("desk/forgotten.html", problem=words)
        return make_response(page, 429, refusal.headers)
    return make_response(render_template("desk/forgotten.html", done=True))


class _Step(msgspec.Struct):
    """First step of a sign-in with a code."""

    email: str
    password: str
    until: float


def _seal_step(credentials: Credentials) -> str:
    """Encrypt the credentials for the second step: no page has the password in clear."""
    step = _Step(credentials.email, credentials.password, (now() + GOOD_FOR).timestamp())
    return seal(PURPOSE, msgspec.json.encode(step).decode())


def _read_credentials() -> Credentials:
    """Return the credentials, of one step or two. Raises UnprocessableContent."""
    if "step" not in request.form:
        return parse_form(Credentials, but=frozenset({"next"}))
    try:
        step = msgspec.json.decode(unseal(PURPOSE, request.form["step"]), type=_Step)
    except Unreadable as error:
        raise UnprocessableContent({"step": ["This was not begun here."]}) from error
    if step.until < now().timestamp():
        raise UnprocessableContent({"step": ["This took too long."]})
    return Credentials(step.email, step.password, request.form.get("otp") or None)


def _page(status: int = 200, problem: str = "", *, step: str = "") -> Response:
    return make_response(
        render_template(
            "desk/sign_in.html",
            problem=problem,
            step=step,
            typed=request.args if request.method == "GET" else request.form,
            next=_next_page(),
            nobody_yet=status == 200 and not auth.has_people(),
            sso=bool(current_app.config["OIDC_ISSUER"]),
            passkeys=current_app.config["PASSKEYS"],
        ),
        status,
    )


def _next_page() -> str:
    """Return the requested page, of the desk only: any site can set the link."""
    wanted = request.values.get("next", "")
    return wanted if wanted.startswith("/desk") and is_local(wanted) else url_for("desk.queue.show")
