"""RC4 and AES (7.6.3). The library is imported at the first encrypted file."""

from __future__ import annotations

from .filters import Pieces

BLOCK = 16


def apply_rc4(key: bytes, pieces: Pieces) -> Pieces:
    """Encrypt or decrypt with RC4."""
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
    from cryptography.hazmat.primitives.ciphers import Cipher

    decryptor = Cipher(ARC4(key), mode=None).decryptor()
    for piece in pieces:
        yield decryptor.update(piece)


def decrypt_aes(key: bytes, pieces: Pieces) -> Pieces:
    """Decrypt AES-CBC, keeping the padding; the first block is the initialization vector."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    decryptor, start = None, b""
    for piece in pieces:
        if decryptor is None:
            start += piece
            if len(start) < BLOCK:
                continue
            decryptor = Cipher(AES(key), CBC(start[:BLOCK])).decryptor()
            piece = start[BLOCK:]
        yield decryptor.update(piece)


def encrypt_aes(key: bytes, vector: bytes, content: bytes) -> bytes:
    """Encrypt whole blocks with AES-CBC."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    return Cipher(AES(key), CBC(vector)).encryptor().update(content)
