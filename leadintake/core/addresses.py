"""E-mail addresses as people type and paste them, judged in one place for prospects and colleagues."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

from leadintake.core.text import TooLong, has_controls, regular, without_invisible_ends

LONGEST = 254
LONGEST_TYPED = 300
"""With what clings to it."""
LONGEST_LOCAL_PART = 64
"""Octets (RFC 5321, 4.5.3.1.1)."""
SCHEME = "mailto:"
BEFORE, AFTER = "<", ".,;>\u3002\uff0e\uff0c\u3001\uff1b"
"""What clings to an address that is copied out of a sentence, a list or another mail."""


class BadAddress(ValueError):
    """It is no address that mail can be sent to; the message says why, for an operator."""


def mail_address(typed: str) -> str:
    """The address in its normal form (RFC 5321, 5322 and 6531; no look-up). Raises BadAddress."""
    try:
        address = _bare(regular(typed, LONGEST_TYPED))
    except TooLong as error:
        raise BadAddress(f"an address has {LONGEST} characters at most") from error
    if has_controls(address):
        raise BadAddress("it has characters that cannot be shown")
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError as error:
        raise BadAddress(str(error)) from error
    if len(found.local_part.encode()) > LONGEST_LOCAL_PART:
        raise BadAddress(f"the part before the @ is longer than {LONGEST_LOCAL_PART} octets")
    if len(found.normalized) > LONGEST:
        raise BadAddress(f"an address has {LONGEST} characters at most")
    return found.normalized


def _bare(pasted: str) -> str:
    """The address without what clings to it: invisible characters, white space, angle brackets, dots."""
    before = None
    while pasted != before:
        before, pasted = pasted, without_invisible_ends(pasted).lstrip(BEFORE).rstrip(AFTER)
        if pasted[: len(SCHEME)].lower() == SCHEME:
            pasted = pasted[len(SCHEME) :]
    return pasted
