"""Events about messages that fail permanently."""

from __future__ import annotations

import uuid

import msgspec

from leadintake.core.hooks import Event


class MessageFailing(msgspec.Struct, frozen=True):
    """A message is about to fail permanently."""

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
"""Sent before the message is locked: listeners take locks that come first."""
message_failed = Event("message_failed", MessageFailed)
"""Sent in the transaction that records the failure. Listen in a savepoint or after the commit: an error of a
listener must not undo the record, else the message is tried without end."""
