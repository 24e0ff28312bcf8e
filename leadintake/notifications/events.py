"""Events about messages that fail permanently."""

from __future__ import annotations

import uuid

import msgspec

from leadintake.core.hooks import Event


class MessageFailing(msgspec.Struct, frozen=True):
    """A message is about to fail permanently; listeners take their locks now."""

    lead_id: uuid.UUID | None


class MessageFailed(msgspec.Struct, frozen=True):
    """A message failed permanently."""

    message_id: uuid.UUID
    kind: str
    subject: str
    recipient: str
    lead_id: uuid.UUID | None
    error: str


message_failing = Event("message_failing", MessageFailing)
"""Sent before the message is locked, to keep the general order of locks."""
message_failed = Event("message_failed", MessageFailed)
"""Sent in the transaction that records the failure. Listen in a savepoint or after the commit: the failure
must be recorded whatever a listener does, else the message would be tried without end."""
