"""Verbs on users: every change."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.audit.service import audit
from leadintake.auth import passwords
from leadintake.auth.actor import Actor, UserOrOperator
from leadintake.auth.models import LinkPurpose, User
from leadintake.auth.people import departures
from leadintake.auth.people.identity import read_address, read_name
from leadintake.auth.people.links import links
from leadintake.auth.permissions import Role
from leadintake.auth.service import auth
from leadintake.auth.sessions import service as sessions
from leadintake.auth.tokens.service import tokens
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.errors import Conflict, NotFound, UnprocessableContent
from leadintake.notifications.deliverability import require_deliverable
from leadintake.notifications.service import notifications


class LastAdmin(Conflict):
    """Without an active admin no user could be added."""

    title = "Cannot remove the last admin"


class WrongPassword(UnprocessableContent):
    """The signed-in user gave a wrong password."""

    def __init__(self) -> None:
        super().__init__({"current_password": ["This is not your present password."]})


class Users:
    """Users of the firm."""

    def get(self, user_id: uuid.UUID) -> User:
        """Return a user. Raises NotFound."""
        return self._require(sa.select(User).where(User.id == user_id))

    def get_to_change(self, user_id: uuid.UUID) -> User:
        """Lock and return a user. Raises NotFound.

        1. Take the assignment lock.
        2. Lock all admins in one order, so that two admins cannot deactivate each other.
        3. Lock the user.
        """
        departures.lock_assignment()
        auth.admins()
        user_query = sa.select(User).where(User.id == user_id).with_for_update()
        return self._require(user_query.execution_options(populate_existing=True))

    def add(
        self,
        email: str,
        name: str,
        role: Role,
        password: str,
        *,
        can_intake: bool | None = None,
        actor: Actor,
    ) -> User:
        """Create a user. `can_intake`: by default attorneys only. Raises UnprocessableContent."""
        user = self._create(email, name, role, can_intake, joined_at=now())
        user.password_hash = self._hash("password", password, user.email, user.name)
        return self._insert(user, "user.added", actor=actor)

    def invite(
        self, email: str, name: str, role: Role, *, can_intake: bool | None = None, actor: UserOrOperator
    ) -> User:
        """Create a user, and mail a link to choose a password. Raises UnprocessableContent."""
        user = self._insert(self._create(email, name, role, can_intake), "user.invited", actor=actor)
        links.send(user, LinkPurpose.INVITATION, invited_by=_name(actor))
        return user

    def invite_again(self, user: User, *, actor: UserOrOperator) -> None:
        """Replace the user's links by a new one. Raises Conflict if the user joined or is inactive."""
        if user.joined_at is not None or not user.active:
            raise Conflict(f"{user.email} was here already. They can ask for a new password themselves.")
        links.revoke(user)
        links.send(user, LinkPurpose.INVITATION, invited_by=_name(actor))
        audit.record("user.invited_again", actor=actor, about=("user", user.id))

    def invited_by(self, token: str) -> User:
        """Return the link's user. Raises LinkGone."""
        return links.find_user(token)

    def choose_password(self, token: str, password: str, *, end_tokens: bool = False) -> User:
        """Set the password, consume the link, end all sessions. `end_tokens`: revoke API tokens too.

        Raises LinkGone, UnprocessableContent.
        """
        user = links.find_user(token)
        password_hash = self._hash("password", password, user.email, user.name)
        self.get_to_change(user.id)  # lock order: user before link
        links.consume(token)
        user.joined_at = user.joined_at or now()
        sessions.end_all(user)
        ended = tokens.revoke_all(user, actor=user) if end_tokens else 0
        self._change_password(user, password_hash, actor=user, how="link", tokens_ended=ended)
        return user

    def change_own_password(self, user: User, current: str, new: str) -> None:
        """Change the signed-in user's password, and end all other sessions.

        Raises WrongPassword, UnprocessableContent, SignInAgain.
        """
        before = user.password_hash
        if not passwords.verify(before, current):
            audit.record_refusal("password.refused", actor=user, about=("user", user.id))
            raise WrongPassword
        password_hash = self._hash("new_password", new, user.email, user.name)
        if not auth.lock_unchanged(user.id, before):  # changed or deactivated while hashing
            raise WrongPassword
        sessions.renew(user)
        self._change_password(user, password_hash, actor=user, how="session")

    def set_password(self, user: User, password: str, *, end_tokens: bool = False, actor: Actor) -> None:
        """Set the password and end all sessions. `end_tokens`: revoke API tokens too."""
        password_hash = self._hash("password", password, user.email, user.name)
        user.joined_at = user.joined_at or now()
        sessions.end_all(user)
        ended = tokens.revoke_all(user, actor=actor) if end_tokens else 0
        self._change_password(user, password_hash, actor=actor, how="set", tokens_ended=ended)

    def rename(self, user: User, name: str, *, actor: Actor) -> None:
        """Change the name. Raises UnprocessableContent."""
        if (new_name := read_name(name)) != user.name:
            user.name = new_name
            audit.record("user.renamed", actor=actor, about=("user", user.id))

    def change_role(self, user: User, role: Role, *, actor: Actor) -> None:
        """Change the role, from the next request on. Raises LastAdmin."""
        if role == user.role:
            return
        departures.lock_assignment()
        self._refuse_last_admin(user)
        audit.record("user.role_changed", actor=actor, about=("user", user.id), before=user.role, after=role)
        had_leads, user.role = user.works_on_leads, role
        sessions.make_stale(user)
        self._tell(user, f"Your role is now {role.value}.")
        if had_leads and not user.works_on_leads:
            departures.announce(user, f"{user.name} works on leads no more.", actor=actor)

    def change_intake(self, user: User, can_intake: bool, *, actor: Actor) -> None:
        """Set whether new leads may be assigned."""
        if can_intake != user.can_intake:
            user.can_intake = can_intake
            audit.record("user.intake_changed", actor=actor, about=("user", user.id), can_intake=can_intake)

    def deactivate(self, user: User, *, actor: Actor) -> None:
        """Deactivate the user and reassign their leads. Raises LastAdmin.

        API tokens are revoked for good: activation must not restore access of programs.
        """
        if not user.active:
            return
        departures.lock_assignment()
        self._refuse_last_admin(user)
        user.active = False
        sessions.end_all(user)
        links.revoke(user)
        tokens.revoke_all(user, actor=actor)
        audit.record("user.deactivated", actor=actor, about=("user", user.id))
        departures.announce(user, f"{user.name} was deactivated.", actor=actor)

    def sign_out(self, user: User, *, actor: Actor) -> None:
        """End all sessions of the user."""
        sessions.end_all(user)
        audit.record("user.signed_out", actor=actor, about=("user", user.id))

    def activate(self, user: User, *, actor: Actor) -> None:
        """Activate the user again."""
        if not user.active:
            user.active = True
            audit.record("user.activated", actor=actor, about=("user", user.id))

    def _require(self, user_query: sa.Select[Any]) -> User:
        user: User | None = db.session.scalar(user_query)
        if user is None:
            raise NotFound("There is no such user.")
        return user

    def _create(self, email: str, name: str, role: Role, can_intake: bool | None, **more: object) -> User:
        address = read_address(email)
        if auth.find(address):
            raise _email_in_use(address)
        require_deliverable(address)
        takes = role is Role.ATTORNEY if can_intake is None else can_intake
        return User(
            email=address, name=read_name(name), role=role, password_hash="", can_intake=takes, **more
        )

    def _insert(self, user: User, action: str, *, actor: Actor) -> User:
        db.session.add(user)
        try:
            db.session.flush()
        except IntegrityError as error:  # created by a concurrent request
            raise _email_in_use(user.email) from error
        audit.record(action, actor=actor, about=("user", user.id), role=user.role)
        return user

    def _change_password(
        self, user: User, password_hash: str, *, actor: Actor, how: str, tokens_ended: int = 0
    ) -> None:
        user.password_hash = password_hash
        links.revoke(user)
        audit.record("password.changed", actor=actor, about=("user", user.id), how=how)
        sentence = "Your password was changed, and every session that used the old one has ended."
        more = " So have your API tokens: programs that use them need new ones."
        self._tell(user, sentence + (more if tokens_ended else ""))

    def _refuse_last_admin(self, user: User) -> None:
        others = [admin for admin in auth.admins() if admin.joined_at is not None and admin.id != user.id]
        here = user.role is Role.ADMIN and user.active and user.joined_at is not None
        if here and not others:  # invited admins do not count: an invitation may never arrive
            raise LastAdmin(f"{user.email} is the last active admin. Make another one first.")

    def _tell(self, user: User, sentence: str) -> None:
        notifications.enqueue("account_notice", user.email, name=user.name, what=sentence)

    def _hash(self, field: str, password: str, *context: str) -> str:
        try:
            passwords.refuse_weak(password, "leadintake", *context)
        except passwords.WeakPassword as error:
            raise UnprocessableContent({field: [str(error)]}) from error
        return passwords.hash_password(password)


def _name(actor: UserOrOperator) -> str:
    return actor.name if isinstance(actor, User) else ""


def _email_in_use(address: str) -> UnprocessableContent:
    return UnprocessableContent({"email": [f"There is a user {address} already."]})


users = Users()
