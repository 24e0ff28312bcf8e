"""The key of a file that opens without a password (7.6.4.3 and 7.6.4.4)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5, sha256, sha384, sha512

from . import ciphers

PAD = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
ROUNDS = 64
MOST_ROUNDS = 320
"""Of algorithm 2.B: it ends by itself in the 287th at the latest."""


@dataclass(frozen=True)
class Handler:
    """The dictionary of the standard security handler (tables 20 and 21), read."""

    revision: int
    lengths: tuple[int, ...]  # of the key in bytes, the likeliest first; writers and viewers disagree
    owner: bytes
    user: bytes
    user_key: bytes
    permissions: int
    encrypts_metadata: bool
    strings: str
    streams: str
    files: str


def find_key(handler: Handler, first_id: bytes) -> bytes | None:
    """The key, if no password is needed; else None."""
    if handler.revision >= 5:
        return _new_key(handler)
    for length in dict.fromkeys(handler.lengths):
        key = _old_key(handler, first_id, length)
        if _fits(handler, first_id, key):
            return key
    return None


def _old_key(handler: Handler, first_id: bytes, length: int) -> bytes:
    """Algorithm 2 with the empty password."""
    digest = md5(PAD + handler.owner[:32], usedforsecurity=False)
    digest.update(handler.permissions.to_bytes(4, "little") + first_id)
    if handler.revision >= 4 and not handler.encrypts_metadata:
        digest.update(b"\xff\xff\xff\xff")
    key = digest.digest()
    for _ in range(50 if handler.revision >= 3 else 0):
        key = md5(key[:length], usedforsecurity=False).digest()
    return key[:length]


def _fits(handler: Handler, first_id: bytes, key: bytes) -> bool:
    """Algorithms 4 to 6: what the user password's entry would be."""
    if handler.revision == 2:
        return b"".join(ciphers.rc4(key, iter((PAD,)))) == handler.user[:32]
    content = md5(PAD + first_id, usedforsecurity=False).digest()
    for step in range(20):
        content = b"".join(ciphers.rc4(bytes(byte ^ step for byte in key), iter((content,))))
    return content == handler.user[:16]


def _new_key(handler: Handler) -> bytes | None:
    """Algorithm 2.A with the empty password: what `user` holds are a hash and two salts."""
    if len(handler.user) < 48 or len(handler.user_key) < 32:
        return None
    check, check_salt, key_salt = handler.user[:32], handler.user[32:40], handler.user[40:48]
    if _hashed(handler.revision, check_salt) != check:
        return None
    key = _hashed(handler.revision, key_salt)
    return b"".join(ciphers.aes(key, iter((bytes(16) + handler.user_key[:32],))))


def _hashed(revision: int, salt: bytes) -> bytes:
    """Algorithm 2.B with the empty password; revision 5 had one step of it only."""
    key = sha256(salt).digest()
    if revision == 5:
        return key
    for done in range(1, MOST_ROUNDS):
        mixed = ciphers.encrypted_aes(key[:16], key[16:32], key * 64)
        key = (sha256, sha384, sha512)[sum(mixed[:16]) % 3](mixed).digest()
        if done >= ROUNDS and mixed[-1] <= done - 32:
            break
    return key[:32]
