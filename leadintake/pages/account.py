"""The page a link in an invitation, or in a mail about a forgotten password, leads to."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from leadintake.auth.devices import remember_device
from leadintake.auth.passwords import SHORTEST
from leadintake.auth.users import users
from leadintake.core.access import anyone
from leadintake.core.errors import Invalid

bp = Blueprint("account", __name__)

DIFFERENT = "The two are not the same. Please type the password twice."


@bp.get("/account/<token>")
@anyone
def ask_for_password(token: str) -> Response:
    """Ask for a password. Looking is no use of the link: programs open links in mails, too."""
    return _page(email=users.invited_by(token).email, reasons=[])


@bp.post("/account/<token>")
@anyone
def choose_password(token: str) -> Response:
    """Take the password; the link is spent."""
    email = users.invited_by(token).email
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        return _page(email=email, reasons=[DIFFERENT], status=422)
    try:
        users.choose_password(token, password)
    except Invalid as refusal:
        reasons = [reason for found in (refusal.errors or {}).values() for reason in found]
        return _page(email=email, reasons=reasons, status=422)
    response = _page(email=email, done=True)
    remember_device(response, email)
    return response


def _page(*, status: int = 200, **words: object) -> Response:
    return make_response(render_template("account.html", shortest=SHORTEST, **words), status)
