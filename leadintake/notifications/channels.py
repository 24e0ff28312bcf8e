"""The ways a message can leave: over SMTP, or into a folder. A new way is one class and one line below."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import structlog
from email_validator import validate_email
from flask import Flask, current_app
from flask_mail import Connection, Mail, Message

from leadintake.notifications.models import Notification

log = structlog.get_logger()


class ChannelDown(Exception):
    """The way itself is closed: no message's fault, and none is counted against it."""


class Deferred(Exception):
    """Not delivered now; a later attempt may succeed."""


class Refused(Exception):
    """Never to be delivered as it is."""


class Sender(Protocol):
    """An open way."""

    def deliver(self, notification: Notification) -> str:
        """Hand the message over and return what the other side said. Raises Deferred or Refused."""

    def usable(self) -> bool:
        """Whether the way is still open for another message."""


class Channel(Protocol):
    """A way that can be opened. Raises ChannelDown when it cannot."""

    def opened(self) -> AbstractContextManager[Sender]:
        """Open it for a batch of messages."""


def channel_of(app: Flask) -> Channel:
    """SMTP where there is a server, else the folder mail/ of the instance."""
    app.config.setdefault("MAIL_SUPPRESS_SEND", False)
    mail = Mail(app)
    return (
        SmtpChannel(mail)
        if app.config["MAIL_SERVER"]
        else FolderChannel(Path(app.config["INSTANCE_PATH"]) / "mail")
    )


def as_message(notification: Notification) -> Message:
    """The message to send: the same words, date and Message-ID at every attempt."""
    recipient = _in_ascii(notification.recipient)
    message = Message(
        subject=notification.subject,
        recipients=[recipient],
        body=notification.text,
        html=notification.html,
        date=notification.created_at.timestamp(),
        charset="utf-8",
        extra_headers={"Auto-Submitted": "auto-generated"},  # RFC 3834: no out-of-office answers, please
    )
    message.msgId = f"<{notification.id}@{_domain_of(current_app.config['PUBLIC_URL'])}>"
    return message


def _in_ascii(address: str) -> str:
    """The address as the mail system writes it. Raises Refused where it cannot."""
    if address.isascii():
        return address
    written = validate_email(address, check_deliverability=False, test_environment=True).ascii_email
    if written is None:
        raise Refused(f"{address} needs a mail server with SMTPUTF8, which is not supported")
    return written


def _domain_of(url: str) -> str:
    host = urlsplit(url).hostname or "localhost"
    if ":" in host:
        return f"[IPv6:{host}]"  # RFC 5321, 4.1.3
    return host if host.isascii() else host.encode("idna").decode("ascii")


class FolderChannel:
    """For trying out: a message becomes a file mail/ID.eml and a line in the log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def opened(self) -> Iterator[FolderChannel]:
        """Make the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ChannelDown(f"{self.folder}: {error.strerror}") from error
        yield self

    def deliver(self, notification: Notification) -> str:
        """Write the file under its final name at once."""
        path = self.folder / f"{notification.id}.eml"
        part = path.with_suffix(".part")
        try:
            part.write_bytes(as_message(notification).as_bytes())
            part.rename(path)
        except OSError as error:
            raise Deferred(f"{path}: {error.strerror}") from error
        log.info("mail_written", to=notification.recipient, subject=notification.subject, file=str(path))
        return f"written to {path}"

    def usable(self) -> bool:
        """A folder stays."""
        return True


class _Telling:
    """Remembers what the server said to the message itself."""

    said = b""

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, text = super().data(msg)  # type: ignore[misc] # a mixin over smtplib.SMTP
        self.said = b"%d %s" % (code, text)
        return code, text


class _Smtp(_Telling, smtplib.SMTP):
    pass


class _SmtpOverTls(_Telling, smtplib.SMTP_SSL):
    pass


class VerifiedConnection(Connection):
    """Flask-Mail's connection, with a timeout on every step and the server's certificate verified."""

    def configure_host(self) -> smtplib.SMTP:
        """Connect, secure, sign in."""
        mail, config = self.mail, current_app.config
        context = ssl.create_default_context()
        options: dict[str, Any] = {"timeout": config["MAIL_TIMEOUT"], "local_hostname": socket.gethostname()}
        if mail.use_ssl:
            host: smtplib.SMTP = _SmtpOverTls(mail.server, mail.port, context=context, **options)
        else:
            host = _Smtp(mail.server, mail.port, **options)
        try:
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
        try:
            yield _SmtpSender(connection)
        finally:
            _part(connection)


class _SmtpSender:
    def __init__(self, connection: VerifiedConnection) -> None:
        self.connection = connection

    def deliver(self, notification: Notification) -> str:
        """Send one message. A 5xx to it or its recipient is final (RFC 5321, 4.2.1), the rest is not."""
        message = as_message(notification)
        try:
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
            raise Deferred(f"{type(error).__name__}: {error}") from error
        return bytes(getattr(self.connection.host, "said", b"")).decode("utf-8", "replace")

    def usable(self) -> bool:
        """Whether the server is still there: it may have left in the middle of the last message."""
        return getattr(self.connection.host, "sock", None) is not None


def _judged(code: int, text: bytes | str) -> Deferred | Refused:
    return Refused(_reply(code, text)) if 500 <= code < 600 else Deferred(_reply(code, text))


def _reply(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"


def _part(connection: VerifiedConnection) -> None:
    """Say goodbye; a server that left already needs none."""
    host = connection.host
    if host is not None:
        try:
            host.quit()
        except (OSError, smtplib.SMTPException):
            host.close()
