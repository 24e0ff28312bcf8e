"""Mail channel over SMTP (RFC 5321)."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parseaddr
from typing import Any, cast

from flask import current_app
from flask_mail import Connection, Mail

from leadintake.notifications.channels import sessions
from leadintake.notifications.channels.interface import (
    ChannelDown,
    DeliveryInterruption,
    PermanentFailure,
    SenderBlocked,
    TransientFailure,
    UnclearFailure,
    extract_domain,
)
from leadintake.notifications.channels.letters import Letter, compose
from leadintake.notifications.channels.replies import format_error, format_reply
from leadintake.notifications.channels.sessions import PlainSession, SmtpSession, TlsSession
from leadintake.notifications.faults import Fault, SmtpStep, find_fault
from leadintake.notifications.models import Notification

DELIVERY_SECONDS = 50
"""Limit of one mail transaction: shorter than a lease."""
QUIT_SECONDS = 5
SERVICE_CLOSING = 421
IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}", re.ASCII)
"""EHLO needs it in brackets (RFC 5321, 4.1.3)."""


class VerifiedConnection(Connection):
    """Connection of Flask-Mail with time limits and a verified certificate. `step`: last SMTP step begun."""

    def __init__(self, mail: Mail) -> None:
        super().__init__(mail)
        self.step = SmtpStep.CONNECT

    def send(self, message: Letter, envelope_from: str | tuple[str, str] | None = None) -> None:  # type: ignore[override] # only a Letter is sent
        """Send a message, also to a non-ASCII local part, which Flask-Mail cannot."""
        if not message.needs_smtputf8 or self.host is None:
            super().send(message, envelope_from)
            return
        options = ("SMTPUTF8", "BODY=8BITMIME")  # RFC 6531, 3.4 and 3.6
        self.host.sendmail(str(message.sender), str(message.recipients[0]), message.as_bytes(), options)

    def configure_host(self) -> SmtpSession:
        """Connect, then EHLO, STARTTLS and AUTH as configured."""
        mail, config = self.mail, current_app.config
        context = ssl.create_default_context()
        options: dict[str, Any] = {"timeout": config["MAIL_TIMEOUT"], "local_hostname": choose_ehlo_name()}
        if mail.use_ssl:
            host: SmtpSession = TlsSession(mail.server, mail.port, context=context, **options)
        else:
            host = PlainSession(mail.server, mail.port, **options)
        try:
            with host.limit_time(sessions.OPENING_SECONDS):
                self.step = SmtpStep.EHLO
                host.ehlo_or_helo_if_needed()  # here, so that a refused name is no fault of a message
                if mail.use_tls:
                    self.step = SmtpStep.STARTTLS
                    host.starttls(context=context)
                    host.ehlo_or_helo_if_needed()  # extensions may differ over TLS (RFC 3207, 4.2)
                if mail.username:
                    self.step = SmtpStep.AUTH
                    host.login(mail.username, mail.password or "")
        except BaseException:
            host.close()
            raise
        return host


class SmtpChannel:
    """Channel to a mail server."""

    def __init__(self, mail: Mail) -> None:
        self.mail = mail
        self.closings_in_row = 0
        """421 replies since the last accepted message."""

    @contextmanager
    def open(self) -> Iterator[SmtpSender]:
        """Connect. Raises ChannelDown."""
        connection = VerifiedConnection(self.mail)
        try:
            connection.__enter__()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # ValueError: a host name or password that cannot be encoded.
            words = f"{self.mail.server}:{self.mail.port}: {format_error(error)}"
            raise ChannelDown(words, connection.step) from error
        sender = SmtpSender(self, connection)
        try:
            yield sender
        finally:
            sender.quit()


class SmtpSender:
    """An open SMTP session."""

    def __init__(self, channel: SmtpChannel, connection: VerifiedConnection) -> None:
        self.channel, self.connection = channel, connection

    def deliver(self, notification: Notification) -> str:
        """Send one message; return the reply to DATA. faults.py finds the cause of a refusal."""
        message = compose(notification)
        if message.needs_smtputf8 and not self.host.has_extn("smtputf8"):
            raise PermanentFailure(
                f"{message.recipients[0]} needs a mail server with SMTPUTF8, and ours has none"
            )
        try:
            with self.host.limit_time(DELIVERY_SECONDS):
                self.connection.send(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise self._classify_reply(SmtpStep.RCPT, code, text) from error
        except smtplib.SMTPSenderRefused as error:
            raise self._classify_reply(SmtpStep.MAIL, error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPResponseException as error:
            if error.smtp_code == 500 and not self.is_open():  # smtplib: the reply was not complete
                raise DeliveryInterruption(f"{type(error).__name__}: {error}") from error
            raise self._classify_reply(SmtpStep.DATA, error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryInterruption(f"{type(error).__name__}: {error}") from error
        self.channel.closings_in_row = 0
        return self.host.data_reply.decode("utf-8", "replace")

    def check(self) -> None:
        """Send MAIL FROM, RCPT TO and RSET for the sender's address, without a message. Raises ChannelDown.

        Many servers check EHLO name and sender only at RCPT TO. A refusal of the recipient passes: it may
        have no mailbox there.
        """
        sender = parseaddr(current_app.config["MAIL_DEFAULT_SENDER"])[1]
        try:
            with self.host.limit_time(DELIVERY_SECONDS):
                code, text = self.host.mail(sender)
                if code != 250:
                    raise smtplib.SMTPSenderRefused(code, text, sender)
                code, text = self.host.rcpt(sender)
                words = text.decode("utf-8", "replace")
                if code >= 400 and find_fault(SmtpStep.RCPT, code, words) is Fault.SENDER:
                    about_name = re.search(r"\b(?:helo|ehlo)\b", words, re.IGNORECASE)
                    refusal = smtplib.SMTPHeloError if about_name else smtplib.SMTPResponseException
                    raise refusal(code, text)
                self.host.rset()
        except (OSError, smtplib.SMTPException) as error:
            raise ChannelDown(f"{type(error).__name__}: {error}") from error

    def is_open(self) -> bool:
        """Return whether the server kept the connection open."""
        return getattr(self.host, "sock", None) is not None

    def has_smtputf8(self) -> bool:
        """Return whether the server offers SMTPUTF8."""
        return bool(self.host.has_extn("smtputf8"))

    def quit(self) -> None:
        """Send QUIT, or close the socket without a reply."""
        try:
            with self.host.limit_time(QUIT_SECONDS):
                self.host.quit()
        except (OSError, smtplib.SMTPException):
            self.host.close()

    @property
    def host(self) -> SmtpSession:
        """The SMTP session."""
        return cast(SmtpSession, self.connection.host)  # as configure_host made it

    def _classify_reply(
        self, step: SmtpStep, code: int, text: bytes | str
    ) -> SenderBlocked | TransientFailure | PermanentFailure:
        words = format_reply(code, text)
        if not 400 <= code < 600:
            return TransientFailure(words)  # not a 4yz or 5yz reply
        fault = find_fault(step, code, words.partition(" ")[2])
        if code == SERVICE_CLOSING and fault is Fault.UNCLEAR:
            # The first 421 may end a full session; a second in a row is about the sender.
            self.channel.closings_in_row += 1
            fault = Fault.SENDER if self.channel.closings_in_row > 1 else fault
        if fault is Fault.SENDER:
            return SenderBlocked(words, step)
        if fault is Fault.UNCLEAR:
            return UnclearFailure(words, step, final=code >= 500)
        return PermanentFailure(words) if code >= 500 else TransientFailure(words)


def choose_ehlo_name() -> str:
    """Return the EHLO name: strict servers require a resolvable host name (RFC 5321, 4.1.4)."""
    config = current_app.config
    name = str(config["MAIL_EHLO_NAME"]) or extract_domain(config["PUBLIC_URL"])
    return f"[{name}]" if IPV4.fullmatch(name) else name
