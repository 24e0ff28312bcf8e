"""Interface of delivery channels, and the failures they raise.

A new mail channel is one file like smtp.py and one line in `Notifications.init_app`. A channel for messages
other than mail is one file and one line that registers it under its name.
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
    """Base of all failures of a channel."""

    result: ClassVar[str]
    """Value of `result` in the log line `delivery`."""


class ChannelDown(DeliveryError):
    """The channel cannot be used. No attempt is counted against any message."""

    result = "channeldown"

    def __init__(self, words: str, step: SmtpStep = SmtpStep.CONNECT) -> None:
        super().__init__(words)
        self.step = step


class TransientFailure(DeliveryError):
    """Transient failure of one message (4yz, RFC 5321, 4.2.1): a later attempt may succeed."""

    result = "deferred"


class DeliveryInterruption(DeliveryError):
    """Loss of the connection during delivery. The message may or may not be the cause."""

    result = "interrupted"
    step = SmtpStep.DATA
    final = False


class PermanentFailure(DeliveryError):
    """Permanent failure of one message (5yz, RFC 5321, 4.2.1): it is not tried again."""

    result = "refused"


class UnclearFailure(PermanentFailure):
    """Refusal whose cause the reply does not tell; refusals.py decides from earlier deliveries.

    `final`: the reply was 5yz, so the failure is permanent if the message is the cause.
    """

    result = "doubtful"

    def __init__(self, words: str, step: SmtpStep, *, final: bool = True) -> None:
        super().__init__(words)
        self.step = step
        self.final = final


class SenderBlocked(DeliveryError):
    """Refusal of the sender, transient or permanent: it concerns every message and counts against none."""

    result = "blocked"

    def __init__(self, words: str, step: SmtpStep) -> None:
        super().__init__(words)
        self.step = step


class Sender(Protocol):
    """Open channel."""

    def deliver(self, notification: Notification) -> str:
        """Deliver one message and return the reply of the server.

        Raises Interrupted, Deferred, Blocked or Refused.
        """

    def is_open(self) -> bool:
        """Whether another message can be delivered without opening the channel again."""

    def has_smtputf8(self) -> bool:
        """Whether the local part of an address may be non-ASCII (SMTPUTF8, RFC 6531)."""

    def check(self) -> None:
        """Raise ChannelDown unless a message would be accepted; send none."""


class Channel(Protocol):
    """Means of delivery."""

    def open(self) -> AbstractContextManager[Sender]:
        """Open the channel for a batch of messages. Raises ChannelDown."""


def register_channel(app: Flask, name: str, channel: Channel) -> None:
    """Deliver messages whose `channel` column has this name through this channel."""
    app.extensions.setdefault(CHANNELS, {})[name] = channel


def get_channels() -> Mapping[str, Channel]:
    """Return the channels of the current application by name."""
    found: Mapping[str, Channel] = current_app.extensions[CHANNELS]
    return found


def extract_domain(url: str) -> str:
    """Return the host of a URL as a mail domain: IDNA for names, an address literal for IPv6."""
    host = urlsplit(url).hostname or "localhost"
    if ":" in host:
        return f"[IPv6:{host}]"  # RFC 5321, 4.1.3
    return host if host.isascii() else host.encode("idna").decode("ascii")
