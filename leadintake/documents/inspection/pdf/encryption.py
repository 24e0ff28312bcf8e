"""Standard security handler (7.6), with the empty password.

Most encrypted resumes only forbid changes and open without a password. Files that need one, or a certificate,
are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5
from typing import TypeVar

from ..findings import Refused
from ..sentences import PDF_LOCKED, PDF_UNUSUAL
from . import ciphers
from .filters import Pieces
from .keys import Handler, find_key
from .objects import Objects, Resolved
from .streams import resolve_single
from .values import Dictionary, Reference, String

MAX_DICTIONARIES = 100
"""/Encrypt dictionaries, one per revision of the file; they must agree."""
RC4, AES_128, AES_256 = "V2", "AESV2", "AESV3"
IDENTITY = "Identity"
SHORT, LONG = 5, 16
"""Key lengths in bytes that programs use; the cipher library accepts few others."""
METHODS = {RC4, AES_128, AES_256}
SUPPORTED_VERSIONS = {(1, 2), (1, 3), (2, 3), (4, 4), (5, 5), (5, 6)}
"""Versions and revisions of the handler; (5, 5) is Acrobat 9's."""
NO_STRING = String(b"", is_hex=False, owner=None)
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Cipher:
    """Key, and methods for strings, streams and attached files; IDENTITY: none."""

    key: bytes
    strings: str
    streams: str
    files: str

    def string(self, content: bytes, owner: Reference) -> bytes:
        """Decrypt a string outside object streams, which are encrypted as a whole."""
        found = b"".join(self._decrypt(self.strings, iter((content,)), owner))
        padding = found[-1] if found and self.strings in (AES_128, AES_256) else 0
        return found[:-padding] if 0 < padding <= ciphers.BLOCK else found

    def stream(self, pieces: Pieces, owner: Reference) -> Pieces:
        """Decrypt a stream."""
        return self._decrypt(self.streams, pieces, owner)

    def file(self, pieces: Pieces, owner: Reference) -> Pieces:
        """Decrypt an attached file."""
        return self._decrypt(self.files, pieces, owner)

    def _decrypt(self, method: str, pieces: Pieces, owner: Reference) -> Pieces:
        if method == IDENTITY:
            return pieces
        if method == AES_256:
            return ciphers.decrypt_aes(self.key, pieces)
        # 7.6.3.2, algorithm 1
        salted = (
            self.key + owner.number.to_bytes(5, "little")[:3] + owner.generation.to_bytes(3, "little")[:2]
        )
        salted += b"sAlT" if method == AES_128 else b""
        key = md5(salted, usedforsecurity=False).digest()[: min(len(self.key) + 5, 16)]
        return (ciphers.decrypt_aes if method == AES_128 else ciphers.apply_rc4)(key, pieces)


def find_cipher(objects: Objects, trailers: list[Dictionary]) -> Cipher | None:
    """Return the cipher, None for an unencrypted file.

    `trailers`: all dictionaries in which viewers look for /Encrypt.
    """
    encrypted, found = [], []
    is_mixed = False
    for trailer in trailers:
        dictionaries = objects.resolve(trailer.get("Encrypt"))
        if dictionaries:
            encrypted.append(trailer)
            found += dictionaries
        is_mixed = is_mixed or ("Root" in trailer and not dictionaries)
    if not encrypted:
        return None
    if is_mixed or len(found) > MAX_DICTIONARIES:  # viewers would disagree on decrypting it
        raise Refused(PDF_UNUSUAL)
    handlers = {_read_handler(objects, one) for one in found}
    ids = {_read_first_id(objects, trailer) for trailer in encrypted} - {None}
    if len(handlers) > 1 or len(ids) > 1:
        raise Refused(PDF_UNUSUAL)
    handler = handlers.pop()
    key = find_key(handler, ids.pop() or b"" if ids else b"")
    if key is None:
        raise Refused(PDF_LOCKED)
    return Cipher(key, handler.strings, handler.streams, handler.files)


def _read_first_id(objects: Objects, trailer: Dictionary) -> bytes | None:
    found = resolve_single(objects, trailer.get("ID"))
    first = resolve_single(objects, found[0]) if isinstance(found, list) and found else None
    return first.content() if isinstance(first, String) else None


def _read_handler(objects: Objects, dictionary: Resolved) -> Handler:
    """Read the dictionary of 7.6.2. Raises Refused for other handlers."""
    if not isinstance(dictionary, dict):
        raise Refused(PDF_UNUSUAL)

    def get(key: str, kind: type[Kind], otherwise: Kind) -> Kind:
        found = resolve_single(objects, dictionary.get(key))
        return found if isinstance(found, kind) else otherwise

    version, revision = get("V", int, 0), get("R", int, 0)
    if get("Filter", str, "") != "Standard" or (version, revision) not in SUPPORTED_VERSIONS:
        raise Refused(PDF_LOCKED)
    lengths = {1: (SHORT,), 2: (get("Length", int, 40) // 8,), 4: (LONG,), 5: ()}[version]
    streams = strings = files = RC4
    if version >= 4:
        filters = get("CF", dict, {})
        names = get("StmF", str, IDENTITY), get("StrF", str, IDENTITY)
        streams, strings, files = (
            _read_method(objects, filters, name) for name in (*names, get("EFF", str, names[0]))
        )
    owner, user, user_key = (get(key, String, NO_STRING).content() for key in ("O", "U", "UE"))
    return Handler(
        revision=revision,
        lengths=tuple(length for length in lengths if length in (SHORT, LONG)),
        owner=owner,
        user=user,
        user_key=user_key,
        permissions=get("P", int, 0) & 0xFFFFFFFF,
        encrypts_metadata=get("EncryptMetadata", bool, True),
        strings=strings,
        streams=streams,
        files=files,
    )


def _read_method(objects: Objects, filters: Dictionary, name: str) -> str:
    if name == IDENTITY:
        return IDENTITY
    found = resolve_single(objects, filters.get(name))
    method = resolve_single(objects, found.get("CFM")) if isinstance(found, dict) else None
    if method not in METHODS:
        raise Refused(PDF_LOCKED)
    return str(method)
