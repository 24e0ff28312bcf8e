"""Keys derived from SECRET_KEY, one per purpose, and encryption with them.

Keys of SECRET_KEY_FALLBACKS still decrypt: rotating SECRET_KEY locks out no user.
"""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING

from flask import current_app

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet


class Unreadable(ValueError):
    """The text was encrypted with an unknown key, or altered."""


def keys(purpose: str) -> list[bytes]:
    """Return the keys for `purpose`, 32 bytes each: from SECRET_KEY, then from its fallbacks."""
    secrets = [current_app.config["SECRET_KEY"], *current_app.config["SECRET_KEY_FALLBACKS"]]
    return [hmac.digest(secret.encode(), f"leadintake {purpose}".encode(), "sha256") for secret in secrets]


def keyed_hash(purpose: str, text: str) -> str:
    """Return the HMAC-SHA-256 of `text`: 64 hexadecimal digits."""
    return hmac.digest(keys(purpose)[0], text.encode(), "sha256").hex()


def is_keyed_hash(purpose: str, text: str, candidate: str) -> bool:
    """Return whether the candidate is the keyed hash of `text`, by the current key or a fallback."""
    hashes = [hmac.digest(key, text.encode(), "sha256").hex() for key in keys(purpose)]
    return any(hmac.compare_digest(known.encode(), candidate.encode()) for known in hashes)


def seal(purpose: str, text: str) -> str:
    """Encrypt and authenticate `text` (Fernet: AES-128-CBC with HMAC-SHA-256)."""
    return _fernet(purpose).encrypt(text.encode()).decode()


def unseal(purpose: str, sealed: str) -> str:
    """Decrypt a text of the same purpose. Raises Unreadable."""
    from cryptography.fernet import InvalidToken

    try:
        return _fernet(purpose).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise Unreadable(
            f"What was kept for {purpose!r} cannot be read with SECRET_KEY or a fallback."
        ) from error


def _fernet(purpose: str) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys(purpose)])
