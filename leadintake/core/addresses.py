"""E-mail addresses as typed or pasted, by prospects and users."""

from __future__ import annotations

from leadintake.core.text import TooLong, has_controls, normalize_text, strip_invisible

MAX_LENGTH = 254
MAX_TYPED_LENGTH = 300
"""Including what surrounds a pasted address."""
MAX_LOCAL_PART_LENGTH = 64
"""Octets (RFC 5321, 4.5.3.1.1)."""
SCHEME = "mailto:"
BEFORE, AFTER = "<", ".,;>\u3002\uff0e\uff0c\u3001\uff1b"
"""Characters around an address copied from a sentence, a list or another mail."""
ALIAS_DOMAINS = {
    "googlemail.com": "gmail.com",
    "mac.com": "icloud.com",
    "me.com": "icloud.com",
    "pm.me": "protonmail.com",
    "proton.me": "protonmail.com",
    "protonmail.ch": "protonmail.com",
    **dict.fromkeys(("ya.ru", "yandex.by", "yandex.com", "yandex.kz", "yandex.ua"), "yandex.ru"),
}
"""Domains at which a provider gives every mailbox a second address, and the domain of the first.

Not those of one provider with different people, such as hotmail.com and outlook.com.
"""
IGNORED_SIGNS = {"gmail.com": ".", "protonmail.com": "._-"}
"""Signs before the @ that a provider ignores (Gmail Help, "Dots don't matter in Gmail addresses")."""
ENCODED = "xn--"
"""Begins an encoded part of a domain (RFC 5890)."""


class BadAddress(ValueError):
    """Not a mail address; the message gives the reason, for an operator."""


def mail_address(typed: str) -> str:
    """Return the normal form of an address (RFC 5321, 5322, 6531), without DNS lookup. Raises BadAddress."""
    from email_validator import EmailNotValidError, validate_email

    try:
        address = _strip_surroundings(normalize_text(typed, MAX_TYPED_LENGTH))
    except TooLong as error:
        raise BadAddress(f"an address has {MAX_LENGTH} characters at most") from error
    if has_controls(address):
        raise BadAddress("it has characters that cannot be shown")
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError as error:
        raise BadAddress(str(error)) from error
    if len(found.local_part.encode()) > MAX_LOCAL_PART_LENGTH:
        raise BadAddress(f"the part before the @ is longer than {MAX_LOCAL_PART_LENGTH} octets")
    if len(found.normalized) > MAX_LENGTH:
        raise BadAddress(f"an address has {MAX_LENGTH} characters at most")
    return found.normalized


def normalize_mailbox(address: str) -> str:
    """Return the mailbox of a valid address, the same for all spellings of one person's address.

    1. Capitals do not count, nor dots after the domain; an encoded domain (IDN) is the same decoded.
    2. A tag (`+` and what follows, RFC 5233) does not count, at any domain: the same people own it.
    3. Where a provider is known: its other domains, and the signs it ignores.

    Other signs and accents, and tags after a hyphen, may be another person's.
    """
    local, _, domain = address.lower().rpartition("@")
    domain = domain.rstrip(".")
    if ENCODED in domain:
        domain = ".".join(_decode_label(label) for label in domain.split("."))
    domain = ALIAS_DOMAINS.get(domain, domain)
    local = local.partition("+")[0] or local
    for sign in IGNORED_SIGNS.get(domain, ""):
        local = local.replace(sign, "") or local
    return f"{local}@{domain}"[:MAX_LENGTH]


def _decode_label(label: str) -> str:
    if not label.startswith(ENCODED):
        return label
    try:
        return label.removeprefix(ENCODED).encode().decode("punycode")
    except UnicodeError:
        return label


def _strip_surroundings(pasted: str) -> str:
    """Strip invisible characters, white space, brackets, punctuation and `mailto:`, in any order."""
    previous = None
    while pasted != previous:
        previous, pasted = pasted, strip_invisible(pasted).lstrip(BEFORE).rstrip(AFTER)
        if pasted[: len(SCHEME)].lower() == SCHEME:
            pasted = pasted[len(SCHEME) :]
    return pasted
