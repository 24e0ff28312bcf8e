"""Verbs on people: the only way to change them."""

from __future__ import annotations

import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.audit.service import By, audit
from leadintake.auth import leaving, passwords, sessions
from leadintake.auth.identity import read_address, read_name, refuse_unreachable
from leadintake.auth.links import links
from leadintake.auth.models import LinkPurpose, User
from leadintake.auth.permissions import Role
from leadintake.auth.service import auth
from leadintake.auth.tokens import tokens
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Conflict, Invalid, NotFound
from leadintake.notifications.service import notifications


class LastAdmin(Conflict):
    """Without an active admin nobody could let anybody in."""

    title = "The last admin stays"


class WrongPassword(Invalid):
    """Whoever is signed in does not know the password."""

    def __init__(self) -> None:
        super().__init__({"current_password": ["This is not your present password."]})


class Users:
    """The people of the firm."""

    def get(self, user_id: uuid.UUID) -> User:
        """One of them. Raises NotFound."""
        return self._one(sa.select(User).where(User.id == user_id))

    def get_to_change(self, user_id: uuid.UUID) -> User:
        """The same, locked until the transaction ends.

        No lead changes hands meanwhile, and all admins are locked first, in one order: two who put each
        other out must not both succeed.
        """
        leaving.hold()
        auth.admins()
        locked = sa.select(User).where(User.id == user_id).with_for_update()
        return self._one(locked.execution_options(populate_existing=True))

    def add(
        self,
        email: str,
        name: str,
        role: Role,
        password: str,
        *,
        can_intake: bool | None = None,
        by: By = None,
    ) -> User:
        """Make a user who has a password. Attorneys take new leads unless told otherwise. Raises Invalid."""
        user = self._made(email, name, role, can_intake, joined_at=now())
        user.password_hash = self._hashed("password", password, user.email, user.name)
        return self._kept(user, "user.added", by=by)

    def invite(
        self, email: str, name: str, role: Role, *, can_intake: bool | None = None, by: User | None = None
    ) -> User:
        """Make a user who is mailed a link to choose a password. Until then nobody signs in as them."""
        user = self._kept(self._made(email, name, role, can_intake), "user.invited", by=by)
        links.send(user, LinkPurpose.INVITATION, invited_by=by.name if by else "")
        return user

    def invite_again(self, user: User, *, by: User | None) -> None:
        """Send a new link to somebody who has not come yet; earlier ones are worth nothing."""
        if user.joined_at is not None or not user.active:
            raise Conflict(f"{user.email} was here already. They can ask for a new password themselves.")
        links.revoke(user)
        links.send(user, LinkPurpose.INVITATION, invited_by=by.name if by else "")
        audit.record("user.invited_again", by=by, about=("user", user.id))

    def invited_by(self, token: str) -> User:
        """The user whom this link was mailed to. Raises LinkGone."""
        return links.whose(token)

    def choose_password(self, token: str, password: str, *, end_tokens: bool = False) -> User:
        """Take the password of whoever has the link, once; `end_tokens`: their API tokens end with it.

        Raises LinkGone, Invalid.
        """
        user = links.whose(token)
        password_hash = self._hashed("password", password, user.email, user.name)
        self.get_to_change(user.id)  # the user before the link, as everybody else locks them
        links.spend(token)
        user.joined_at = user.joined_at or now()
        sessions.end_all(user)
        ended = tokens.revoke_all(user, by=user) if end_tokens else 0
        self._change_password(user, password_hash, by=user, how="link", tokens_ended=ended)
        return user

    def change_own_password(self, user: User, current: str, new: str) -> None:
        """Change the password of the one who is signed in; this session goes on, all others end.

        Raises WrongPassword, Invalid, SignInAgain.
        """
        before = user.password_hash
        if not passwords.verify(before, current):
            audit.record_refusal("password.refused", by=user, about=("user", user.id))
            raise WrongPassword
        password_hash = self._hashed("new_password", new, user.email, user.name)
        if not auth.still(user.id, before):  # changed, or put out, while this one was checked
            raise WrongPassword
        sessions.go_on(user)
        self._change_password(user, password_hash, by=user, how="session")

    def set_password(self, user: User, password: str, *, end_tokens: bool = False, by: By = None) -> None:
        """Change the password; every session of the user ends, and with `end_tokens` every API token."""
        password_hash = self._hashed("password", password, user.email, user.name)
        user.joined_at = user.joined_at or now()
        sessions.end_all(user)
        ended = tokens.revoke_all(user, by=by) if end_tokens else 0
        self._change_password(user, password_hash, by=by, how="set", tokens_ended=ended)

    def rename(self, user: User, name: str, *, by: By) -> None:
        """Change the name."""
        user.name = read_name(name)
        audit.record("user.renamed", by=by, about=("user", user.id))

    def change_role(self, user: User, role: Role, *, by: By = None) -> None:
        """Change the role: from the next request on. The last active admin keeps it."""
        if role == user.role:
            return
        leaving.hold()
        self._refuse_last_admin(user)
        audit.record("user.role_changed", by=by, about=("user", user.id), before=user.role, after=role)
        worked, user.role = user.works_on_leads, role
        sessions.make_stale(user)
        self._tell(user, f"Your role is now {role.value}.")
        if worked and not user.works_on_leads:
            leaving.left(user, f"{user.name} works on leads no more.", by=by)

    def change_intake(self, user: User, can_intake: bool, *, by: By = None) -> None:
        """Say whether new leads may go to them."""
        if can_intake != user.can_intake:
            user.can_intake = can_intake
            audit.record("user.intake_changed", by=by, about=("user", user.id), can_intake=can_intake)

    def deactivate(self, user: User, *, by: By = None) -> None:
        """Let nobody in as this user any more, and give them no leads. The last active admin stays.

        Their API tokens end for good: who is let in again does not bring back what programs could do.
        """
        if not user.active:
            return
        leaving.hold()
        self._refuse_last_admin(user)
        user.active = False
        sessions.end_all(user)
        links.revoke(user)
        tokens.revoke_all(user, by=by)
        audit.record("user.deactivated", by=by, about=("user", user.id))
        leaving.left(user, f"{user.name} was deactivated.", by=by)

    def sign_out(self, user: User, *, by: By = None) -> None:
        """End every session of the user, who may sign in again."""
        sessions.end_all(user)
        audit.record("user.signed_out", by=by, about=("user", user.id))

    def activate(self, user: User, *, by: By = None) -> None:
        """Let them in again, as they were but for their API tokens."""
        if not user.active:
            user.active = True
            audit.record("user.activated", by=by, about=("user", user.id))

    def _one(self, wanted: sa.Select[Any]) -> User:
        user: User | None = db.session.scalar(wanted)
        if user is None:
            raise NotFound("There is no such user.")
        return user

    def _made(self, email: str, name: str, role: Role, can_intake: bool | None, **more: object) -> User:
        address = read_address(email)
        if auth.find(address):
            raise _taken(address)
        refuse_unreachable(address)
        takes = role is Role.ATTORNEY if can_intake is None else can_intake
        return User(
            email=address, name=read_name(name), role=role, password_hash="", can_intake=takes, **more
        )

    def _kept(self, user: User, action: str, *, by: By) -> User:
        db.session.add(user)
        try:
            db.session.flush()
        except IntegrityError as error:  # somebody else made them at the same moment
            raise _taken(user.email) from error
        audit.record(action, by=by, about=("user", user.id), role=user.role)
        return user

    def _change_password(
        self, user: User, password_hash: str, *, by: By, how: str, tokens_ended: int = 0
    ) -> None:
        user.password_hash = password_hash
        links.revoke(user)
        audit.record("password.changed", by=by, about=("user", user.id), how=how)
        sentence = "Your password was changed, and every session that used the old one has ended."
        more = " So have your API tokens: programs that use them need new ones."
        self._tell(user, sentence + (more if tokens_ended else ""))

    def _refuse_last_admin(self, user: User) -> None:
        others = [one for one in auth.admins() if one.joined_at is not None and one.id != user.id]
        here = user.role is Role.ADMIN and user.active and user.joined_at is not None
        if here and not others:  # an invitation may never arrive: who has not come yet is no admin to rely on
            raise LastAdmin(f"{user.email} is the last active admin. Make another one first.")

    def _tell(self, user: User, sentence: str) -> None:
        notifications.owe("account_notice", user.email, name=user.name, what=sentence)

    def _hashed(self, field: str, password: str, *context: str) -> str:
        try:
            passwords.refuse_weak(password, "leadintake", *context)
        except passwords.WeakPassword as error:
            raise Invalid({field: [str(error)]}) from error
        return passwords.hash_password(password)


def _taken(address: str) -> Invalid:
    return Invalid({"email": [f"There is a user {address} already."]})


users = Users()
