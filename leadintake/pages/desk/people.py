"""The people of the firm: listed for managers, let in and changed by administrators."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.internal_users import apply, to_change
from leadintake.auth.permissions import Permission, Role
from leadintake.auth.schemas import Invitation, UserPatch
from leadintake.auth.service import auth
from leadintake.auth.users import users
from leadintake.core.access import allow
from leadintake.core.errors import Conflict, Errors, Forbidden, Invalid, Refusal
from leadintake.pages.desk.forms import said, say_why_not

bp = Blueprint("people", __name__, url_prefix="/people")


@bp.get("")
@allow(Permission.READ_USERS)
def show() -> Response:
    """Show everybody, by name."""
    return _page({})


@bp.post("")
@allow(Permission.MANAGE_USERS)
def invite() -> AnyResponse:
    """Invite somebody: they are mailed a link to choose a password."""
    try:
        given = said(Invitation)
        user = users.invite(given.email, given.name, given.role, can_intake=given.can_intake, by=current_user)
    except Invalid as refusal:
        return _page(refusal.errors or {}, 422)
    flash(f"An invitation is on its way to {user.email}.")
    return redirect(url_for(".show"), 303)


@bp.post("/<uuid:user_id>")
@allow(Permission.MANAGE_USERS)
def change(user_id: uuid.UUID) -> AnyResponse:
    """Change role, whether they take leads, whether they may sign in."""
    user = to_change(user_id, own=True)
    apply(said(UserPatch), user)
    flash(f"{user.name} was changed.")
    return redirect(url_for(".show"), 303)


@bp.post("/<uuid:user_id>/invitation")
@allow(Permission.MANAGE_USERS)
def invite_again(user_id: uuid.UUID) -> AnyResponse:
    """Send a new link to somebody who was invited and has not come yet."""
    user = to_change(user_id, own=True)
    users.invite_again(user, by=current_user)
    flash(f"A new invitation is on its way to {user.email}.")
    return redirect(url_for(".show"), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_them_as_they_are(refusal: Refusal) -> AnyResponse:
    """Say why it was refused."""
    return say_why_not(refusal, url_for("desk.people.show"))


def _page(errors: Errors, status: int = 200) -> Response:
    page = render_template(
        "desk/people.html",
        people=auth.everyone(),
        roles=[*Role],
        role_choices=[(role, role) for role in Role],
        errors=errors,
        typed=request.form,
    )
    return make_response(page, status)
