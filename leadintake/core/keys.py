"""Keys made from the application's secret, one for each purpose, and what is sealed with them.

A key of SECRET_KEY_FALLBACKS still opens what it sealed: rotating SECRET_KEY locks nobody out.
"""

from __future__ import annotations

import base64
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app


class Unreadable(ValueError):
    """It was sealed with a key that is not configured, or altered since."""


def keys(purpose: str) -> list[bytes]:
    """The keys for `purpose`, 32 bytes each: that of SECRET_KEY first, then those of its fallbacks."""
    secrets = [current_app.config["SECRET_KEY"], *current_app.config["SECRET_KEY_FALLBACKS"]]
    return [hmac.digest(secret.encode(), f"leadintake {purpose}".encode(), "sha256") for secret in secrets]


def keyed_hash(purpose: str, text: str) -> str:
    """A hash that tells nothing of `text` to whoever lacks the key: 64 hexadecimal digits."""
    return hmac.digest(keys(purpose)[0], text.encode(), "sha256").hex()


def seal(purpose: str, text: str) -> str:
    """Encrypt and authenticate `text` for keeping (Fernet: AES-128-CBC with HMAC-SHA-256)."""
    return _box(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """What was sealed for the same purpose. Raises Unreadable."""
    try:
        return _box(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable(
            f"What was kept for {purpose!r} cannot be read with SECRET_KEY or a fallback."
        ) from error


def _box(purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys(purpose)])
