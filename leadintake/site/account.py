"""Page of a mailed link: invitation, which ends signed in, or password reset, which leads to signing in."""

from __future__ import annotations

import functools

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.guard import comes_from_this_site
from leadintake.auth.mfa.factors import factors
from leadintake.auth.models import User
from leadintake.auth.passwords import MIN_LENGTH
from leadintake.auth.people.service import users
from leadintake.auth.service import auth
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
def choose_password(token: str) -> AnyResponse:
    """Set the password and consume the link.

    Who never was here before is signed in, unless a page of another site posted this.
    """
    user = users.invited_by(token)
    email, is_new, end_tokens = user.email, user.joined_at is None, "end_tokens" in request.form
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
    response: AnyResponse
    if is_new and comes_from_this_site() is not False:
        auth.sign_in(user, how="invitation", second_factor=factors.verify(user, None))
        response = redirect(url_for("desk.queue.show"), 303)
    else:
        response = _render_page(email=email, done=True)
    remember_device(response, email)
    return response


def _list_programs(user: User) -> list[str]:
    """Return the names of the user's API tokens."""
    return [row.name for row in tokens.list_active(user)]


def _render_page(*, status: int = 200, end_tokens: bool = True, **words: object) -> Response:
    page = render_template("account.html", shortest=MIN_LENGTH, end_tokens=end_tokens, **words)
    return make_response(page, status)
