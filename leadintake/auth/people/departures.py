"""Event of a user who may not have open leads any more, and the assignment lock."""

from __future__ import annotations

import uuid

import msgspec

from leadintake.auth.actor import Actor
from leadintake.auth.models import User
from leadintake.core.db import locks
from leadintake.core.hooks import Event

LOCK = "assignment"


class UserDeparted(msgspec.Struct, frozen=True):
    """A user was deactivated, is absent from today on, or changed to a role without leads."""

    user_id: uuid.UUID
    reason: str
    """A sentence."""
    actor: Actor


user_departed = Event("user_departed", UserDeparted)


def lock_assignment() -> None:
    """Take the assignment lock until the transaction ends: no lead arrives or is reassigned meanwhile.

    Lock order: this lock, then rows of users.
    """
    locks.acquire(LOCK)


def announce(user: User, reason: str, *, actor: Actor) -> None:
    """Send `user_departed` with a reason (a sentence). The caller holds the assignment lock."""
    user_departed.send(UserDeparted(user.id, reason, actor))
