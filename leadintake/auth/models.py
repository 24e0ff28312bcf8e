"""Tables of the room: users and their sessions."""

from __future__ import annotations

import uuid
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leadintake.auth.permissions import GRANTS, Permission, Role
from leadintake.core.database import Model, SoftDeletes
from leadintake.core.types import TextEnum


class User(SoftDeletes, Model):
    """Somebody of the firm who may sign in."""

    __tablename__ = "users"

    email: Mapped[str] = mapped_column(sa.String(254), unique=True)
    """Folded to lower case: people do not remember how they wrote it."""
    name: Mapped[str] = mapped_column(sa.String(100))
    role: Mapped[Role] = mapped_column(TextEnum(Role))
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    active: Mapped[bool] = mapped_column(default=True)
    can_intake: Mapped[bool] = mapped_column(default=False)
    """Whether new leads may be assigned to this person."""

    is_authenticated = True
    is_anonymous = False

    @property
    def is_active(self) -> bool:
        """What Flask-Login asks."""
        return self.active

    def get_id(self) -> str:
        """What Flask-Login keeps in the session."""
        return str(self.id)

    @property
    def permissions(self) -> list[str]:
        """The names of all that the role grants."""
        return sorted(GRANTS[self.role])

    def may(self, permission: Permission) -> bool:
        """Whether the role of this person grants `permission`."""
        return permission in GRANTS[self.role]


class SignedInSession(Model):
    """One browser signed in. The token itself is only in the browser's cookie; here is its SHA-256."""

    __tablename__ = "sessions"

    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    data: Mapped[str] = mapped_column(sa.Text)
    last_seen_at: Mapped[datetime]

    user: Mapped[User] = relationship()
