"""JSON schemas of ethical walls."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec

from leadintake.auth.schemas import UserSummary
from leadintake.leads.models import Screen
from leadintake.leads.schemas import Words


class ScreenChange(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to bar from a lead, and why, in 1 to 500 characters."""

    user_id: uuid.UUID
    notice: Words


class ScreenView(msgspec.Struct):
    """Somebody barred from a lead, and why. `set_by` is the address of who said so, or `operator`."""

    user: UserSummary
    notice: str
    set_by: str
    set_at: datetime

    @classmethod
    def of(cls, screen: Screen) -> ScreenView:
        """Convert a screen."""
        user = msgspec.convert(screen.user, UserSummary, from_attributes=True)
        return cls(user, screen.notice, screen.set_by, screen.updated_at)


class ScreenList(msgspec.Struct):
    """Everybody barred from a lead, in the order in which they were."""

    items: list[ScreenView]
