"""Tables of the room: users, sessions and credentials."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leadintake.auth.permissions import GRANTS, Permission, Role
from leadintake.core.db.database import Model, SoftDeletes
from leadintake.core.db.types import TextEnum


class LinkPurpose(StrEnum):
    """Purpose of a mailed link."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - the name of a purpose


class User(SoftDeletes, Model):
    """A person of the firm."""

    __tablename__ = "users"
    __allow_unmapped__ = True  # for `scopes`, an attribute of the request, not a column

    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    """Casefolded."""
    name: Mapped[str] = mapped_column(sa.String(100))
    role: Mapped[Role] = mapped_column(TextEnum(Role))
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)
    can_intake: Mapped[bool] = mapped_column(default=False)
    """Whether new leads may be assigned."""
    timezone: Mapped[str | None] = mapped_column(sa.String(64))
    """Name of the time zone of their pages; None: the firm's."""
    muted_mails: Mapped[str | None] = mapped_column(sa.String(200))
    """Kinds of mail that they switched off, with spaces between (people/preferences.py)."""
    single_keys: Mapped[bool] = mapped_column(default=True, server_default=sa.true())
    """Whether single keys act on their pages."""
    unread_since: Mapped[datetime | None] = mapped_column()
    """Leads that arrived before are not marked as unread; None: before they became a user."""
    joined_at: Mapped[datetime | None] = mapped_column()
    """First sign-in of an invited user; None before."""
    totp_secret: Mapped[str | None] = mapped_column(sa.String(255))
    """Authenticator secret, sealed (core/crypto.py)."""
    totp_since: Mapped[datetime | None] = mapped_column()
    """When the first valid code activated the app; None: no app."""
    totp_last_step: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    """Time step of the last accepted code: only later ones are accepted."""

    is_authenticated = True
    is_anonymous = False
    scopes: frozenset[str] | None = None
    """Permissions of the request's API token. No column."""

    @property
    def is_active(self) -> bool:
        """Required by Flask-Login."""
        return self.active

    @property
    def is_here(self) -> bool:
        """Return whether the user is active and joined: an invitation may be misaddressed."""
        return self.active and self.joined_at is not None

    @property
    def works_on_leads(self) -> bool:
        """Return whether leads may be assigned."""
        return self.is_here and Permission.UPDATE_LEADS in GRANTS[self.role]

    def get_id(self) -> str:
        """Required by Flask-Login."""
        return str(self.id)

    @property
    def permissions(self) -> list[str]:
        """The role's permissions, limited by the token's scopes."""
        return sorted(permission for permission in GRANTS[self.role] if self.may(permission))

    def may(self, permission: Permission) -> bool:
        """Return whether role and token scopes include `permission`."""
        return permission in GRANTS[self.role] and (self.scopes is None or permission in self.scopes)


class SignedInSession(Model):
    """A signed-in browser. The cookie holds the token, the row its SHA-256."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    data: Mapped[str] = mapped_column(sa.Text)
    last_seen_at: Mapped[datetime]
    device: Mapped[str] = mapped_column(sa.String(80), default="")
    """Such as `Firefox on Windows`."""
    origin: Mapped[str] = mapped_column(sa.String(60), default="")
    """Client network at sign-in, /16 or IPv6 /32."""
    second_factor: Mapped[bool] = mapped_column(default=False)
    """Whether a second factor was verified."""
    stale: Mapped[bool] = mapped_column(default=False)
    """Whether the next request rotates the token, after a change of role."""
    previous_hash: Mapped[str | None] = mapped_column(sa.String(64), index=True)
    """Hash of the token before, accepted for interface.GRACE."""
    rotated_at: Mapped[datetime | None] = mapped_column()

    user: Mapped[User] = relationship()


class _Credential(Model):
    """Deleted with its user."""

    __abstract__ = True

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)


class AccountLink(_Credential):
    """A mailed link: single use, short-lived. The row holds the token's SHA-256."""

    __tablename__ = "account_links"

    purpose: Mapped[LinkPurpose] = mapped_column(TextEnum(LinkPurpose))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[datetime]


class PasswordRequest(Model):
    """A request to reset a password, with its sealed address, until a worker handles it."""

    __tablename__ = "password_requests"

    address: Mapped[str] = mapped_column(sa.Text)


class RecoveryCode(_Credential):
    """A hashed single-use code. Deleted after use."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)


class Passkey(_Credential):
    """A WebAuthn level 3 credential."""

    __tablename__ = "passkeys"

    name: Mapped[str] = mapped_column(sa.String(100))
    credential_id: Mapped[str] = mapped_column(sa.Text)
    """base64url."""
    credential_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """SHA-256 of the id, which can be too long for an index."""
    public_key: Mapped[str] = mapped_column(sa.Text)
    """COSE key, base64url."""
    sign_count: Mapped[int] = mapped_column(sa.BigInteger)
    last_used_at: Mapped[datetime | None] = mapped_column()


class ApiToken(_Credential):
    """A program's bearer token: acts as a user with some of their permissions."""

    __tablename__ = "api_tokens"

    name: Mapped[str] = mapped_column(sa.String(100))
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    scopes: Mapped[str] = mapped_column(sa.String(500))
    """Space-separated permissions."""
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None] = mapped_column()
    revoked_at: Mapped[datetime | None] = mapped_column()

    user: Mapped[User] = relationship()


class SpentChallenge(Model):
    """A used challenge, stored while a replay is possible."""

    __tablename__ = "spent_challenges"

    challenge_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SignInAttempt(Model):
    """A failed or unfinished sign-in. `key`: keyed hash of the throttled subject."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (sa.Index("ix_sign_in_attempts_key_at", "key", "at"),)

    key: Mapped[str] = mapped_column(sa.String(64))
    at: Mapped[datetime] = mapped_column(index=True)
