"""The page a link in an invitation, or in a mail about a forgotten password, leads to."""

from __future__ import annotations

import functools

from flask import Blueprint, Response, make_response, render_template, request

from leadintake.auth.devices import remember_device
from leadintake.auth.models import User
from leadintake.auth.passwords import SHORTEST
from leadintake.auth.tokens import tokens
from leadintake.auth.users import users
from leadintake.core.access import anyone
from leadintake.core.errors import Invalid

bp = Blueprint("account", __name__)

DIFFERENT = "The two are not the same. Please type the password twice."


@bp.get("/account/<token>")
@anyone
def ask_for_password(token: str) -> Response:
    """Ask for a password. Looking is no use of the link: programs open links in mails, too."""
    user = users.invited_by(token)
    return _page(email=user.email, programs=_programs_of(user), reasons=[])


@bp.post("/account/<token>")
@anyone
def choose_password(token: str) -> Response:
    """Take the password; the link is spent."""
    user = users.invited_by(token)
    email, end_tokens = user.email, "end_tokens" in request.form
    again = functools.partial(
        _page, email=email, programs=_programs_of(user), end_tokens=end_tokens, status=422
    )
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return again(reasons=[DIFFERENT])
    try:
        users.choose_password(token, password, end_tokens=end_tokens)
    except Invalid as refusal:
        reasons = [reason for found in (refusal.errors or {}).values() for reason in found]
        return again(reasons=reasons)
    response = _page(email=email, done=True)
    remember_device(response, email)
    return response


def _programs_of(user: User) -> list[str]:
    """The names of the programs that act for the user."""
    return [row.name for row in tokens.of(user)]


def _page(*, status: int = 200, end_tokens: bool = True, **words: object) -> Response:
    page = render_template("account.html", shortest=SHORTEST, end_tokens=end_tokens, **words)
    return make_response(page, status)
