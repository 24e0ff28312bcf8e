"""A message as it leaves: bytes that every mail server takes, however its words are written.

Bodies are quoted-printable or base64 (RFC 2045), so that every line is short and 7-bit whatever a server
offers. Headers are ASCII, folded, other scripts as encoded words (RFC 2047). Only an address whose part
before the @ is not ASCII needs more of a server: SMTPUTF8 (RFC 6531).
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from email.header import Header
from email.utils import format_datetime, quote
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email
from flask import current_app
from flask_mail import Message

from leadintake.core.keys import Unreadable, unseal
from leadintake.notifications.channels import SEALED_FOR, Refused, domain_of
from leadintake.notifications.messages import OPTIONAL, SECRET, unsubscribe_link
from leadintake.notifications.models import Notification

CRLF = "\r\n"
ASCII = bytes(range(128))
LONGEST_AS_IT_IS = 60
"""Characters of words that are written as they are: longer ones are folded."""
NO_REPLIES = "DR, RN, NRN, OOF, AutoReply"
"""What Exchange should not answer with (MS-OXCMAIL, 2.1.3.2.10). Not NDR: a mail that cannot be delivered
comes back to us."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Letter(Message):
    """Flask-Mail's message, written by ourselves."""

    headers: dict[str, str]
    boundary: str
    needs_smtputf8 = False

    def as_bytes(self) -> bytes:
        """Write it: as text, and as HTML for those who want that."""
        head = [f"{name}: {value}" for name, value in self.headers.items()]
        head += ["MIME-Version: 1.0", "Content-Type: multipart/alternative;", f' boundary="{self.boundary}"']
        between = f"--{self.boundary}".encode()
        text, markup = _part(self.body or "", "plain"), _part(self.html or "", "html")
        pieces = (CRLF.join(head).encode(), b"", between, text, between, markup, between + b"--", b"")
        return b"\r\n".join(pieces)


def as_message(notification: Notification) -> Letter:
    """Compose the message to send: the same words, date and Message-ID at every attempt.

    With MAIL_REDIRECT_TO it goes there, and says whom it is for.
    """
    config = current_app.config
    intended, redirected = notification.recipient, config["MAIL_REDIRECT_TO"]
    recipient = mail_address(redirected or intended)
    text, markup = _unsealed(notification, notification.text), _unsealed(notification, notification.html)
    if redirected:
        text, markup = _mark_redirected(intended, text, markup)
    letter = Letter(notification.subject, [recipient], text, markup, date=notification.created_at.timestamp())
    letter.needs_smtputf8 = not recipient.isascii()
    # Neither encoding writes "=_", so no body has this line (RFC 2045, 6.7).
    letter.boundary = f"=_{notification.id.hex}"
    letter.msgId = f"<{notification.id}@{domain_of(config['PUBLIC_URL'])}>"
    letter.headers = {
        "Subject": _words("Subject", notification.subject),
        "From": _sender(config["FIRM_NAME"], str(letter.sender)),
        "To": _one_line(recipient),
        "Date": format_datetime(notification.created_at),
        "Message-ID": letter.msgId,
        "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers, please
        "X-Auto-Response-Suppress": NO_REPLIES,
    }
    if reply_to := _reply_address(notification):
        letter.headers["Reply-To"] = _one_line(reply_to)
    if redirected:
        letter.headers["X-Original-To"] = _words("X-Original-To", intended)
    if notification.kind in OPTIONAL:
        link = _link_in_ascii(unsubscribe_link(notification.id))
        letter.headers["List-Unsubscribe"] = f"<{link}>"  # RFC 2369
        letter.headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    return letter


def mail_address(address: str) -> str:
    """The address as the mail system writes it: its domain in ASCII wherever the rest is.

    Raises Refused for one that cannot be written at all.
    """
    if address.isascii():
        return address
    try:
        written = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise Refused(f"{address} is no e-mail address: {error}") from error
    return written.ascii_email or written.normalized


def _reply_address(notification: Notification) -> str:
    """Where answers go. A rehearsal's go to no prospect, nor does a header carry what needs SMTPUTF8."""
    config = current_app.config
    own = mail_address(notification.reply_to or "") if not config["MAIL_REDIRECT_TO"] else ""
    return own if own and own.isascii() else str(config["MAIL_REPLY_TO"])


def _mark_redirected(intended: str, text: str, markup: str) -> tuple[str, str]:
    """Say in the first line whom a mail is for that goes to somebody else."""
    sentence = f"Rehearsal: this mail is for {intended}."
    place = markup.find(">", markup.find("<body")) + 1 if "<body" in markup else 0
    marked = f"{markup[:place]}<p>{html.escape(sentence)}</p>\n{markup[place:]}"
    return f"{sentence}\n\n{text}", marked


def _part(words: str, kind: str) -> bytes:
    """One body in an encoding of short ASCII lines: the one that people can read, unless it is far longer."""
    data = words.replace("\r\n", "\n").replace("\r", "\n").encode()
    escaped = len(data.translate(None, ASCII))
    if 6 * escaped < len(data):
        encoding, written = "quoted-printable", binascii.b2a_qp(data, istext=True)
    else:
        encoding, written = "base64", base64.encodebytes(data.replace(b"\n", b"\r\n"))
    head = f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n"
    return (head.encode() + written).replace(b"\n", b"\r\n")


def _one_line(value: str) -> str:
    """A value of a header. Raises Refused where it would become more than one."""
    if CONTROL.search(value):
        raise Refused(f"{value!r} has characters that no header may carry")
    return value


@lru_cache(maxsize=1000)
def _words(name: str, words: str) -> str:
    """Words as the header `name` carries them."""
    if _one_line(words).isascii() and len(words) <= LONGEST_AS_IT_IS and "=?" not in words:
        return words
    return Header(words, "utf-8", header_name=name).encode(linesep=CRLF)


@lru_cache(maxsize=100)
def _sender(firm: str, address: str) -> str:
    """The address that mails are from, under the firm's name."""
    written = _words("From", firm)
    return f'"{quote(firm)}" <{address}>' if written == firm else f"{written}{CRLF} <{address}>"


def _unsealed(notification: Notification, words: str) -> str:
    """Words that wait sealed, as they are to be sent. Raises Refused where the key is lost."""
    if notification.kind not in SECRET:
        return words
    try:
        return unseal(SEALED_FOR, words)
    except Unreadable as error:
        raise Refused(str(error)) from error


def _link_in_ascii(link: str) -> str:
    scheme, _, rest = link.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.encode('idna').decode('ascii')}{slash}{path}"
