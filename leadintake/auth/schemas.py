"""JSON schemas of the room."""

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
    """A user, as shown to colleagues."""

    id: uuid.UUID
    name: str
    email: str


class UserDetail(msgspec.Struct):
    """A user with permissions."""

    id: uuid.UUID
    name: str
    email: str
    role: str
    active: bool
    can_intake: bool
    permissions: list[str]

    @classmethod
    def of(cls, user: User) -> UserDetail:
        """Convert a user."""
        return msgspec.convert(user, cls, from_attributes=True)


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """Credentials for password sign-in."""

    email: Annotated[str, msgspec.Meta(max_length=1024)]
    password: Password
    otp: Code | None = None


class SessionView(msgspec.Struct):
    """The signed-in user, and the CSRF token for unsafe requests."""

    user: UserDetail
    csrf_token: str


class SessionSummary(msgspec.Struct):
    """A signed-in browser."""

    id: uuid.UUID
    device: str
    origin: str
    """Client network at sign-in, deliberately coarse."""
    created_at: datetime
    last_seen_at: datetime
    current: bool

    @classmethod
    def of(cls, row: SignedInSession, *, current: bool) -> SessionSummary:
        """Convert a session."""
        return cls(row.id, row.device, row.origin, row.created_at, row.last_seen_at, current)


class SessionList(msgspec.Struct):
    """One's own sessions, last used first."""

    items: list[SessionSummary]


class UserList(msgspec.Struct):
    """All users, by name."""

    items: list[UserDetail]


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    """A user to invite."""

    email: Annotated[str, msgspec.Meta(max_length=254)]
    name: Text100
    role: Role
    can_intake: bool | None = None
    """Whether new leads may be assigned. Default: attorneys only."""


class UserPatch(msgspec.Struct, forbid_unknown_fields=True):
    """Changes of a user. Omitted fields stay."""

    name: Text100 | msgspec.UnsetType = msgspec.UNSET
    email: Annotated[str, msgspec.Meta(max_length=254)] | msgspec.UnsetType = msgspec.UNSET
    role: Role | msgspec.UnsetType = msgspec.UNSET
    can_intake: bool | msgspec.UnsetType = msgspec.UNSET
    active: bool | msgspec.UnsetType = msgspec.UNSET


class Forgotten(msgspec.Struct, forbid_unknown_fields=True):
    """Address of a forgotten password."""

    email: Annotated[str, msgspec.Meta(max_length=1024)]


class ChosenPassword(msgspec.Struct, forbid_unknown_fields=True):
    """A password chosen with a mailed link."""

    token: Annotated[str, msgspec.Meta(max_length=200)]
    password: Password
    end_tokens: bool = False
    """Whether to revoke API tokens too, in case the old password leaked."""


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    """A change of one's own password."""

    current_password: Password
    new_password: Password


class TimeZoneGiven(msgspec.Struct, forbid_unknown_fields=True):
    """The time zone of one's pages. Without it: the firm's."""

    timezone: Annotated[str, msgspec.Meta(max_length=64)] = ""


class PreferencesGiven(msgspec.Struct, forbid_unknown_fields=True):
    """Which mails one gets, and whether single keys act. What is not there is switched off."""

    email_corrected: bool = False
    follow_up_due: bool = False
    leads_moved: bool = False
    quarantine_digest: bool = False
    single_keys: bool = False

    def mails(self) -> list[str]:
        """Return the kinds of mail that are switched on."""
        chosen: dict[str, bool] = msgspec.structs.asdict(self)
        return [name for name, is_on in chosen.items() if is_on and name != "single_keys"]


class SecondFactorView(msgspec.Struct):
    """One's second factors."""

    app: bool
    """Whether an authenticator app is set up."""
    recovery_codes_left: int
    required: bool
    """Whether the role requires a second factor."""


class NewSecret(msgspec.Struct):
    """An authenticator secret. `uri`: content of the QR code."""

    secret: str
    uri: str


class CodeGiven(msgspec.Struct, forbid_unknown_fields=True):
    """An authenticator code."""

    code: Code


class RecoveryCodes(msgspec.Struct):
    """Single-use codes for a lost phone, shown once."""

    recovery_codes: list[str]


class PasskeyView(msgspec.Struct):
    """A passkey."""

    id: uuid.UUID
    name: str
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, row: Passkey) -> PasskeyView:
        """Convert a passkey."""
        return msgspec.convert(row, cls, from_attributes=True)


class PasskeyList(msgspec.Struct):
    """One's own passkeys, oldest first."""

    items: list[PasskeyView]
