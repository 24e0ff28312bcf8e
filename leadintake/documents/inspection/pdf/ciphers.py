"""RC4 and AES (7.6.3), loaded when the first encrypted file comes."""

from __future__ import annotations

from .filters import Pieces

BLOCK = 16


def rc4(key: bytes, pieces: Pieces) -> Pieces:
    """Decrypt with RC4, or encrypt."""
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
    from cryptography.hazmat.primitives.ciphers import Cipher

    decryptor = Cipher(ARC4(key), mode=None).decryptor()
    for piece in pieces:
        yield decryptor.update(piece)


def aes(key: bytes, pieces: Pieces) -> Pieces:
    """Decrypt with AES-CBC; the first block is the initial vector. The padding at the end is left on."""
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


def encrypted_aes(key: bytes, vector: bytes, content: bytes) -> bytes:
    """Encrypt whole blocks with AES-CBC, without padding."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    return Cipher(AES(key), CBC(vector)).encryptor().update(content)
