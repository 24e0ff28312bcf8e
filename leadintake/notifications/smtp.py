"""Messages leave over SMTP."""

from __future__ import annotations

import contextlib
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parseaddr
from typing import Any, cast

from flask import current_app
from flask_mail import Connection, Mail

from leadintake.notifications.channels import (
    Blocked,
    ChannelDown,
    Deferred,
    Doubtful,
    Interrupted,
    Refused,
    domain_of,
)
from leadintake.notifications.faults import Fault, Step, judge
from leadintake.notifications.letters import Letter, as_message
from leadintake.notifications.models import Notification
from leadintake.notifications.replies import error_words, reply_words

OPENING_SECONDS = 50
DELIVERY_SECONDS = 50
"""A conversation about one message: under the lease, however slowly the server talks."""
PARTING_SECONDS = 5
LEAVING = 421
NUMBER = re.compile(r"\d{1,3}(\.\d{1,3}){3}", re.ASCII)
"""An IPv4 address, which is greeted with in brackets (RFC 5321, 4.1.3)."""


class _Bounded:
    """A conversation that remembers what was said to the message, and ends in time.

    The timeout of a socket is one of each read: a server that sends a byte now and then outlasts it.
    """

    sock: socket.socket | None
    said = b""
    last_reply = ""

    def connect(self, *arguments: Any, **named: Any) -> Any:
        with self.within(OPENING_SECONDS):
            return super().connect(*arguments, **named)  # type: ignore[misc] # a mixin over smtplib.SMTP

    def getreply(self) -> tuple[int, bytes]:
        code, text = super().getreply()  # type: ignore[misc] # the same
        self.last_reply = reply_words(code, text)
        return code, text

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, text = super().data(msg)  # type: ignore[misc] # the same
        self.said = b"%d %s" % (code, text)
        return code, text

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Cut the connection if what happens inside takes longer."""
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        if self.sock is not None:
            with contextlib.suppress(OSError):  # it was closed meanwhile
                # Not the shutdown of a TLS socket, which would take part in the conversation.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _Smtp(_Bounded, smtplib.SMTP):
    pass


class _SmtpOverTls(_Smtp, smtplib.SMTP_SSL):
    pass


class VerifiedConnection(Connection):
    """Flask-Mail's connection, with a timeout on every step and the server's certificate verified.

    `replies` has what the server said at each step that it let us take, `step` is the last one begun.
    """

    def __init__(self, mail: Mail) -> None:
        super().__init__(mail)
        self.step = Step.CONNECT
        self.replies: dict[Step, str] = {}

    def send(self, message: Letter, envelope_from: str | tuple[str, str] | None = None) -> None:  # type: ignore[override] # ours alone
        """As Flask-Mail's, which knows no address whose part before the @ is not ASCII."""
        if not message.needs_smtputf8 or self.host is None:
            super().send(message, envelope_from)
            return
        options = ("SMTPUTF8", "BODY=8BITMIME")  # RFC 6531, 3.4 and 3.6
        self.host.sendmail(str(message.sender), str(message.recipients[0]), message.as_bytes(), options)

    def configure_host(self) -> _Smtp:
        """Connect, greet, secure, sign in."""
        mail, config = self.mail, current_app.config
        context = ssl.create_default_context()
        options: dict[str, Any] = {"timeout": config["MAIL_TIMEOUT"], "local_hostname": ehlo_name()}
        if mail.use_ssl:
            host: _Smtp = _SmtpOverTls(mail.server, mail.port, context=context, **options)
        else:
            host = _Smtp(mail.server, mail.port, **options)
        try:
            with host.within(OPENING_SECONDS):
                self._begin(host, Step.EHLO)
                host.ehlo_or_helo_if_needed()  # a server that refuses us by name refuses no message
                if mail.use_tls:
                    self._begin(host, Step.STARTTLS)
                    host.starttls(context=context)
                    host.ehlo_or_helo_if_needed()  # it may offer more over TLS (RFC 3207, 4.2)
                if mail.username:
                    self._begin(host, Step.AUTH)
                    host.login(mail.username, mail.password or "")
            self.replies[self.step] = host.last_reply
        except BaseException:
            host.close()
            raise
        return host

    def _begin(self, host: _Smtp, step: Step) -> None:
        self.replies[self.step] = host.last_reply
        self.step = step


class SmtpChannel:
    """A mail server."""

    def __init__(self, mail: Mail) -> None:
        self.mail = mail
        self.cut_short = 0
        """How many times in a row it said 421 with no message taken in between."""

    @contextmanager
    def opened(self) -> Iterator[SmtpSender]:
        """Connect once for a batch."""
        connection = VerifiedConnection(self.mail)
        try:
            connection.__enter__()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # A ValueError: a host name or a password that cannot be encoded.
            words = f"{self.mail.server}:{self.mail.port}: {error_words(error)}"
            raise ChannelDown(words, connection.step) from error
        sender = SmtpSender(self, connection)
        try:
            yield sender
        finally:
            sender.part()


class SmtpSender:
    """An open conversation."""

    def __init__(self, channel: SmtpChannel, connection: VerifiedConnection) -> None:
        self.channel, self.connection = channel, connection

    def deliver(self, notification: Notification) -> str:
        """Send one message. What is refused is sorted by whose fault it is (faults.py)."""
        message = as_message(notification)
        if message.needs_smtputf8 and not self.host.has_extn("smtputf8"):
            raise Refused(f"{message.recipients[0]} needs a mail server with SMTPUTF8, and ours has none")
        try:
            with self.host.within(DELIVERY_SECONDS):
                self.connection.send(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise self._judged(Step.RCPT, code, text) from error
        except smtplib.SMTPSenderRefused as error:
            raise self._judged(Step.MAIL, error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPResponseException as error:
            raise self._judged(Step.DATA, error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Interrupted(f"{type(error).__name__}: {error}") from error
        self.channel.cut_short = 0
        return self.host.said.decode("utf-8", "replace")

    def check(self) -> None:
        """Say whom mail would be from, and take it back: no message is sent."""
        sender = parseaddr(current_app.config["MAIL_DEFAULT_SENDER"])[1]
        try:
            with self.host.within(DELIVERY_SECONDS):
                code, text = self.host.mail(sender)
                if code != 250:
                    raise smtplib.SMTPSenderRefused(code, text, sender)
                self.host.rset()
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelDown(f"{type(error).__name__}: {error}") from error

    def usable(self) -> bool:
        """Whether the server is still there: it may have left in the middle of the last message."""
        return getattr(self.host, "sock", None) is not None

    def takes_utf8(self) -> bool:
        """Whether the server offers SMTPUTF8."""
        return bool(self.host.has_extn("smtputf8"))

    def part(self) -> None:
        """Say goodbye; a server that left already needs none."""
        try:
            with self.host.within(PARTING_SECONDS):
                self.host.quit()
        except (OSError, smtplib.SMTPException):
            self.host.close()

    @property
    def host(self) -> _Smtp:
        """The conversation below."""
        return cast(_Smtp, self.connection.host)  # as configure_host made it

    def _judged(self, step: Step, code: int, text: bytes | str) -> Blocked | Deferred | Refused:
        words = reply_words(code, text)
        if not 400 <= code < 600:
            return Deferred(words)  # no answer to what we said
        fault = judge(step, code, words.partition(" ")[2])
        if code == LEAVING and fault is Fault.UNCLEAR:
            # Once ends this conversation, which may be full; twice in a row is a server that is closed.
            self.channel.cut_short += 1
            fault = Fault.OURS if self.channel.cut_short > 1 else fault
        if fault is Fault.OURS:
            return Blocked(words, step)
        if code < 500:
            return Deferred(words)
        return Refused(words) if fault is Fault.MESSAGE else Doubtful(words, step)


def ehlo_name() -> str:
    """The name we greet with: strict servers ask for one that is whole and known (RFC 5321, 4.1.4)."""
    config = current_app.config
    name = str(config["MAIL_EHLO_NAME"]) or domain_of(config["PUBLIC_URL"])
    return f"[{name}]" if NUMBER.fullmatch(name) else name
