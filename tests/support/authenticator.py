"""A security key made of software, and the browser around it, which may both lie (WebAuthn level 3)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, WITH_KEY = 0x01, 0x04, 0x40
ORIGIN = "https://intake.firm.example"


@dataclass
class Key:
    """A key pair in the device, and whom it is for."""

    user: str
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))


class Authenticator:
    """A device that counts, or does not: then its count is always 0."""

    def __init__(self, *, counts: bool = True) -> None:
        self.keys: list[Key] = []
        self.count = 1 if counts else 0
        self.counts = counts

    def make(self, options: dict[str, Any], **lies: Any) -> dict[str, Any]:
        """What the browser gives for creation options. `lies` are of `_said` and `_known`, or an `id`."""
        key = Key(options["user"]["id"])
        key.id = lies.pop("id", key.id)
        self.keys.append(key)
        point = key.private.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        about = bytes(16) + len(key.id).to_bytes(2, "big") + key.id + cbor2.dumps(cose)
        known = self._known(options["rp"]["id"], WITH_KEY, **lies) + about
        attestation = {"fmt": "none", "attStmt": {}, "authData": known}
        return _credential(
            key,
            clientDataJSON=b64(_said("webauthn.create", options["challenge"], **lies)),
            attestationObject=b64(cbor2.dumps(attestation)),
            transports=["internal"],
        )

    def show(self, options: dict[str, Any], key: Key | None = None, **lies: Any) -> dict[str, Any]:
        """What the browser gives for request options: with the last key made, or the given one."""
        key = key or self.keys[-1]
        self.count += self.counts
        said = _said("webauthn.get", options["challenge"], **lies)
        known = self._known(options["rpId"], 0, **lies)
        signature = key.private.sign(known + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return _credential(
            key,
            clientDataJSON=b64(said),
            authenticatorData=b64(known),
            signature=b64(signature),
            userHandle=lies.get("user", key.user),
        )

    def _known(
        self, host: str, flags: int, *, rp_id: str = "", verified: bool = True, present: bool = True, **_: Any
    ) -> bytes:
        flags |= (VERIFIED if verified else 0) | (PRESENT if present else 0)
        return (
            hashlib.sha256((rp_id or host).encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")
        )


def _said(
    kind: str,
    challenge: str,
    *,
    origin: str = ORIGIN,
    instead: str = "",
    act: str = "",
    framed: bool = False,
    **_: Any,
) -> bytes:
    return json.dumps(
        {"type": act or kind, "challenge": instead or challenge, "origin": origin, "crossOrigin": framed}
    ).encode()


def _credential(key: Key, **response: Any) -> dict[str, Any]:
    return {
        "id": b64(key.id),
        "rawId": b64(key.id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": response,
    }


def b64(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
