"""Copies for the archive: what their headers name, kept as JSON in `payload`."""

from __future__ import annotations

import uuid

import msgspec

from leadintake.notifications.models import Notification


class Original(msgspec.Struct, frozen=True):
    """The message that was copied."""

    id: uuid.UUID
    recipient: str


def describe_original(message_id: uuid.UUID, recipient: str) -> str:
    """Return the payload of a copy."""
    return msgspec.json.encode(Original(message_id, recipient)).decode()


def read_original(notification: Notification) -> Original:
    """Return the message that this one copies; of any other the message itself."""
    if notification.kind == "reply_copy" and notification.payload:
        return msgspec.json.decode(notification.payload, type=Original)
    return Original(notification.id, notification.recipient)
