"""MIME messages that every mail server accepts.

Bodies are quoted-printable or base64 (RFC 2045): short 7-bit lines. Headers are folded ASCII with encoded
words (RFC 2047). Only a non-ASCII local part needs an extension: SMTPUTF8 (RFC 6531).
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from email.header import Header
from email.utils import format_datetime, quote
from functools import lru_cache

from flask import current_app
from flask_mail import Message

from leadintake.core.crypto import Unreadable, unseal
from leadintake.notifications.channels.interface import SEAL_PURPOSE, PermanentFailure, extract_domain
from leadintake.notifications.copies import read_original
from leadintake.notifications.messages import (
    OPTIONAL_KINDS,
    PERSONAL_KINDS,
    SECRET_KINDS,
    build_unsubscribe_link,
)
from leadintake.notifications.models import Notification

CRLF = "\r\n"
ASCII = bytes(range(128))
MAX_UNFOLDED_LENGTH = 60
"""Characters of a header value that is not folded."""
SUPPRESSED_REPLIES = "DR, RN, NRN, OOF, AutoReply"
"""Automatic replies that Exchange must not send (MS-OXCMAIL, 2.1.3.2.10). Not NDR: bounces are wanted."""
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Letter(Message):
    """A Flask-Mail message with its own serialization."""

    headers: dict[str, str]
    boundary: str
    needs_smtputf8 = False

    def as_bytes(self) -> bytes:
        """Serialize as multipart/alternative."""
        head = [f"{name}: {value}" for name, value in self.headers.items()]
        head += ["MIME-Version: 1.0", "Content-Type: multipart/alternative;", f' boundary="{self.boundary}"']
        delimiter = f"--{self.boundary}".encode()
        text, markup = _encode_body(self.body or "", "plain"), _encode_body(self.html or "", "html")
        pieces = (CRLF.join(head).encode(), b"", delimiter, text, delimiter, markup, delimiter + b"--", b"")
        return b"\r\n".join(pieces)


def compose(notification: Notification) -> Letter:
    """Compose the mail, the same at every attempt, Date and Message-ID included.

    With MAIL_REDIRECT_TO it goes there, and names the intended recipient. A copy has the headers of its
    original. Raises PermanentFailure for an
    invalid address or header.
    """
    config = current_app.config
    intended, redirected = notification.recipient, config["MAIL_REDIRECT_TO"]
    recipient, original = encode_address(redirected or intended), read_original(notification)
    addressee = recipient if redirected else encode_address(original.recipient)
    text, markup = _unseal(notification, notification.text), _unseal(notification, notification.html)
    if redirected:
        text, markup = _mark_redirected(intended, text, markup)
    letter = Letter(notification.subject, [recipient], text, markup, date=notification.created_at.timestamp())
    letter.needs_smtputf8 = not (recipient + addressee).isascii()
    # No encoded body has "=_" (RFC 2045, 6.7).
    letter.boundary = f"=_{notification.id.hex}"
    letter.msgId = f"<{original.id}@{extract_domain(config['PUBLIC_URL'])}>"
    letter.headers = {
        "Subject": _encode_header("Subject", notification.subject),
        "From": _format_sender(config["FIRM_NAME"], str(letter.sender)),
        "To": _require_one_line(addressee),
        "Date": format_datetime(notification.created_at),
        "Message-ID": letter.msgId,
    }
    if notification.kind not in PERSONAL_KINDS:
        letter.headers["Auto-Submitted"] = "auto-generated"  # RFC 3834: prevents out-of-office replies
        letter.headers["X-Auto-Response-Suppress"] = SUPPRESSED_REPLIES
    if reply_to := _choose_reply_address(notification):
        letter.headers["Reply-To"] = _require_one_line(reply_to)
    if redirected:
        letter.headers["X-Original-To"] = _encode_header("X-Original-To", intended)
    if notification.kind in OPTIONAL_KINDS:
        link = _encode_link(build_unsubscribe_link(notification.id))
        letter.headers["List-Unsubscribe"] = f"<{link}>"  # RFC 2369
        letter.headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"  # RFC 8058
    return letter


def encode_address(address: str) -> str:
    """Return the address, with an IDNA domain if its local part is ASCII. Raises PermanentFailure."""
    if address.isascii():
        return address
    from email_validator import EmailNotValidError, validate_email

    try:
        validated = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise PermanentFailure(f"{address} is no e-mail address: {error}") from error
    return validated.ascii_email or validated.normalized


def _choose_reply_address(notification: Notification) -> str:
    """Return the message's own Reply-To; MAIL_REPLY_TO if it has none, needs SMTPUTF8, or is redirected."""
    config = current_app.config
    own = encode_address(notification.reply_to or "") if not config["MAIL_REDIRECT_TO"] else ""
    return own if own and own.isascii() else str(config["MAIL_REPLY_TO"])


def _mark_redirected(intended: str, text: str, markup: str) -> tuple[str, str]:
    """Name the intended recipient in the first line."""
    sentence = f"Rehearsal: this mail is for {intended}."
    place = markup.find(">", markup.find("<body")) + 1 if "<body" in markup else 0
    marked = f"{markup[:place]}<p>{html.escape(sentence)}</p>\n{markup[place:]}"
    return f"{sentence}\n\n{text}", marked


def _encode_body(words: str, kind: str) -> bytes:
    """Encode a body as quoted-printable, or as base64 if a sixth of its bytes is not ASCII."""
    data = words.replace("\r\n", "\n").replace("\r", "\n").encode()
    escaped = len(data.translate(None, ASCII))
    if 6 * escaped < len(data):
        encoding, body = "quoted-printable", binascii.b2a_qp(data, istext=True)
    else:
        encoding, body = "base64", base64.encodebytes(data.replace(b"\n", b"\r\n"))
    head = f"Content-Type: text/{kind}; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n\n"
    return (head.encode() + body).replace(b"\n", b"\r\n")


def _require_one_line(value: str) -> str:
    """Return a header value. Raises PermanentFailure for control characters (header injection)."""
    if CONTROL.search(value):
        raise PermanentFailure(f"{value!r} has characters that no header may carry")
    return value


@lru_cache(maxsize=1000)
def _encode_header(name: str, words: str) -> str:
    if _require_one_line(words).isascii() and len(words) <= MAX_UNFOLDED_LENGTH and "=?" not in words:
        return words
    return Header(words, "utf-8", header_name=name).encode(linesep=CRLF)


@lru_cache(maxsize=100)
def _format_sender(firm: str, address: str) -> str:
    encoded = _encode_header("From", firm)
    return f'"{quote(firm)}" <{address}>' if encoded == firm else f"{encoded}{CRLF} <{address}>"


def _unseal(notification: Notification, words: str) -> str:
    """Decrypt text of a secret kind. Raises PermanentFailure if the key is lost."""
    if notification.kind not in SECRET_KINDS:
        return words
    try:
        return unseal(SEAL_PURPOSE, words)
    except Unreadable as error:
        raise PermanentFailure(str(error)) from error


def _encode_link(link: str) -> str:
    scheme, _, rest = link.partition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.encode('idna').decode('ascii')}{slash}{path}"
