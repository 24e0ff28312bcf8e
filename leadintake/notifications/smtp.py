"""Messages leave over SMTP."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from flask import current_app
from flask_mail import Connection, Mail

from leadintake.notifications.channels import ChannelDown, Deferred, Interrupted, Refused
from leadintake.notifications.letters import Letter, as_message
from leadintake.notifications.models import Notification

OPENING_SECONDS = 50
DELIVERY_SECONDS = 50
"""A conversation about one message: under the lease, however slowly the server talks."""
PARTING_SECONDS = 5


class _Bounded:
    """A conversation that remembers what was said to the message, and ends in time.

    The timeout of a socket is one of each read: a server that sends a byte now and then outlasts it.
    """

    sock: socket.socket | None
    said = b""

    def connect(self, *arguments: Any, **named: Any) -> Any:
        with self.within(OPENING_SECONDS):
            return super().connect(*arguments, **named)  # type: ignore[misc] # a mixin over smtplib.SMTP

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
    """Flask-Mail's connection, with a timeout on every step and the server's certificate verified."""

    def send(self, message: Letter, envelope_from: str | tuple[str, str] | None = None) -> None:  # type: ignore[override] # ours alone
        """As Flask-Mail's, which knows no address whose part before the @ is not ASCII."""
        if not message.needs_smtputf8 or self.host is None:
            super().send(message, envelope_from)
            return
        options = ("SMTPUTF8", "BODY=8BITMIME")  # RFC 6531, 3.4 and 3.6
        self.host.sendmail(str(message.sender), str(message.recipients[0]), message.as_bytes(), options)

    def configure_host(self) -> smtplib.SMTP:
        """Connect, secure, sign in."""
        mail, config = self.mail, current_app.config
        context = ssl.create_default_context()
        options: dict[str, Any] = {"timeout": config["MAIL_TIMEOUT"], "local_hostname": socket.gethostname()}
        if mail.use_ssl:
            host: _Smtp = _SmtpOverTls(mail.server, mail.port, context=context, **options)
        else:
            host = _Smtp(mail.server, mail.port, **options)
        try:
            with host.within(OPENING_SECONDS):
                if mail.use_tls:
                    host.starttls(context=context)
                if mail.username:
                    host.login(mail.username, mail.password or "")
                host.ehlo_or_helo_if_needed()  # a server that refuses us by name refuses no message
        except BaseException:
            host.close()
            raise
        return host


class SmtpChannel:
    """A mail server."""

    def __init__(self, mail: Mail) -> None:
        self.mail = mail

    @contextmanager
    def opened(self) -> Iterator[_SmtpSender]:
        """Connect once for a batch."""
        connection = VerifiedConnection(self.mail)
        try:
            connection.__enter__()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # A ValueError: a host name or a password that cannot be encoded.
            raise ChannelDown(f"{self.mail.server}:{self.mail.port}: {error}") from error
        sender = _SmtpSender(connection)
        try:
            yield sender
        finally:
            sender.part()


class _SmtpSender:
    def __init__(self, connection: VerifiedConnection) -> None:
        self.connection = connection

    def deliver(self, notification: Notification) -> str:
        """Send one message. A 5xx to it or its recipient is final (RFC 5321, 4.2.1), the rest is not."""
        message = as_message(notification)
        if message.needs_smtputf8 and not self._host.has_extn("smtputf8"):
            raise Refused(f"{message.recipients[0]} needs a mail server with SMTPUTF8, and ours has none")
        try:
            with self._host.within(DELIVERY_SECONDS):
                self.connection.send(message)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _judged(code, text) from error
        except smtplib.SMTPSenderRefused as error:
            # Our own address or account is at fault: no reason to give this message up.
            raise Deferred(_reply(error.smtp_code, error.smtp_error)) from error
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Interrupted(f"{type(error).__name__}: {error}") from error
        return self._host.said.decode("utf-8", "replace")

    def usable(self) -> bool:
        """Whether the server is still there: it may have left in the middle of the last message."""
        return getattr(self._host, "sock", None) is not None

    def part(self) -> None:
        """Say goodbye; a server that left already needs none."""
        try:
            with self._host.within(PARTING_SECONDS):
                self._host.quit()
        except (OSError, smtplib.SMTPException):
            self._host.close()

    @property
    def _host(self) -> _Smtp:
        return cast(_Smtp, self.connection.host)  # as configure_host made it


def _judged(code: int, text: bytes | str) -> Deferred | Refused:
    return Refused(_reply(code, text)) if 500 <= code < 600 else Deferred(_reply(code, text))


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
