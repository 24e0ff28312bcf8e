"""Cause of a refusal: the message (recipient, content) or the sender (name, sign-in, quota, relaying, TLS).

Decided by SMTP step, enhanced status code (RFC 3463, 5248, Exchange Online) and reply code, last by the text,
which differs among servers. refusals.py decides the unclear rest.
"""

from __future__ import annotations

import re
from enum import Enum, StrEnum


class SmtpStep(StrEnum):
    """A step of an SMTP session, by the name operators know."""

    CONNECT = "connect"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"


STEPS_BEFORE_MAIL = (SmtpStep.CONNECT, SmtpStep.EHLO, SmtpStep.STARTTLS, SmtpStep.AUTH)
"""Never fail because of a message."""


class Fault(Enum):
    """The cause of a refusal."""

    MESSAGE = "message"
    SENDER = "sender"
    UNCLEAR = "unclear"


ENHANCED_CODE = re.compile(r"(?:\A|\(#)([245])\.(\d{1,3})\.(\d{1,3})\b")
"""Enhanced status code (RFC 3463): at the start, or at the end as qmail writes it."""

RECIPIENT_ADDRESS_CODES = {f"1.{detail}" for detail in (1, 2, 3, 4, 5, 6, 10)}
"""The recipient's address. x.1.7 and x.1.8 are about the sender's."""
MAILBOX_CODES = {"2.1", "2.2", "2.3", "2.4"}
"""Mailbox disabled, full, with a limit of size, or a list."""
RECIPIENT_CODES = RECIPIENT_ADDRESS_CODES | MAILBOX_CODES
"""Take precedence over the reply code."""
MESSAGE_CODES = RECIPIENT_CODES | {
    *("3.3", "3.4", "4.1", "4.4", "4.7"),  # too big; the recipient's host: no answer, no route
    *("6.0", "6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8", "6.9", "6.10"),  # the content
    *("7.15", "7.16", "7.17", "7.18", "7.19"),  # priority not supported; the mailbox has a new owner
    # Exchange: the recipient rejects the sender, is restricted, gets too much mail, or has no address.
    *(
        "2.121",
        "2.122",
        "4.14",
        "4.310",
        "7.124",
        "7.133",
        "7.134",
        "7.135",
        "7.136",
        "7.504",
        "7.505",
        "7.507",
    ),
}
SENDER_CODES = {
    *("1.7", "1.8", "1.90"),  # address of the sender; Exchange: daily limit
    *("2.252", "2.254"),  # Exchange: no Send As permission
    *("3.1", "3.2", "3.5", "4.3", "4.5"),  # the server is full, closed, misconfigured or congested
    *("5.1", "5.2", "5.3", "5.4", "5.5", "5.6"),  # protocol errors
    *(f"7.{detail}" for detail in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)),  # sign-in and TLS
    *(f"7.{detail}" for detail in range(20, 31)),  # DKIM, SPF, DMARC, reverse DNS, flood
    *("7.54", "7.57", "7.60", "7.64", "7.139", "7.506", "7.508", "7.509", "7.511", "7.513", "7.520"),
}
BAN_CODES = (500, 503), (600, 799)
"""Exchange, details of x.7: address, domain or tenant is banned or limited."""

ADDRESS_CODES = RECIPIENT_CODES - {"2.3", "2.4"} | {"4.1", "4.4", "4.310"}
"""No mailbox that takes mail: the recipient's address, its mailbox, or its host."""

SENDER_REPLY_CODES = {432, 454, 502, 503, 504, 521, 523, 525, 530, 534, 535, 538}
"""Protocol, sign-in or encryption (RFC 4954, 5321, 7504)."""
MESSAGE_REPLY_CODES = {501, 551, 552, 556}
SIZE_CODES = {"2.3", "3.4"}

GIVEN_UP = re.compile(r"\Agiven up after \d+ days: ")
"""Before the last reply to a message that was retried in vain (leases.py)."""
MAX_TEXT_LENGTH = 1_000
"""Characters of a reply that are read."""
SENDER_PATTERNS = (
    r"\brelay|rcpthosts|\b(?:helo|ehlo)\b",
    r"sender (?:address )?(?:rejected|denied|verif|not)|verification failed for",
    r"not owned by|send ?as",
    r"(?:verified|valid) sender|\bfrom address|not verified|not allowed to send",
    r"(?:exceed|maximum|max|too many|limit|quota).{0,60}"
    r"(?:e-?mails|messages|sending|per (?:hour|day|minute)|hourly|daily|rate|connections|recipients|credits)",
    r"(?:daily|hourly|sending|outgoing|submission|policy).{0,25}(?:quota|limit|rejection)",
    r"submissionquota|sender thread|rate.?limit|throttl|sending (?:activity|rate)",
    r"outgoing (?:e-?mail|blocked)",
    r"authenticat|auth(?:orization)? (?:is )?required|log ?in first|credential",
    r"starttls|tls (?:is )?required|encrypt|(?:client|host) (?:host )?(?:rejected|blocked)",
    r"blocked using|black ?list|block ?list|spamhaus|dnsbl|\brbl\b",
    r"\bip\b|reputation|\bspf\b|\bdkim\b|\bdmarc\b|\bptr\b|reverse dns",
    r"all messages from|messages from .{0,60}deferred|account (?:has been |is )?(?:suspended|blocked|locked)",
)
ADDRESS_PATTERNS = (
    r"(?:user|recipient|mailbox|alias|address|account).{0,40}"
    r"(?:unknown|unavailable|not found|not exist|n't exist|disabled|inactive|invalid|no longer)",
    r"user does ?n.t have",
    r"(?:unknown|no such|invalid|unrouteable|illegal).{0,20}"
    r"(?:user|recipient|mailbox|alias|address|person|account)",
    r"mailbox (?:is )?full|over ?quota|no mailbox (?:here )?by that name",
)
MESSAGE_PATTERNS = (
    *ADDRESS_PATTERNS,
    r"suppress|gr[ae]y.?list",
    r"spam|virus|malware|infected|gtube|unsolicited|\bcontent\b|attachment|prohibited file",
    r"(?:message )?size|message (?:is )?too (?:large|big)|\bline.{0,20}\blong|line length",
)
ADDRESS_REGEX = re.compile("|".join(ADDRESS_PATTERNS), re.IGNORECASE)
SENDER_REGEX = re.compile("|".join(SENDER_PATTERNS), re.IGNORECASE)
MESSAGE_REGEX = re.compile("|".join(MESSAGE_PATTERNS), re.IGNORECASE)


def find_fault(step: SmtpStep, code: int, text: str) -> Fault:
    """Return the cause of a 4yz or 5yz reply."""
    if step in STEPS_BEFORE_MAIL:
        return Fault.SENDER
    text = text[:MAX_TEXT_LENGTH]
    status = parse_enhanced_code(text)
    if step is SmtpStep.MAIL:
        return _find_fault_at_mail(code, status)
    if status in RECIPIENT_CODES:
        return Fault.MESSAGE
    if code in SENDER_REPLY_CODES:
        return Fault.SENDER
    if code == 421 and not status.startswith("7."):
        return _find_fault_in_text(text)
    if status in MESSAGE_CODES:
        return Fault.MESSAGE
    if status in SENDER_CODES or _is_banned(status) or (code == 421 and status.startswith("7.")):
        return Fault.SENDER
    if (fault := _find_fault_in_text(text)) is not Fault.UNCLEAR:
        return fault
    long_line = step is SmtpStep.DATA and code == 500
    return Fault.MESSAGE if code in MESSAGE_REPLY_CODES or long_line else Fault.UNCLEAR


def is_address_refused(error: str) -> bool:
    """Return whether a message failed because there is no mailbox that takes mail at its address."""
    code, _, text = GIVEN_UP.sub("", error)[:MAX_TEXT_LENGTH].partition(" ")
    if not code.isdecimal() or find_fault(SmtpStep.RCPT, int(code), text) is not Fault.MESSAGE:
        return False
    status = parse_enhanced_code(text)
    is_by_text = status not in MESSAGE_CODES and ADDRESS_REGEX.search(text) is not None
    return status in ADDRESS_CODES or is_by_text


def parse_enhanced_code(text: str) -> str:
    """Return subject and detail of the enhanced status code, such as `7.1`; empty without one."""
    found = ENHANCED_CODE.search(text)
    return f"{int(found[2])}.{int(found[3])}" if found else ""


def _find_fault_at_mail(code: int, status: str) -> Fault:
    """Return the cause at MAIL FROM: the sender, unless it is size or content."""
    too_big = status in SIZE_CODES or (code == 552 and status in ("", "0.0"))
    return Fault.MESSAGE if too_big or status.startswith("6.") else Fault.SENDER


def _is_banned(status: str) -> bool:
    subject, _, detail = status.partition(".")
    return subject == "7" and any(first <= int(detail) <= last for first, last in BAN_CODES)


def _find_fault_in_text(text: str) -> Fault:
    if SENDER_REGEX.search(text):
        return Fault.SENDER
    return Fault.MESSAGE if MESSAGE_REGEX.search(text) else Fault.UNCLEAR
