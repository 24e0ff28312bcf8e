"""Verbs on users: the only way to change them."""

from __future__ import annotations

import unicodedata
import uuid
from collections.abc import Sequence

import sqlalchemy as sa
import structlog
from email_validator import EmailNotValidError, validate_email
from flask import current_app

from leadintake.auth import passwords, sessions
from leadintake.auth.models import User
from leadintake.auth.permissions import GRANTS, Permission, Role
from leadintake.core.database import db, reading
from leadintake.core.errors import Refusal
from leadintake.core.text import has_controls, regular

log = structlog.get_logger()


class BadCredentials(Refusal):
    """The pair of account and password lets nobody in. It never says which of the two was wrong."""

    status = 401
    title = "Not signed in"

    def __init__(self) -> None:
        super().__init__("E-mail and password do not belong together. Please check both and try again.")


class UserProblem(Refusal):
    """A user cannot be made or changed like this; the message says why."""

    status = 422
    title = "This user cannot be made or changed like this"


class Auth:
    """People who may sign in."""

    def authenticate(self, email: str, password: str) -> User:
        """The active user with this password. Raises BadCredentials, alike and as late in every case."""
        with reading():
            known = db.session.execute(
                sa.select(User.id, User.password_hash).where(
                    User.email == folded(email), User.active.is_(True)
                )
            ).first()
            # The check takes 100 ms: no transaction, and on SQLite no lock, is held meanwhile.
            db.session.rollback()
        matches = passwords.verify(known.password_hash if known else None, password)
        user = self._still(known.id, known.password_hash) if known is not None and matches else None
        if user is None:
            log.info("sign_in_refused")
            raise BadCredentials
        return user

    def _still(self, user_id: uuid.UUID, password_hash: str) -> User | None:
        """The user, locked, if active and with the password that was checked: either may have changed."""
        same = sa.select(User).where(
            User.id == user_id, User.password_hash == password_hash, User.active.is_(True)
        )
        return db.session.scalar(same.with_for_update())

    def sign_in(self, user: User) -> None:
        """Begin a session for this browser."""
        sessions.forget_old(current_app)
        sessions.begin(user)

    def sign_out(self) -> None:
        """End the session of this browser."""
        sessions.end()

    def get(self, user_id: uuid.UUID) -> User | None:
        """The user with this id."""
        return db.session.get(User, user_id)

    def find(self, email: str) -> User | None:
        """The user with this address, however it is capitalised."""
        return db.session.scalar(sa.select(User).where(User.email == folded(email)))

    def everyone(self) -> Sequence[User]:
        """All users, by name."""
        return db.session.scalars(sa.select(User).order_by(User.name, User.id)).all()

    def intake_attorneys(self) -> Sequence[User]:
        """Those new leads may go to, in a stable order."""
        return db.session.scalars(
            sa.select(User).where(User.active.is_(True), User.can_intake.is_(True)).order_by(User.id)
        ).all()

    def managers(self) -> Sequence[User]:
        """Those who look after leads that nobody has."""
        assigners = [role for role, granted in GRANTS.items() if Permission.ASSIGN_LEADS in granted]
        return db.session.scalars(
            sa.select(User).where(User.active.is_(True), User.role.in_(assigners)).order_by(User.id)
        ).all()

    def add(
        self, email: str, name: str, role: Role, password: str, *, can_intake: bool | None = None
    ) -> User:
        """Make a user. Attorneys take new leads unless told otherwise. Raises UserProblem."""
        try:
            address = validate_email(email, check_deliverability=False, test_environment=True).normalized
        except EmailNotValidError as error:
            raise UserProblem(f"{email!r} is not an e-mail address: {error}") from error
        if not 1 <= len(regular(name)) <= 100 or has_controls(name):
            raise UserProblem("A name has 1 to 100 characters, and none that cannot be shown.")
        if self.find(address):
            raise UserProblem(f"There is a user {folded(address)} already.")
        user = User(
            email=folded(address),
            name=regular(name),
            role=role,
            password_hash=self._hashed(password, address, name),
            can_intake=role is Role.ATTORNEY if can_intake is None else can_intake,
        )
        db.session.add(user)
        db.session.flush()
        return user

    def set_password(self, user: User, password: str) -> None:
        """Change the password; every session of the user ends."""
        user.password_hash = self._hashed(password, user.email, user.name)
        sessions.end_all(user)

    def deactivate(self, user: User) -> None:
        """Let nobody in as this user any more, and give them no leads. The last active admin stays."""
        active_admins = sa.select(User).where(User.active.is_(True), User.role == Role.ADMIN)
        # Locked in one order: two who deactivate each other must not both succeed.
        if list(db.session.scalars(active_admins.order_by(User.id).with_for_update())) == [user]:
            raise UserProblem(f"{user.email} is the last active admin. Make another one first.")
        user.active = False
        sessions.end_all(user)

    def _hashed(self, password: str, *context: str) -> str:
        try:
            passwords.refuse_weak(password, "leadintake", *context)
        except passwords.WeakPassword as error:
            raise UserProblem(str(error)) from error
        return passwords.hash_password(password)


def folded(email: str) -> str:
    """The one form an account's address is kept and looked up in."""
    text = email.replace("\x00", "\ufffd")  # nobody's address, and PostgreSQL takes no NUL in a text
    return unicodedata.normalize("NFKC", text).strip().casefold()


auth = Auth()
