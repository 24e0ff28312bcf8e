"""Coming in, going out, and a forgotten password."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth import throttle
from leadintake.auth.devices import known_device, remember_device
from leadintake.auth.entering import enter
from leadintake.auth.factors import BadCode, CodeWanted
from leadintake.auth.forgotten import forgotten
from leadintake.auth.internal import LEAVE_NOTHING
from leadintake.auth.passwords import BadCredentials
from leadintake.auth.schemas import Credentials, Forgotten
from leadintake.auth.service import auth, folded
from leadintake.auth.sso import is_local
from leadintake.core.access import allow, anyone
from leadintake.core.clock import now
from leadintake.core.errors import Invalid
from leadintake.core.keys import Unreadable, seal, unseal
from leadintake.core.limits import TooMany
from leadintake.pages.desk.forms import said

bp = Blueprint("signing_in", __name__)
PURPOSE = "sign-in step"
GOOD_FOR = timedelta(minutes=5)
FILL_IN = "Please fill in your e-mail address and your password."


@bp.get("/sign-in")
@anyone
def ask() -> Response:
    """Ask who it is; where there is nobody yet, say how to make the first."""
    return _page()


@bp.post("/sign-in")
@anyone
def sign_in() -> AnyResponse:
    """Let somebody in, and show them what they came for."""
    try:
        shown = _shown()
        enter(shown)
    except Invalid:
        return _page(422, FILL_IN)
    except CodeWanted:
        return _page(401, step=_sealed(shown))
    except BadCode as refusal:
        return _page(401, refusal.detail, step=_sealed(shown))
    except BadCredentials as refusal:
        return _page(401, refusal.detail)
    except TooMany as refusal:
        answer = _page(429, "That did not work too often. Please wait a little, then try again.")
        answer.headers.extend(refusal.headers)
        return answer
    response = redirect(_where_to(), 303)
    remember_device(response, current_user.email)
    return response


@bp.post("/sign-out")
@allow(with_password_alone=True)
def sign_out() -> AnyResponse:
    """End this session."""
    auth.sign_out(current_user)
    response = redirect(url_for(".ask"), 303)
    response.headers.extend(LEAVE_NOTHING)
    return response


@bp.get("/forgotten")
@anyone
def ask_address() -> Response:
    """Ask for the address whose password was forgotten."""
    return make_response(render_template("desk/forgotten.html"))


@bp.post("/forgotten")
@anyone
def forgot() -> Response:
    """Have a link mailed, if there is such a person; the page says the same either way."""
    try:
        wanted = said(Forgotten)
        throttle.count("forgotten", device=known_device(folded(wanted.email)))
        forgotten.ask(wanted.email)
    except Invalid:
        return make_response(
            render_template("desk/forgotten.html", problem="Please fill in your address."), 422
        )
    except TooMany as refusal:
        words = "That was asked for very often. Please wait a little, then try again."
        page = render_template("desk/forgotten.html", problem=words)
        return make_response(page, 429, refusal.headers)
    return make_response(render_template("desk/forgotten.html", done=True))


class _Step(msgspec.Struct):
    """Half a sign-in: what was typed before the code was asked for."""

    email: str
    password: str
    until: float


def _sealed(shown: Credentials) -> str:
    """The password for the next step, so that nobody types it twice: no page carries it in clear."""
    step = _Step(shown.email, shown.password, (now() + GOOD_FOR).timestamp())
    return seal(PURPOSE, msgspec.json.encode(step).decode())


def _shown() -> Credentials:
    """What was typed, in one step or in two. Raises Invalid."""
    if "step" not in request.form:
        return said(Credentials, but=frozenset({"next"}))
    try:
        step = msgspec.json.decode(unseal(PURPOSE, request.form["step"]), type=_Step)
    except Unreadable as error:
        raise Invalid({"step": ["This was not begun here."]}) from error
    if step.until < now().timestamp():
        raise Invalid({"step": ["This took too long."]})
    return Credentials(step.email, step.password, request.form.get("otp") or None)


def _page(status: int = 200, problem: str = "", *, step: str = "") -> Response:
    return make_response(
        render_template(
            "desk/sign_in.html",
            problem=problem,
            step=step,
            typed=request.form if status != 200 else {},
            next=_where_to(),
            nobody_yet=status == 200 and not auth.has_people(),
            sso=bool(current_app.config["OIDC_ISSUER"]),
            passkeys=current_app.config["PASSKEYS"],
        ),
        status,
    )


def _where_to() -> str:
    """A page of the desk, and nothing else: an address may come from anybody."""
    wanted = request.values.get("next", "")
    return wanted if wanted.startswith("/desk") and is_local(wanted) else url_for("desk.queue.show")
