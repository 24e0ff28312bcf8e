"""Users of the firm."""

from __future__ import annotations

import uuid

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from leadintake.auth.actor import current_actor
from leadintake.auth.people.address import AddressInUse
from leadintake.auth.people.api import apply, get_to_change
from leadintake.auth.people.service import users
from leadintake.auth.permissions import Permission, Role
from leadintake.auth.schemas import Invitation, UserPatch
from leadintake.auth.service import auth
from leadintake.core.db.transaction import rollback
from leadintake.core.errors import Conflict, Errors, Forbidden, Refusal, UnprocessableContent
from leadintake.core.http.access import allow
from leadintake.desk.forms import parse_form, redirect_with_reasons

bp = Blueprint("people", __name__, url_prefix="/people")


@bp.get("")
@allow(Permission.READ_USERS)
def show() -> Response:
    """Show all users by name."""
    return _page({})


@bp.post("")
@allow(Permission.MANAGE_USERS)
def invite() -> AnyResponse:
    """Invite a user."""
    try:
        invitation = parse_form(Invitation)
        user = users.invite(
            invitation.email,
            invitation.name,
            invitation.role,
            can_intake=invitation.can_intake,
            actor=current_actor(),
        )
    except UnprocessableContent as refusal:
        return _page(refusal.errors or {}, 422)
    flash(f"An invitation is on its way to {user.email}.")
    return redirect(url_for(".show"), 303)


@bp.post("/<uuid:user_id>")
@allow(Permission.MANAGE_USERS)
def change(user_id: uuid.UUID) -> AnyResponse:
    """Change a user."""
    before = current_actor().email
    try:
        user = get_to_change(user_id, own=True)
        apply(parse_form(UserPatch, but=_list_unchanged("name", "email")), user)
    except (UnprocessableContent, AddressInUse) as refusal:
        rollback()
        return _page(refusal.errors or {"email": [refusal.detail]}, refusal.status, changed_id=user_id)
    if current_actor().email != before:  # one's own sessions ended with it
        return redirect(url_for("desk.signing_in.ask", email=user.email), 303)
    flash(f"{user.name} was changed.")
    return redirect(url_for(".show"), 303)


def _list_unchanged(*names: str) -> frozenset[str]:
    """Return the fields that are as the page showed them: another admin may have changed the user since."""
    return frozenset(name for name in names if request.form.get(name) == request.form.get(f"shown_{name}"))


@bp.post("/<uuid:user_id>/invitation")
@allow(Permission.MANAGE_USERS)
def invite_again(user_id: uuid.UUID) -> AnyResponse:
    """Mail a new link to a user who has not joined."""
    user = get_to_change(user_id, own=True)
    users.invite_again(user, actor=current_actor())
    flash(f"A new invitation is on its way to {user.email}.")
    return redirect(url_for(".show"), 303)


@bp.errorhandler(Conflict)
@bp.errorhandler(Forbidden)
def show_refusal(refusal: Refusal) -> AnyResponse:
    """Show why an action was refused."""
    return redirect_with_reasons(refusal, url_for("desk.people.show"))


def _page(errors: Errors, status: int = 200, *, changed_id: uuid.UUID | None = None) -> Response:
    page = render_template(
        "desk/people.html",
        people=auth.everyone(),
        roles=[*Role],
        role_choices=[(role, role) for role in Role],
        errors=errors,
        changed_id=changed_id,
        typed=request.form,
    )
    return make_response(page, status)
