"""Encryption key for the empty password (7.6.4.3 and 7.6.4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5, sha256, sha384, sha512

from . import ciphers

PAD = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
ROUNDS = 64
MAX_ROUNDS = 320
"""Limit of algorithm 2.B, which ends by round 287."""


@dataclass(frozen=True)
class Handler:
    """Dictionary of the standard security handler (tables 20 and 21)."""

    revision: int
    lengths: tuple[int, ...]  # possible key lengths in bytes, likeliest first: programs disagree
    owner: bytes
    user: bytes
    user_key: bytes
    permissions: int
    encrypts_metadata: bool
    strings: str
    streams: str
    files: str


def find_key(handler: Handler, first_id: bytes) -> bytes | None:
    """Return the key, None if a password is needed."""
    if handler.revision >= 5:
        return _decrypt_file_key(handler)
    for length in dict.fromkeys(handler.lengths):
        key = _compute_md5_key(handler, first_id, length)
        if _is_key(handler, first_id, key):
            return key
    return None


def _compute_md5_key(handler: Handler, first_id: bytes, length: int) -> bytes:
    """Run algorithm 2."""
    digest = md5(PAD + handler.owner[:32], usedforsecurity=False)
    digest.update(handler.permissions.to_bytes(4, "little") + first_id)
    if handler.revision >= 4 and not handler.encrypts_metadata:
        digest.update(b"\xff\xff\xff\xff")
    key = digest.digest()
    for _ in range(50 if handler.revision >= 3 else 0):
        key = md5(key[:length], usedforsecurity=False).digest()
    return key[:length]


def _is_key(handler: Handler, first_id: bytes, key: bytes) -> bool:
    """Run algorithms 4 to 6: compare with /U."""
    if handler.revision == 2:
        return b"".join(ciphers.apply_rc4(key, iter((PAD,)))) == handler.user[:32]
    content = md5(PAD + first_id, usedforsecurity=False).digest()
    for step in range(20):
        content = b"".join(ciphers.apply_rc4(bytes(byte ^ step for byte in key), iter((content,))))
    return content == handler.user[:16]


def _decrypt_file_key(handler: Handler) -> bytes | None:
    """Run algorithm 2.A: `user` is a hash and two salts."""
    if len(handler.user) < 48 or len(handler.user_key) < 32:
        return None
    check, check_salt, key_salt = handler.user[:32], handler.user[32:40], handler.user[40:48]
    if _hash(handler.revision, check_salt) != check:
        return None
    key = _hash(handler.revision, key_salt)
    return b"".join(ciphers.decrypt_aes(key, iter((bytes(16) + handler.user_key[:32],))))


def _hash(revision: int, salt: bytes) -> bytes:
    """Run algorithm 2.B; revision 5 has only its first step."""
    key = sha256(salt).digest()
    if revision == 5:
        return key
    for done in range(1, MAX_ROUNDS):
        mixed = ciphers.encrypt_aes(key[:16], key[16:32], key * 64)
        key = (sha256, sha384, sha512)[sum(mixed[:16]) % 3](mixed).digest()
        if done >= ROUNDS and mixed[-1] <= done - 32:
            break
    return key[:32]
