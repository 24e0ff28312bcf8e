"""Interface of delivery channels, and their failures.

A new mail channel is a file like smtp.py and a line in `Notifications.init_app`; another channel is a file
and a line that registers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from flask import Flask, current_app

from leadintake.notifications.faults import SmtpStep
from leadintake.notifications.models import Notification

SEAL_PURPOSE, CHANNELS = "mail", "leadintake.channels"


class DeliveryError(Exception):
    """Failure of a channel."""

    result: ClassVar[str]
    """As in the log line `delivery`."""


class ChannelDown(DeliveryError):
    """The channel cannot be used. Counts against no message."""

    result = "channeldown"

    def __init__(self, words: str, step: SmtpStep = SmtpStep.CONNECT) -> None:
        super().__init__(words)
        self.step = step


class TransientFailure(DeliveryError):
    """Transient failure of one message (4yz, RFC 5321, 4.2.1)."""

    result = "deferred"


class DeliveryInterruption(DeliveryError):
    """Loss of the connection during delivery, perhaps because of the message."""

    result = "interrupted"
    step = SmtpStep.DATA
    final = False


class PermanentFailure(DeliveryError):
    """Permanent failure of one message (5yz, RFC 5321, 4.2.1)."""

    result = "refused"


class UnclearFailure(PermanentFailure):
    """Refusal of sender or message: the reply does not tell which, refusals.py decides. `final`: 5yz."""

    result = "doubtful"

    def __init__(self, words: str, step: SmtpStep, *, final: bool = True) -> None:
        super().__init__(words)
        self.step = step
        self.final = final


class SenderBlocked(DeliveryError):
    """Refusal of the sender, transient or permanent. Counts against no message."""

    result = "blocked"

    def __init__(self, words: str, step: SmtpStep) -> None:
        super().__init__(words)
        self.step = step


class Sender(Protocol):
    """An open channel."""

    def deliver(self, notification: Notification) -> str:
        """Deliver one message; return the server's reply. Raises DeliveryError, except ChannelDown."""

    def is_open(self) -> bool:
        """Return whether another message can be delivered."""

    def has_smtputf8(self) -> bool:
        """Return whether local parts of addresses may be non-ASCII (SMTPUTF8, RFC 6531)."""

    def check(self) -> None:
        """Raise ChannelDown unless a message would be accepted. Send none."""


class Channel(Protocol):
    """A means of delivery."""

    def open(self) -> AbstractContextManager[Sender]:
        """Open the channel for several messages. Raises ChannelDown."""


def register_channel(app: Flask, name: str, channel: Channel) -> None:
    """Deliver messages with this `channel` name through it."""
    app.extensions.setdefault(CHANNELS, {})[name] = channel


def get_channels() -> Mapping[str, Channel]:
    """Return the application's channels by name."""
    found: Mapping[str, Channel] = current_app.extensions[CHANNELS]
    return found


def extract_domain(url: str) -> str:
    """Return the host of a URL as a mail domain: IDNA, or an address literal for IPv6."""
    host = urlsplit(url).hostname or "localhost"
    if ":" in host:
        return f"[IPv6:{host}]"  # RFC 5321, 4.1.3
    return host if host.isascii() else host.encode("idna").decode("ascii")
