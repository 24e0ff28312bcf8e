"""Users over JSON."""

from __future__ import annotations

import uuid

import msgspec
from flask import Blueprint, Response, g

from leadintake.auth.actor import current_actor
from leadintake.auth.mfa.factors import factors
from leadintake.auth.models import User
from leadintake.auth.people.address import change_address
from leadintake.auth.people.service import users
from leadintake.auth.permissions import Permission
from leadintake.auth.schemas import Invitation, UserDetail, UserList, UserPatch
from leadintake.auth.service import auth
from leadintake.auth.sessions import service as sessions
from leadintake.core.errors import Forbidden
from leadintake.core.http.access import allow
from leadintake.core.http.api import api, respond

bp = Blueprint("users", __name__, url_prefix="/users")


@bp.get("")
@allow(Permission.READ_USERS)
@api({200: UserList})
def list_users() -> Response:
    """List all users, by name."""
    return respond(UserList([UserDetail.of(user) for user in auth.everyone()]))


@bp.post("")
@allow(Permission.MANAGE_USERS)
@api({201: UserDetail}, json=Invitation)
def invite(json: Invitation) -> Response:
    """Invite a user by a mailed link to choose a password."""
    user = users.invite(json.email, json.name, json.role, can_intake=json.can_intake, actor=current_actor())
    return respond(UserDetail.of(user), 201)


@bp.get("/<uuid:user_id>")
@allow(Permission.READ_USERS)
@api({200: UserDetail}, refuses=(404,))
def read(user_id: uuid.UUID) -> Response:
    """Show a user."""
    return respond(UserDetail.of(users.get(user_id)))


@bp.patch("/<uuid:user_id>")
@allow(Permission.MANAGE_USERS)
@api({200: UserDetail}, json=UserPatch, refuses=(404, 409))
def change(user_id: uuid.UUID, json: UserPatch) -> Response:
    """Change name, address, role, intake or activity, from the next request on.

    A new address ends the user's sessions and mailed links, and both addresses are told.
    """
    user = get_to_change(user_id, own=True)
    apply(json, user)
    return respond(UserDetail.of(user))


@bp.delete("/<uuid:user_id>")
@allow(Permission.MANAGE_USERS)
@api({204: None}, refuses=(404, 409))
def deactivate(user_id: uuid.UUID) -> Response:
    """Deactivate a user. They stay in the list, since their records need the name."""
    users.deactivate(get_to_change(user_id, own=True), actor=current_actor())
    return Response(status=204)


@bp.post("/<uuid:user_id>/invitation")
@allow(Permission.MANAGE_USERS)
@api({204: None}, refuses=(404, 409))
def invite_again(user_id: uuid.UUID) -> Response:
    """Send a new link to an invited user who has not joined."""
    users.invite_again(get_to_change(user_id, own=True), actor=current_actor())
    return Response(status=204)


@bp.delete("/<uuid:user_id>/sessions")
@allow(Permission.MANAGE_USERS)
@api({204: None}, refuses=(404,))
def sign_out(user_id: uuid.UUID) -> Response:
    """End all sessions of a user, who may sign in again."""
    users.sign_out(get_to_change(user_id, own=True), actor=current_actor())
    return Response(status=204)


@bp.delete("/<uuid:user_id>/second-factor")
@allow(Permission.MANAGE_USERS)
@api({204: None}, refuses=(404,))
def reset_second_factor(user_id: uuid.UUID) -> Response:
    """Remove a user's second factors after their loss."""
    factors.reset(get_to_change(user_id, own=False), actor=current_actor())
    return Response(status=204)


def apply(patch: UserPatch, user: User) -> None:
    """Apply the fields that are set. One's own address changes only soon after signing in."""
    if patch.name is not msgspec.UNSET:
        users.rename(user, patch.name, actor=current_actor())
    if patch.email is not msgspec.UNSET:
        if user.id == current_actor().id and patch.email != user.email:
            sessions.require_recent_sign_in()
        change_address(user, patch.email, actor=current_actor())
    if patch.role is not msgspec.UNSET:
        users.change_role(user, patch.role, actor=current_actor())
    if patch.can_intake is not msgspec.UNSET:
        users.change_intake(user, patch.can_intake, actor=current_actor())
    if patch.active is not msgspec.UNSET:
        (users.activate if patch.active else users.deactivate)(user, actor=current_actor())


def get_to_change(user_id: uuid.UUID, *, own: bool) -> User:
    """Return the user locked for a change; oneself only if `own`, never by API token.

    Otherwise an unattended browser could remove a second factor without a fresh sign-in. Raises Forbidden,
    NotFound.
    """
    if user_id == current_actor().id and (not own or "api_token" in g):
        raise Forbidden("This is your own account. Sign in, and change it at /internal/second-factor.")
    return users.get_to_change(user_id)
