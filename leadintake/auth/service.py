"""Verbs on being signed in, and who there is. What changes people is in users.py."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from flask import current_app

from leadintake.audit.service import audit
from leadintake.auth import passwords, sessions
from leadintake.auth.factors import CodeWanted, factors
from leadintake.auth.models import User
from leadintake.auth.passwords import BadCredentials
from leadintake.auth.permissions import GRANTS, Permission, Role
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.keys import keyed_hash
from leadintake.core.text import compatible

LONGEST_TYPED = 1024
"""Of what is typed for an address: no account's is as long."""


class Auth:
    """People who may sign in."""

    def authenticate(
        self, email: str, password: str, code: str | None = None, *, known: bool = False
    ) -> tuple[User, bool]:
        """The active user with this password, and whether a second factor was proved.

        `known`: shown by a device that the account knows, which waits behind no stranger.

        Raises BadCredentials, alike and as late for a wrong password, an unknown and an inactive user; with
        the right password CodeWanted or BadCode where the user has a second factor.
        """
        account = folded(email)
        with reading():
            wanted = sa.select(User.id, User.password_hash)
            row = db.session.execute(wanted.where(User.email == account, User.active.is_(True))).first()
            # The check takes 100 ms: no transaction, and on SQLite no lock, is held meanwhile.
            db.session.rollback()
        matches = passwords.verify(row.password_hash if row else None, password, known=known)
        renewed = passwords.rehashed(row.password_hash, password) if row and matches else None
        user = self.still(row.id, row.password_hash) if row is not None and matches else None
        if user is None:
            self._refuse(account, row.id if row else None)
            raise BadCredentials
        try:
            proved = factors.prove(user, code)
        except CodeWanted:
            audit.record_refusal("sign_in.code_wanted", by="anybody", about=("user", user.id))
            raise
        except BadCredentials:
            self._refuse(account, user.id)
            raise
        if renewed:
            user.password_hash = renewed
        return user, proved

    def still(self, user_id: uuid.UUID, password_hash: str) -> User | None:
        """The user, locked, if active and with the password that was checked: either may have changed."""
        same = sa.select(User).where(
            User.id == user_id, User.password_hash == password_hash, User.active.is_(True)
        )
        return db.session.scalar(same.with_for_update())

    def _refuse(self, account: str, user_id: uuid.UUID | None) -> None:
        about = ("user", user_id) if user_id else None
        audit.record_refusal("sign_in.refused", by="anybody", about=about, account=_mark_of(account))

    def sign_in(self, user: User, *, how: str, second_factor: bool) -> None:
        """Begin a session for this browser. `how`: `password`, `passkey` or `sso`."""
        sessions.forget_old(current_app)
        sessions.begin(user, second_factor=second_factor)
        user.joined_at = user.joined_at or now()
        audit.record("signed_in", by=user, about=("user", user.id), how=how, second_factor=second_factor)

    def sign_out(self, user: User) -> None:
        """End the session of this browser."""
        sessions.end()
        audit.record("signed_out", by=user, about=("user", user.id))

    def sign_out_everywhere(self, user: User) -> None:
        """End every session of the user, this one too."""
        sessions.end_all(user)
        sessions.end()
        audit.record("signed_out_everywhere", by=user, about=("user", user.id))

    def end_session(self, user: User, session_id: uuid.UUID) -> None:
        """End another session of the user. Raises NotFound."""
        sessions.end_one(user, session_id)
        audit.record("session.ended", by=user, about=("user", user.id), session=str(session_id))

    def get(self, user_id: uuid.UUID) -> User | None:
        """The user with this id."""
        return db.session.get(User, user_id)

    def find(self, email: str) -> User | None:
        """The user with this address, however it is capitalised."""
        return db.session.scalar(sa.select(User).where(User.email == folded(email)))

    def everyone(self) -> Sequence[User]:
        """All users, by name."""
        return db.session.scalars(sa.select(User).order_by(User.name, User.id)).all()

    def has_people(self) -> bool:
        """Whether there is anybody who could sign in: nobody is before the first is added."""
        return db.session.scalar(sa.select(User.id).limit(1)) is not None

    def intake_attorneys(self) -> Sequence[User]:
        """Those new leads may go to, in a stable order: nobody who was invited and has not come yet."""
        takes = sa.and_(User.active.is_(True), User.can_intake.is_(True), User.joined_at.is_not(None))
        return db.session.scalars(sa.select(User).where(takes).order_by(User.id)).all()

    def managers(self) -> Sequence[User]:
        """Those who look after leads that nobody has, as far as they have come in."""
        assigners = [role for role, granted in GRANTS.items() if Permission.ASSIGN_LEADS in granted]
        found = sa.select(User).where(User.active.is_(True), User.role.in_(assigners))
        return db.session.scalars(found.where(User.joined_at.is_not(None)).order_by(User.id)).all()

    def admins(self) -> Sequence[User]:
        """Those who may let others in, locked in one order until the transaction ends."""
        found = sa.select(User).where(User.active.is_(True), User.role == Role.ADMIN)
        return db.session.scalars(found.order_by(User.id).with_for_update()).all()


def folded(email: str) -> str:
    """The one form an account's address is kept and looked up in."""
    text = email[:LONGEST_TYPED].replace("\x00", "\ufffd")  # nobody's address; PostgreSQL takes no NUL
    return compatible(text, LONGEST_TYPED).strip()


def _mark_of(account: str) -> str:
    """Tells attempts on one account from those on another, and nothing more."""
    return keyed_hash("account", account)[:16]


auth = Auth()
