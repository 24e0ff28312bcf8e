"""What a way for messages to leave must do, and the message as it leaves.

A new way is one file like smtp.py and one line in `Notifications.init_app`.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from email.policy import SMTP
from typing import Protocol
from urllib.parse import urlsplit

from email_validator import validate_email
from flask import current_app
from flask_mail import Message

from leadintake.core.keys import Unreadable, unseal
from leadintake.notifications.faults import Step
from leadintake.notifications.messages import OPTIONAL, SECRET, unsubscribe_link
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

    def takes_utf8(self) -> bool:
        """Whether an address may have other letters than ASCII's before its @ (RFC 6531)."""

    def check(self) -> None:
        """Raise ChannelDown unless a message would be begun with: none is sent."""


class Channel(Protocol):
    """A way that can be opened. Raises ChannelDown when it cannot."""

    def opened(self) -> AbstractContextManager[Sender]:
        """Open it for a batch of messages."""


class Letter(Message):
    """A message whose headers stay as they are written.

    Python would encode a long link as if it were words (RFC 2047), which no mail program undoes. Ours are
    far below the 998 bytes a line may have (RFC 5322, 2.1.1).
    """

    def as_bytes(self) -> bytes:
        """The message as it goes over the wire."""
        written = self._message()
        written.policy = SMTP.clone(refold_source="none")
        return bytes(written.as_bytes())


def as_message(notification: Notification) -> Message:
    """The message to send: the same words, date and Message-ID at every attempt."""
    recipient = _in_ascii(notification.recipient)
    headers = {"Auto-Submitted": "auto-generated"}  # RFC 3834: no out-of-office answers, please
    if notification.kind in OPTIONAL:
        headers["List-Unsubscribe"] = f"<{_link_in_ascii(unsubscribe_link(notification.id))}>"  # RFC 2369
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    message = Letter(
        subject=notification.subject,
        recipients=[recipient],
        body=_opened(notification, notification.text),
        html=_opened(notification, notification.html),
        date=notification.created_at.timestamp(),
        charset="utf-8",
        extra_headers=headers,
    )
    message.msgId = f"<{notification.id}@{domain_of(current_app.config['PUBLIC_URL'])}>"
    return message


def _opened(notification: Notification, words: str) -> str:
    """Words that wait sealed, as they are to be sent. Raises Refused where the key is lost."""
    if notification.kind not in SECRET:
        return words
    try:
        return unseal(SEALED_FOR, words)
    except Unreadable as error:
        raise Refused(str(error)) from error


def _in_ascii(address: str) -> str:
    """The address as the mail system writes it. Raises Refused where it cannot."""
    if address.isascii():
        return address
    written = validate_email(address, check_deliverability=False, test_environment=True).ascii_email
    if written is None:
        raise Refused(f"{address} needs a mail server with SMTPUTF8, which is not supported")
    return written


def _link_in_ascii(link: str) -> str:
    scheme, _, rest = link.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.encode('idna').decode('ascii')}{slash}{path}"


def domain_of(url: str) -> str:
    """The host of a URL as the mail system writes it."""
    host = urlsplit(url).hostname or "localhost"
    if ":" in host:
        return f"[IPv6:{host}]"  # RFC 5321, 4.1.3
    return host if host.isascii() else host.encode("idna").decode("ascii")
