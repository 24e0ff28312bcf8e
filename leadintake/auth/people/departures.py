"""Event for users who stop working on leads. Listeners reassign leads in the same transaction."""

from __future__ import annotations

import uuid

import msgspec

from leadintake.auth.actor import Actor
from leadintake.auth.models import User
from leadintake.core.db import locks
from leadintake.core.hooks import Event

LOCK = "assignment"


class UserDeparted(msgspec.Struct, frozen=True):
    """A user was deactivated, is absent from today, or lost the role to work on leads."""

    user_id: uuid.UUID
    reason: str
    """A sentence."""
    actor: Actor


user_departed = Event("user_departed", UserDeparted)


def lock_assignment() -> None:
    """Lock assignment until the transaction ends: no lead arrives or is reassigned.

    Lock order: this lock first, then rows of users, as in submissions.
    """
    locks.acquire(LOCK)


def announce(user: User, reason: str, *, actor: Actor) -> None:
    """Send `user_departed` with a reason (a sentence). The caller holds the lock."""
    user_departed.send(UserDeparted(user.id, reason, actor))
