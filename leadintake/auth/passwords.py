"""Passwords: argon2id in turns, and which ones are too weak.

Each hash takes a core and 64 MiB, so AT_ONCE bounds the memory of a process. Parameters are those of
RFC 9106, second recommended option, which argon2-cffi defaults to.
"""

from __future__ import annotations

import functools
from importlib import resources

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from leadintake.auth.lanes import Lanes
from leadintake.core.errors import Refusal
from leadintake.core.hub import beside_the_hub
from leadintake.core.text import TooLong, composed

SHORTEST, LONGEST = 12, 1024
AT_ONCE, MOST_STRANGERS = 2, 32
STRANGER_WAITS, KNOWN_WAITS = 3, 15
"""Seconds. Only known callers keep a known one waiting."""

hasher = PasswordHasher()
lanes = Lanes(AT_ONCE, most_strangers=MOST_STRANGERS, stranger_waits=STRANGER_WAITS, known_waits=KNOWN_WAITS)


class BadCredentials(Refusal):
    """The pair of account and password lets nobody in. It never says which of the two was wrong."""

    status = 401
    title = "Not signed in"

    def __init__(self, detail: str = "") -> None:
        wrong = "E-mail and password do not belong together. Please check both and try again."
        super().__init__(detail or wrong)


class WeakPassword(ValueError):
    """The password is too easy to guess; the message says why."""


def hash_password(password: str) -> str:
    """Hash for storage. Whoever may choose a password is known."""
    regular = _regular(password)
    with lanes.turn(known=True):
        return beside_the_hub(lambda: hasher.hash(regular))


def verify(password_hash: str | None, password: str, *, known: bool = True) -> bool:
    """Whether the password fits; `known`: asked by somebody or a device the account knows.

    Without a hash (no such user, or no password yet) it costs the same time and is False. A password longer
    than any may be is not hashed at all.
    """
    try:
        regular = _regular(password)
    except TooLong:
        return False
    if len(regular) > LONGEST:
        return False
    with lanes.turn(known=known):
        return beside_the_hub(lambda: _fits(password_hash, regular))


def rehashed(password_hash: str, password: str) -> str | None:
    """A hash with the parameters of today, where `password_hash` was made with others; else None."""
    return hash_password(password) if hasher.check_needs_rehash(password_hash) else None


def refuse_weak(password: str, *context: str) -> None:
    """Raise WeakPassword for one that is short, common, monotonous, or made of the person's own data.

    NIST SP 800-63B section 3.1.1.2: length and a list of known ones, no rules on composition.
    """
    if len(password) < SHORTEST:
        raise WeakPassword(f"Use at least {SHORTEST} characters; a few unrelated words make a good password.")
    if len(password) > LONGEST:
        raise WeakPassword(f"Use at most {LONGEST} characters.")
    folded = password.casefold()
    if len(set(folded)) < 5 or folded in _common() or folded.strip("0123456789!.?-_") in _common():
        raise WeakPassword("This password is one of the first that are tried. Use a few unrelated words.")
    if any(
        len(part) >= 4 and part in folded
        for text in context
        for part in text.casefold().split("@")[0].split()
    ):
        raise WeakPassword("Leave your name, your address and the name of this service out of the password.")


def _regular(password: str) -> str:
    """The same bytes from every keyboard (NIST SP 800-63B, 3.1.1.2)."""
    return composed(password, LONGEST)


@functools.cache
def _common() -> frozenset[str]:
    return frozenset(resources.files("leadintake.auth").joinpath("common_passwords.txt").read_text().split())


@functools.cache
def _nobody(by: PasswordHasher) -> str:
    """A hash that fits no password anybody will type."""
    return by.hash("nobody has this password")


def _fits(password_hash: str | None, password: str) -> bool:
    try:
        matches = hasher.verify(password_hash or _nobody(hasher), password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and bool(password_hash)
