"""Log line and trace span of every delivery.

The line has neither the address nor the reply, which often repeats it; `flask outbox prove` shows both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from leadintake.core import tracing
from leadintake.notifications.channels.interface import Channel, DeliveryError, Sender
from leadintake.notifications.models import Notification

log = structlog.get_logger()


class ObservedChannel:
    """A channel with logged deliveries."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    @contextmanager
    def open(self) -> Iterator[Sender]:
        """Open the channel. Raises ChannelDown."""
        with self._channel.open() as sender:
            yield ObservedSender(sender)


class ObservedSender:
    """A sender with logged deliveries."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def deliver(self, notification: Notification) -> str:
        """Deliver, and log `sent`, the `result` of the DeliveryError, or `broken`."""
        start = time.perf_counter()
        span = tracing.begin("consumer", parent=notification.traceparent)
        result = "broken"
        try:
            with structlog.contextvars.bound_contextvars(request_id=notification.request_id), span.active():
                reply = self._sender.deliver(notification)
            result = "sent"
        except DeliveryError as error:
            result = error.result
            raise
        else:
            return reply
        finally:
            facts: dict[str, str | int | None] = {
                "message": str(notification.id),
                "kind": notification.kind,
                "result": result,
                "attempts": notification.attempts,
                "request_id": notification.request_id,
            }
            log.info("delivery", **facts, ms=round((time.perf_counter() - start) * 1000, 1))
            span.end(f"deliver {notification.kind}", failed=result != "sent", **facts)

    def is_open(self) -> bool:
        """Return whether another message can be delivered."""
        return self._sender.is_open()

    def has_smtputf8(self) -> bool:
        """Return whether local parts of addresses may be non-ASCII."""
        return self._sender.has_smtputf8()

    def check(self) -> None:
        """Raise ChannelDown unless a message would be accepted."""
        self._sender.check()
