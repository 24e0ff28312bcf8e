"""Passwords: argon2id (RFC 9106, second recommended option) and strength rules.

A hash takes a core and 64 MiB: AT_ONCE bounds both.
"""

from __future__ import annotations

import functools
from importlib import resources

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from leadintake.auth.lanes import Lanes
from leadintake.core.errors import Refusal
from leadintake.core.hub import run_in_background, run_off_hub
from leadintake.core.text import TooLong, compose

MIN_LENGTH, MAX_LENGTH = 12, 1024
AT_ONCE, MAX_STRANGERS = 2, 32
STRANGER_WAITS, KNOWN_WAITS = 3, 15
"""Seconds in the queue (lanes.py)."""

hasher = PasswordHasher()
lanes = Lanes(AT_ONCE, most_strangers=MAX_STRANGERS, stranger_waits=STRANGER_WAITS, known_waits=KNOWN_WAITS)


class BadCredentials(Refusal):
    """Account and password do not match. Which is wrong stays undisclosed."""

    status = 401
    title = "Not signed in"

    def __init__(self, detail: str = "") -> None:
        wrong = "E-mail and password do not belong together. Please check both and try again."
        super().__init__(detail or wrong)


class WeakPassword(ValueError):
    """The password is easy to guess: the message says why."""


def hash_password(password: str) -> str:
    """Hash a password, as a known caller."""
    normal = _normalize(password)
    with lanes.turn(is_known=True):
        return run_off_hub(lambda: hasher.hash(normal))


def verify(password_hash: str | None, password: str, *, is_known: bool = True) -> bool:
    """Return whether the password matches. `is_known`: of a known user or device (lanes.py).

    A stranger's is hashed in the background.
    Without a hash (unknown user, no password yet) it takes the same time.
    """
    try:
        normal = _normalize(password)
    except TooLong:
        return False
    if len(normal) > MAX_LENGTH:
        return False
    run = run_off_hub if is_known else run_in_background  # a flood of guesses must not slow down others
    with lanes.turn(is_known=is_known):
        return run(lambda: _fits(password_hash, normal))


def rehash_outdated(password_hash: str, password: str) -> str | None:
    """Return a new hash if the parameters of `password_hash` are outdated."""
    return hash_password(password) if hasher.check_needs_rehash(password_hash) else None


def refuse_weak(password: str, *context: str) -> None:
    """Raise WeakPassword if too short, common, monotonous, or made of personal data.

    NIST SP 800-63B, 3.1.1.2: length and a list of common passwords, no composition rules.
    """
    if len(password) < MIN_LENGTH:
        raise WeakPassword(
            f"Use at least {MIN_LENGTH} characters; a few unrelated words make a good password."
        )
    if len(password) > MAX_LENGTH:
        raise WeakPassword(f"Use at most {MAX_LENGTH} characters.")
    folded = password.casefold()
    if (
        len(set(folded)) < 5
        or folded in _read_common_passwords()
        or folded.strip("0123456789!.?-_") in _read_common_passwords()
    ):
        raise WeakPassword("This password is one of the first that are tried. Use a few unrelated words.")
    if any(
        len(part) >= 4 and part in folded
        for text in context
        for part in text.casefold().split("@")[0].split()
    ):
        raise WeakPassword("Leave your name, your address and the name of this service out of the password.")


def _normalize(password: str) -> str:
    """Return the same text from every keyboard (NIST SP 800-63B, 3.1.1.2)."""
    return compose(password, MAX_LENGTH)


@functools.cache
def _read_common_passwords() -> frozenset[str]:
    return frozenset(resources.files("leadintake.auth").joinpath("common_passwords.txt").read_text().split())


@functools.cache
def _make_dummy_hash(password_hasher: PasswordHasher) -> str:
    """Return a hash that takes as long to verify as a real one."""
    return password_hasher.hash("nobody has this password")


def _fits(password_hash: str | None, password: str) -> bool:
    try:
        matches = hasher.verify(password_hash or _make_dummy_hash(hasher), password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and bool(password_hash)
