"""What a way for messages to leave must do.

A new way is one file like smtp.py and one line in `Notifications.init_app`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol
from urllib.parse import urlsplit

from leadintake.notifications.faults import Step
from leadintake.notifications.models import Notification

SEALED_FOR = "mail"


class ChannelDown(Exception):
    """The way itself is closed: no message's fault, and none is counted against it."""

    def __init__(self, words: str, step: Step = Step.CONNECT) -> None:
        super().__init__(words)
        self.step = step


class Deferred(Exception):
    """Not taken now; a later attempt may succeed."""


class Interrupted(Exception):
    """The way broke off under the message, which may or may not be at fault."""


class Refused(Exception):
    """Never to be delivered as it is."""


class Doubtful(Refused):
    """Refused for good, and unclear whose fault that is: experience decides (refusals.py)."""

    def __init__(self, words: str, step: Step) -> None:
        super().__init__(words)
        self.step = step


class Blocked(Exception):
    """Refused, now or for good, through our fault: no message gets through, and none is charged."""

    def __init__(self, words: str, step: Step) -> None:
        super().__init__(words)
        self.step = step


class Sender(Protocol):
    """An open way."""

    def deliver(self, notification: Notification) -> str:
        """Hand the message over and return what the other side said.

        Raises Interrupted, Deferred, Blocked or Refused.
        """

    def usable(self) -> bool:
        """Whether the way is still open for another message."""

    def check(self) -> None:
        """Raise ChannelDown unless a message would be begun with: none is sent."""

    def takes_utf8(self) -> bool:
        """Whether an address may have other letters than ASCII's before its @ (RFC 6531)."""


class Channel(Protocol):
    """A way that can be opened. Raises ChannelDown when it cannot."""

    def opened(self) -> AbstractContextManager[Sender]:
        """Open it for a batch of messages."""


def domain_of(url: str) -> str:
    """The host of a URL as the mail system writes it."""
    host = urlsplit(url).hostname or "localhost"
    if ":" in host:
        return f"[IPv6:{host}]"  # RFC 5321, 4.1.3
    return host if host.isascii() else host.encode("idna").decode("ascii")
