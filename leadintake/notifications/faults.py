"""Whose fault a refusal is.

The message's (this recipient, this content) or ours (name, sign-in, quota, right to send, relaying, TLS).
Judged by the enhanced status code (RFC 3463, 5248 and the codes of Exchange Online), the reply code and the
step of the conversation. Words are a last help: each server has its own. What stays unclear is left to
experience (refusals.py).
"""

from __future__ import annotations

import re
from enum import Enum, StrEnum


class Step(StrEnum):
    """A step of the conversation, as operators know it."""

    CONNECT = "connect"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"


OPENING = (Step.CONNECT, Step.EHLO, Step.STARTTLS, Step.AUTH)
"""Steps before any message: what is refused there is never a message's fault."""


class Fault(Enum):
    """Whose fault it is."""

    MESSAGE = "message"
    OURS = "ours"
    UNCLEAR = "unclear"


STATUS = re.compile(r"(?:\A|\(#)([245])\.(\d{1,3})\.(\d{1,3})\b")
"""An enhanced status code: at the beginning, or at the end as qmail writes it."""

OF_RECIPIENT = {f"1.{detail}" for detail in (1, 2, 3, 4, 5, 6, 10)}
"""Codes about an address that name the recipient's; x.1.7 and x.1.8 are about the sender's."""
OF_MESSAGE = OF_RECIPIENT | {
    *("2.1", "2.2", "2.3", "2.4"),  # the mailbox: disabled, full, too small, a list
    *("3.3", "3.4", "4.1", "4.4", "4.7"),  # too big; no answer from, no route to the recipient's host
    *("6.0", "6.1", "6.2", "6.3", "6.4", "6.5", "6.6", "6.7", "6.8", "6.9", "6.10"),  # the content
    *("7.15", "7.16", "7.17", "7.18", "7.19"),  # priority; the mailbox has a new owner
    # Exchange: the recipient takes none of us or is barred, has too much mail, or has no address.
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
OF_US = {
    *("1.7", "1.8", "1.90"),  # our sender address; Exchange: the day's limit
    *("2.252", "2.254"),  # Exchange: not allowed to send as
    *("3.1", "3.2", "3.5", "4.3", "4.5"),  # the server itself is full, closed, badly set up, congested
    *("5.1", "5.2", "5.3", "5.4", "5.5", "5.6"),  # how we talk
    *(f"7.{detail}" for detail in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)),  # sign-in and TLS
    *(f"7.{detail}" for detail in range(20, 31)),  # DKIM, SPF, DMARC, reverse DNS, flood
    *("7.54", "7.57", "7.60", "7.64", "7.139", "7.506", "7.508", "7.509", "7.511", "7.513", "7.520"),
}
BANNED = (500, 503), (600, 799)
"""Exchange's x.7.500 … x.7.503 and x.7.600 … x.7.799: our address, domain or tenant is banned or limited."""

REPLIES_TO_US = {432, 454, 502, 503, 504, 521, 523, 525, 530, 534, 535, 538}
"""Reply codes that are about how we talk, sign in or encrypt (RFC 4954, 5321, 7504), whatever follows."""
REPLIES_TO_MESSAGE = {501, 551, 552, 556}
SIZE_AT_MAIL = {"2.3", "3.4"}

LONGEST_TEXT = 1_000
"""Characters of a reply that are read."""
WORDS_ABOUT_US = (
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
WORDS_ABOUT_MESSAGE = (
    r"(?:user|recipient|mailbox|alias|address|account).{0,40}"
    r"(?:unknown|unavailable|not found|not exist|n't exist|disabled|inactive|invalid|no longer)",
    r"user does ?n.t have",
    r"(?:unknown|no such|invalid|unrouteable|illegal).{0,20}"
    r"(?:user|recipient|mailbox|alias|address|person|account)",
    r"mailbox (?:is )?full|over ?quota|no mailbox (?:here )?by that name|suppress|gr[ae]y.?list",
    r"spam|virus|malware|infected|gtube|unsolicited|\bcontent\b|attachment|prohibited file",
    r"(?:message )?size|message (?:is )?too (?:large|big)|\bline.{0,20}\blong|line length",
)
SAYS_US = re.compile("|".join(WORDS_ABOUT_US), re.IGNORECASE)
SAYS_MESSAGE = re.compile("|".join(WORDS_ABOUT_MESSAGE), re.IGNORECASE)


def judge(step: Step, code: int, text: str) -> Fault:
    """Whose fault a reply of 4xx or 5xx is."""
    if step in OPENING:
        return Fault.OURS
    text = text[:LONGEST_TEXT]
    status = status_of(text)
    if step is Step.MAIL:
        return _judge_sender(code, status)
    if code in REPLIES_TO_US:
        return Fault.OURS
    if code == 421 and not status.startswith("7."):
        return _judge_words(text)
    if status in OF_MESSAGE:
        return Fault.MESSAGE
    if status in OF_US or _is_banned(status) or (code == 421 and status.startswith("7.")):
        return Fault.OURS
    if (said := _judge_words(text)) is not Fault.UNCLEAR:
        return said
    long_line = step is Step.DATA and code == 500
    return Fault.MESSAGE if code in REPLIES_TO_MESSAGE or long_line else Fault.UNCLEAR


def status_of(text: str) -> str:
    """The subject and detail of the enhanced status code, such as `7.1`; empty where there is none."""
    found = STATUS.search(text)
    return f"{int(found[2])}.{int(found[3])}" if found else ""


def _judge_sender(code: int, status: str) -> Fault:
    """At MAIL FROM all is about us but the size, and the characters, of the message."""
    too_big = status in SIZE_AT_MAIL or (code == 552 and status in ("", "0.0"))
    return Fault.MESSAGE if too_big or status.startswith("6.") else Fault.OURS


def _is_banned(status: str) -> bool:
    subject, _, detail = status.partition(".")
    return subject == "7" and any(first <= int(detail) <= last for first, last in BANNED)


def _judge_words(text: str) -> Fault:
    if SAYS_US.search(text):
        return Fault.OURS
    return Fault.MESSAGE if SAYS_MESSAGE.search(text) else Fault.UNCLEAR
