"""JSON of browsers (WebAuthn level 3)."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

import msgspec

Base64Url = Annotated[str, msgspec.Meta(max_length=65536)]
CredentialId = Annotated[str, msgspec.Meta(max_length=1400)]
"""Base64url of at most 1023 bytes (WebAuthn level 3, 6.5.1)."""
PasskeyOptions = dict[str, Any]
"""Input of PublicKeyCredential.parseCreationOptionsFromJSON or parseRequestOptionsFromJSON."""


class Attestation(msgspec.Struct):
    """An authenticator's registration response, required fields only."""

    client_data_json: Base64Url = msgspec.field(name="clientDataJSON")
    attestation_object: Base64Url = msgspec.field(name="attestationObject")


class Assertion(msgspec.Struct):
    """An authenticator's proof of possession."""

    client_data_json: Base64Url = msgspec.field(name="clientDataJSON")
    authenticator_data: Base64Url = msgspec.field(name="authenticatorData")
    signature: Base64Url
    user_handle: CredentialId = msgspec.field(name="userHandle")


class NewCredential(msgspec.Struct):
    """toJSON() of navigator.credentials.create."""

    id: CredentialId
    raw_id: CredentialId = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: Attestation


class ShownCredential(msgspec.Struct):
    """toJSON() of navigator.credentials.get."""

    id: CredentialId
    raw_id: CredentialId = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: Assertion


class NewPasskey(msgspec.Struct, forbid_unknown_fields=True):
    """A passkey to add, with a name."""

    name: Annotated[str, msgspec.Meta(max_length=100)]
    credential: NewCredential


class PasskeyShown(msgspec.Struct, forbid_unknown_fields=True):
    """A passkey to sign in with."""

    credential: ShownCredential


def to_bytes(text: str) -> bytes:
    """Decode base64url, padded or not. Raises ValueError."""
    return base64.urlsafe_b64decode(f"{text}===")  # the decoder accepts excess padding


def to_text(content: bytes) -> str:
    """Encode base64url without padding, as in WebAuthn."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
