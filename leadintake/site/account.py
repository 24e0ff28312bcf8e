"""Page of a mailed link: invitation or password reset."""

from __future__ import annotations

import functools

from flask import Blueprint, Response, make_response, render_template, request

from leadintake.auth.models import User
from leadintake.auth.passwords import MIN_LENGTH
from leadintake.auth.people.service import users
from leadintake.auth.sessions.devices import remember_device
from leadintake.auth.tokens.service import tokens
from leadintake.core.errors import UnprocessableContent
from leadintake.core.http.access import allow_anonymous

bp = Blueprint("account", __name__)

DIFFERENT = "The two are not the same. Please type the password twice."


@bp.get("/account/<token>")
@allow_anonymous
def ask_for_password(token: str) -> Response:
    """Show the form. GET does not consume the link: mail programs open links, too."""
    user = users.invited_by(token)
    return _render_page(email=user.email, programs=_list_programs(user), reasons=[])


@bp.post("/account/<token>")
@allow_anonymous
def choose_password(token: str) -> Response:
    """Set the password and consume the link."""
    user = users.invited_by(token)
    email, end_tokens = user.email, "end_tokens" in request.form
    render_again = functools.partial(
        _render_page, email=email, programs=_list_programs(user), end_tokens=end_tokens, status=422
    )
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return render_again(reasons=[DIFFERENT])
    try:
        users.choose_password(token, password, end_tokens=end_tokens)
    except UnprocessableContent as refusal:
        reasons = [reason for found in (refusal.errors or {}).values() for reason in found]
        return render_again(reasons=reasons)
    response = _render_page(email=email, done=True)
    remember_device(response, email)
    return response


def _list_programs(user: User) -> list[str]:
    """Return the names of the user's API tokens."""
    return [row.name for row in tokens.list_active(user)]


def _render_page(*, status: int = 200, end_tokens: bool = True, **words: object) -> Response:
    page = render_template("account.html", shortest=MIN_LENGTH, end_tokens=end_tokens, **words)
    return make_response(page, status)
