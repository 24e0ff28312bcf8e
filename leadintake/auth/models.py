"""Tables of the room: users, their sessions, and whatever else lets them in."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leadintake.auth.permissions import GRANTS, Permission, Role
from leadintake.core.database import Model, SoftDeletes
from leadintake.core.types import TextEnum


class LinkPurpose(StrEnum):
    """What a link in a mail is for."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a purpose


class User(SoftDeletes, Model):
    """Somebody of the firm who may sign in."""

    __tablename__ = "users"
    __allow_unmapped__ = True  # for `scopes`, which is the request's and not the row's

    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    """Folded to lower case: people do not remember how they wrote it."""
    name: Mapped[str] = mapped_column(sa.String(100))
    role: Mapped[Role] = mapped_column(TextEnum(Role))
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)
    can_intake: Mapped[bool] = mapped_column(default=False)
    """Whether new leads may be assigned to this person."""
    joined_at: Mapped[datetime | None] = mapped_column()
    """When somebody who was invited first came in; None until then."""
    totp_secret: Mapped[str | None] = mapped_column(sa.String(255))
    """The secret shared with an authenticator app, sealed (core/keys.py)."""
    totp_since: Mapped[datetime | None] = mapped_column()
    """From when its codes are asked for: a first code proved that the app has the secret."""
    totp_last_step: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """The time step of the last code taken: neither it nor an earlier one is taken again."""

    is_authenticated = True
    is_anonymous = False
    scopes: frozenset[str] | None = None
    """For a request made with an API token: the permissions it is bounded to. No column."""

    @property
    def is_active(self) -> bool:
        """What Flask-Login asks."""
        return self.active

    @property
    def is_here(self) -> bool:
        """Whether they may sign in and have come in before: an invitation may be to a wrong address."""
        return self.active and self.joined_at is not None

    @property
    def works_on_leads(self) -> bool:
        """Whether leads may be given to them."""
        return self.is_here and Permission.UPDATE_LEADS in GRANTS[self.role]

    def get_id(self) -> str:
        """What Flask-Login keeps in the session."""
        return str(self.id)

    @property
    def permissions(self) -> list[str]:
        """The names of all that the role grants, as far as the token of the request reaches."""
        return sorted(permission for permission in GRANTS[self.role] if self.may(permission))

    def may(self, permission: Permission) -> bool:
        """Whether the role of this person grants `permission`, and the token of the request reaches it."""
        return permission in GRANTS[self.role] and (self.scopes is None or permission in self.scopes)


class SignedInSession(Model):
    """One browser signed in. The token itself is only in the browser's cookie; here is its SHA-256."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    data: Mapped[str] = mapped_column(sa.Text)
    last_seen_at: Mapped[datetime]
    device: Mapped[str] = mapped_column(sa.String(80), default="")
    """Such as `Firefox on Windows`: enough to know one's own."""
    origin: Mapped[str] = mapped_column(sa.String(60), default="")
    """The network the sign-in came from, as coarse as still tells home from abroad."""
    second_factor: Mapped[bool] = mapped_column(default=False)
    """Whether more than a password was proved."""
    stale: Mapped[bool] = mapped_column(default=False)
    """Whether its token is to be replaced at the next request: the role of its user changed."""
    previous_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    """The token before this one, which requests already on their way may still carry for some seconds."""
    rotated_at: Mapped[datetime | None] = mapped_column()

    user: Mapped[User] = relationship()


class _OfAUser(Model):
    """Something that lets one user in, and goes with them."""

    __abstract__ = True

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)


class AccountLink(_OfAUser):
    """A link mailed to a user, good once and not for long. The token is in the mail only."""

    __tablename__ = "account_links"

    purpose: Mapped[LinkPurpose] = mapped_column(TextEnum(LinkPurpose))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[datetime]


class PasswordRequest(Model):
    """Somebody forgot the password of an address, which may be nobody's. Sealed until a worker has looked."""

    __tablename__ = "password_requests"

    address: Mapped[str] = mapped_column(sa.Text)


class RecoveryCode(_OfAUser):
    """A code for the day the phone is lost. Used once, then deleted; shown once, kept hashed."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)


class Passkey(_OfAUser):
    """A key on somebody's device that signs them in (WebAuthn level 3)."""

    __tablename__ = "passkeys"

    name: Mapped[str] = mapped_column(sa.String(100))
    credential_id: Mapped[str] = mapped_column(sa.Text)
    """base64url."""
    credential_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """SHA-256 of the id: it may be longer than an index takes."""
    public_key: Mapped[str] = mapped_column(sa.Text)
    """COSE key, base64url."""
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)
    last_used_at: Mapped[datetime | None] = mapped_column()


class ApiToken(_OfAUser):
    """What a program signs its requests with, in the name of a user and within some of their permissions."""

    __tablename__ = "api_tokens"

    name: Mapped[str] = mapped_column(sa.String(100))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    scopes: Mapped[str] = mapped_column(sa.String(500))
    """Names of permissions, with spaces between them."""
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None] = mapped_column()
    revoked_at: Mapped[datetime | None] = mapped_column()

    user: Mapped[User] = relationship()


class SpentChallenge(Model):
    """A challenge that was answered: it is not taken again while it could be."""

    __tablename__ = "spent_challenges"

    challenge_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInAttempt(Model):
    """An attempt to sign in that failed, or is being judged; `key` is a keyed hash of whose it was."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (sa.Index("ix_sign_in_attempts_key_at", "key", "at"),)

    key: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime] = mapped_column(index=True)
