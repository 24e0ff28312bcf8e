"""The room as JSON."""

from __future__ import annotations

import uuid
from typing import Annotated

import msgspec

from leadintake.auth.models import User


class UserSummary(msgspec.Struct):
    """A person, as much as a colleague needs."""

    id: uuid.UUID
    name: str
    email: str


class UserDetail(msgspec.Struct):
    """A person and what they may do."""

    id: uuid.UUID
    name: str
    email: str
    role: str
    active: bool
    can_intake: bool
    permissions: list[str]

    @classmethod
    def of(cls, user: User) -> UserDetail:
        """All of a user that is shown."""
        return msgspec.convert(user, cls, from_attributes=True)


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What signs somebody in."""

    email: Annotated[str, msgspec.Meta(max_length=1024)]
    password: Annotated[str, msgspec.Meta(max_length=1024)]
    otp: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class SessionView(msgspec.Struct):
    """Who is signed in, and the token that unsafe requests must carry."""

    user: UserDetail
    csrf_token: str
