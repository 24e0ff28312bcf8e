"""The people of the firm over JSON."""

from __future__ import annotations

import uuid

import msgspec
from flask import Blueprint, Response, g
from flask_login import current_user

from leadintake.auth.factors import factors
from leadintake.auth.models import User
from leadintake.auth.permissions import Permission
from leadintake.auth.schemas import Invitation, UserDetail, UserList, UserPatch
from leadintake.auth.service import auth
from leadintake.auth.users import users
from leadintake.core.access import allow
from leadintake.core.api import respond, speaks
from leadintake.core.errors import Forbidden

bp = Blueprint("users", __name__, url_prefix="/users")


@bp.get("")
@allow(Permission.READ_USERS)
@speaks({200: UserList})
def list_users() -> Response:
    """List everybody, by name."""
    return respond(UserList([UserDetail.of(user) for user in auth.everyone()]))


@bp.post("")
@allow(Permission.MANAGE_USERS)
@speaks({201: UserDetail}, json=Invitation)
def invite(json: Invitation) -> Response:
    """Invite somebody: they are mailed a link to choose a password."""
    user = users.invite(json.email, json.name, json.role, can_intake=json.can_intake, by=current_user)
    return respond(UserDetail.of(user), 201)


@bp.get("/<uuid:user_id>")
@allow(Permission.READ_USERS)
@speaks({200: UserDetail}, refuses=(404,))
def read(user_id: uuid.UUID) -> Response:
    """Show one of them."""
    return respond(UserDetail.of(users.get(user_id)))


@bp.patch("/<uuid:user_id>")
@allow(Permission.MANAGE_USERS)
@speaks({200: UserDetail}, json=UserPatch, refuses=(404, 409))
def change(user_id: uuid.UUID, json: UserPatch) -> Response:
    """Change name, role, whether they take leads, whether they may sign in: from their next request on."""
    user = to_change(user_id, own=True)
    apply(json, user)
    return respond(UserDetail.of(user))


@bp.delete("/<uuid:user_id>")
@allow(Permission.MANAGE_USERS)
@speaks({204: None}, refuses=(404, 409))
def deactivate(user_id: uuid.UUID) -> Response:
    """Let them in no more. They stay in the list: what they did keeps their name."""
    users.deactivate(to_change(user_id, own=True), by=current_user)
    return Response(status=204)


@bp.post("/<uuid:user_id>/invitation")
@allow(Permission.MANAGE_USERS)
@speaks({204: None}, refuses=(404, 409))
def invite_again(user_id: uuid.UUID) -> Response:
    """Send a new link to somebody who was invited and has not come yet."""
    users.invite_again(to_change(user_id, own=True), by=current_user)
    return Response(status=204)


@bp.delete("/<uuid:user_id>/sessions")
@allow(Permission.MANAGE_USERS)
@speaks({204: None}, refuses=(404,))
def sign_out(user_id: uuid.UUID) -> Response:
    """End every session of somebody who may sign in again: a telephone was lost."""
    users.sign_out(to_change(user_id, own=True), by=current_user)
    return Response(status=204)


@bp.delete("/<uuid:user_id>/second-factor")
@allow(Permission.MANAGE_USERS)
@speaks({204: None}, refuses=(404,))
def reset_second_factor(user_id: uuid.UUID) -> Response:
    """Help somebody who lost their phone: they sign in with the password alone, and set it up anew."""
    factors.reset(to_change(user_id, own=False), by=current_user)
    return Response(status=204)


def apply(wanted: UserPatch, user: User) -> None:
    """Change of a user what is wanted."""
    if wanted.name is not msgspec.UNSET:
        users.rename(user, wanted.name, by=current_user)
    if wanted.role is not msgspec.UNSET:
        users.change_role(user, wanted.role, by=current_user)
    if wanted.can_intake is not msgspec.UNSET:
        users.change_intake(user, wanted.can_intake, by=current_user)
    if wanted.active is not msgspec.UNSET:
        (users.activate if wanted.active else users.deactivate)(user, by=current_user)


def to_change(user_id: uuid.UUID, *, own: bool) -> User:
    """The user to change; oneself only where `own`, and never by an API token.

    Else an open browser would remove a second factor without a fresh sign-in. Raises Forbidden, NotFound.
    """
    if user_id == current_user.id and (not own or "api_token" in g):
        raise Forbidden("This is your own account. Sign in, and change it at /internal/second-factor.")
    return users.get_to_change(user_id)
