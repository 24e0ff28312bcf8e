"""The room as JSON."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from leadintake.auth.models import Passkey, SignedInSession, User
from leadintake.auth.permissions import Role

Text100 = Annotated[str, msgspec.Meta(max_length=100)]
Password = Annotated[str, msgspec.Meta(max_length=1024)]
Code = Annotated[str, msgspec.Meta(max_length=64)]


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
    password: Password
    otp: Code | None = None


class SessionView(msgspec.Struct):
    """Who is signed in, and the token that unsafe requests must carry."""

    user: UserDetail
    csrf_token: str


class SessionSummary(msgspec.Struct):
    """A browser somebody is signed in with."""

    id: uuid.UUID
    device: str
    origin: str
    """The network the sign-in came from, coarse on purpose."""
    created_at: datetime
    last_seen_at: datetime
    current: bool

    @classmethod
    def of(cls, row: SignedInSession, *, current: bool) -> SessionSummary:
        """One line of the list."""
        return cls(row.id, row.device, row.origin, row.created_at, row.last_seen_at, current)


class SessionList(msgspec.Struct):
    """Somebody's own sessions, the last used first."""

    items: list[SessionSummary]


class UserList(msgspec.Struct):
    """Everybody, by name."""

    items: list[UserDetail]


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to invite."""

    email: Annotated[str, msgspec.Meta(max_length=254)]
    name: Text100
    role: Role
    can_intake: bool | None = None
    """Whether new leads may go to them; without it: attorneys yes, others no."""


class UserPatch(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of a user; what is left out stays."""

    name: Text100 | msgspec.UnsetType = msgspec.UNSET
    role: Role | msgspec.UnsetType = msgspec.UNSET
    can_intake: bool | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET


class Forgotten(msgspec.Struct, forbid_unknown_fields=True):
    """Whose password was forgotten."""

    email: Annotated[str, msgspec.Meta(max_length=1024)]


class ChosenPassword(msgspec.Struct, forbid_unknown_fields=True):
    """A password chosen with the link from a mail."""

    token: Annotated[str, msgspec.Meta(max_length=200)]
    password: Password
    end_tokens: bool = False
    """Whether one's API tokens end as well: where somebody else may have had the password."""


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    """One's own password, changed."""

    current_password: Password
    new_password: Password


class SecondFactorView(msgspec.Struct):
    """What somebody proves beside a password."""

    app: bool
    """Whether an authenticator app is set up."""
    recovery_codes_left: int
    required: bool
    """Whether their role must prove a second factor."""


class NewSecret(msgspec.Struct):
    """The secret for an authenticator app. `uri` is what the app reads from a QR code."""

    secret: str
    uri: str


class CodeGiven(msgspec.Struct, forbid_unknown_fields=True):
    """A code of an authenticator app."""

    code: Code


class RecoveryCodes(msgspec.Struct):
    """Codes for the day the phone is lost, each good once. They are shown this once."""

    recovery_codes: list[str]


class PasskeyView(msgspec.Struct):
    """A passkey."""

    id: uuid.UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: Passkey) -> PasskeyView:
        """What is shown of it."""
        return msgspec.convert(row, cls, from_attributes=True)


class PasskeyList(msgspec.Struct):
    """Somebody's own passkeys, the oldest first."""

    items: list[PasskeyView]
