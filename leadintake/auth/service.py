"""Verbs on sign-in, and queries of users."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from flask import current_app

from leadintake.audit.service import audit
from leadintake.auth import passwords
from leadintake.auth.mfa.factors import OtpRequired, factors
from leadintake.auth.models import User
from leadintake.auth.passwords import BadCredentials
from leadintake.auth.permissions import GRANTS, Permission, Role
from leadintake.auth.sessions import service as sessions
from leadintake.core.actor import ANONYMOUS
from leadintake.core.clock import now
from leadintake.core.crypto import keyed_hash
from leadintake.core.db.database import db, read_only
from leadintake.core.text import fold_text

MAX_TYPED_LENGTH = 1024
"""Characters of a typed address."""


class Auth:
    """Sign-in and users."""

    def authenticate(
        self, email: str, password: str, code: str | None = None, *, is_known: bool = False
    ) -> tuple[User, bool]:
        """Return the active user with this password, and whether a second factor was verified.

        `is_known`: from a known device of the account (lanes.py).

        Raises BadCredentials, the same in content and time for a wrong password, an unknown and an inactive
        user; after the right password OtpRequired or BadCode.
        """
        account = folded(email)
        with read_only():
            user_query = sa.select(User.id, User.password_hash)
            row = db.session.execute(user_query.where(User.email == account, User.active.is_(True))).first()
            # Hashing takes 100 ms: hold no transaction, and on SQLite no lock.
            db.session.rollback()
        matches = passwords.verify(row.password_hash if row else None, password, is_known=is_known)
        new_hash = passwords.rehash_outdated(row.password_hash, password) if row and matches else None
        user = self.lock_unchanged(row.id, row.password_hash) if row is not None and matches else None
        if user is None:
            self._refuse(account, row.id if row else None)
            raise BadCredentials
        try:
            second_factor = factors.verify(user, code)
        except OtpRequired:
            audit.record_refusal("sign_in.code_wanted", actor=ANONYMOUS, about=("user", user.id))
            raise
        except BadCredentials:
            self._refuse(account, user.id)
            raise
        if new_hash:
            user.password_hash = new_hash
        return user, second_factor

    def lock_unchanged(self, user_id: uuid.UUID, password_hash: str) -> User | None:
        """Lock and return the user if still active and with this hash."""
        user_query = sa.select(User).where(
            User.id == user_id, User.password_hash == password_hash, User.active.is_(True)
        )
        return db.session.scalar(user_query.with_for_update())

    def _refuse(self, account: str, user_id: uuid.UUID | None) -> None:
        about = ("user", user_id) if user_id else None
        audit.record_refusal("sign_in.refused", actor=ANONYMOUS, about=about, account=_mark_of(account))

    def sign_in(self, user: User, *, how: str, second_factor: bool) -> None:
        """Begin a session. `how`: `password`, `passkey`, `sso` or `invitation`."""
        sessions.delete_expired(current_app)
        sessions.begin(user, second_factor=second_factor)
        user.joined_at = user.joined_at or now()
        audit.record("signed_in", actor=user, about=("user", user.id), how=how, second_factor=second_factor)

    def sign_out(self, user: User) -> None:
        """End this browser's session."""
        sessions.end()
        audit.record("signed_out", actor=user, about=("user", user.id))

    def sign_out_everywhere(self, user: User) -> None:
        """End all sessions of the user."""
        sessions.end_all(user)
        sessions.end()
        audit.record("signed_out_everywhere", actor=user, about=("user", user.id))

    def end_session(self, user: User, session_id: uuid.UUID) -> None:
        """End a session of the user. Raises NotFound."""
        sessions.end_one(user, session_id)
        audit.record("session.ended", actor=user, about=("user", user.id), session=str(session_id))

    def get(self, user_id: uuid.UUID) -> User | None:
        """Return the user with this id."""
        return db.session.get(User, user_id)

    def find(self, email: str) -> User | None:
        """Return the user with this address, case-insensitively."""
        return db.session.scalar(sa.select(User).where(User.email == folded(email)))

    def everyone(self) -> Sequence[User]:
        """Return all users, by name."""
        return db.session.scalars(sa.select(User).order_by(User.name, User.id)).all()

    def has_people(self) -> bool:
        """Return whether any user exists."""
        return db.session.scalar(sa.select(User.id).limit(1)) is not None

    def intake_attorneys(self) -> Sequence[User]:
        """Return joined users who take new leads, in a stable order."""
        conditions = sa.and_(User.active.is_(True), User.can_intake.is_(True), User.joined_at.is_not(None))
        return db.session.scalars(sa.select(User).where(conditions).order_by(User.id)).all()

    def managers(self) -> Sequence[User]:
        """Return joined users who may assign leads."""
        assigners = [role for role, granted in GRANTS.items() if Permission.ASSIGN_LEADS in granted]
        managers_query = sa.select(User).where(User.active.is_(True), User.role.in_(assigners))
        return db.session.scalars(managers_query.where(User.joined_at.is_not(None)).order_by(User.id)).all()

    def admins(self) -> Sequence[User]:
        """Lock active admins in one order, and return them."""
        admins_query = sa.select(User).where(User.active.is_(True), User.role == Role.ADMIN)
        return db.session.scalars(admins_query.order_by(User.id).with_for_update()).all()


def folded(email: str) -> str:
    """Return the address as it is stored and looked up."""
    text = email[:MAX_TYPED_LENGTH].replace("\x00", "\ufffd")  # matches no account; PostgreSQL refuses NUL
    return fold_text(text, MAX_TYPED_LENGTH).strip()


def _mark_of(account: str) -> str:
    """Return a keyed hash: distinguishes accounts, reveals nothing else."""
    return keyed_hash("account", account)[:16]


auth = Auth()
