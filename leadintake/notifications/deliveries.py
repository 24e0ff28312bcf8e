"""A line in the log, and a span, for every delivery: whichever channel it takes, whatever comes of it.

The line has no address and none of the server's words, which repeat addresses: `flask outbox prove` shows
them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from leadintake.core import tracing
from leadintake.notifications import channels
from leadintake.notifications.channels import Channel, Sender
from leadintake.notifications.models import Notification

log = structlog.get_logger()


class ObservedChannel:
    """A channel, a line a delivery."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    @contextmanager
    def opened(self) -> Iterator[Sender]:
        """Open it."""
        with self._channel.opened() as sender:
            yield ObservedSender(sender)


class ObservedSender:
    """An open way, a line a delivery."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def deliver(self, notification: Notification) -> str:
        """Deliver, and say what came of it: `sent`, the name of what a channel raised, or `broken`."""
        begun = time.perf_counter()
        span = tracing.begin("consumer", parent=notification.traceparent)
        result = "broken"
        try:
            with structlog.contextvars.bound_contextvars(request_id=notification.request_id), span.active():
                reply = self._sender.deliver(notification)
            result = "sent"
        except Exception as error:
            kind = type(error)
            result = kind.__name__.lower() if kind.__module__ == channels.__name__ else "broken"
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
            log.info("delivery", **facts, ms=round((time.perf_counter() - begun) * 1000, 1))
            span.end(f"deliver {notification.kind}", failed=result != "sent", **facts)

    def usable(self) -> bool:
        """Whether the way is still open for another message."""
        return self._sender.usable()

    def check(self) -> None:
        """Begin with a message and take it back."""
        self._sender.check()

    def takes_utf8(self) -> bool:
        """Whether an address may have other letters than ASCII's before its @."""
        return self._sender.takes_utf8()
