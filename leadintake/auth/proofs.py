"""What is shown instead of a password, as JSON and in addresses: passkeys, and the provider's answer."""

from __future__ import annotations

import base64
from typing import Annotated, Any, Literal

import msgspec

Base64Url = Annotated[str, msgspec.Meta(max_length=65536)]
CredentialId = Annotated[str, msgspec.Meta(max_length=1400)]
"""At most 1023 bytes (WebAuthn level 3, 6.5.1), base64url."""
PasskeyOptions = dict[str, Any]
"""What browsers read by PublicKeyCredential.parseCreationOptionsFromJSON, or parseRequestOptionsFromJSON."""


class Attestation(msgspec.Struct):
    """How an authenticator presents a new key; what else a browser tells is not needed."""

    client_data_json: Base64Url = msgspec.field(name="clientDataJSON")
    attestation_object: Base64Url = msgspec.field(name="attestationObject")


class Assertion(msgspec.Struct):
    """How an authenticator proves that it has a key."""

    client_data_json: Base64Url = msgspec.field(name="clientDataJSON")
    authenticator_data: Base64Url = msgspec.field(name="authenticatorData")
    signature: Base64Url
    user_handle: CredentialId = msgspec.field(name="userHandle")


class NewCredential(msgspec.Struct):
    """What navigator.credentials.create gave, as its toJSON() writes it."""

    id: CredentialId
    raw_id: CredentialId = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: Attestation


class ShownCredential(msgspec.Struct):
    """What navigator.credentials.get gave, as its toJSON() writes it."""

    id: CredentialId
    raw_id: CredentialId = msgspec.field(name="rawId")
    type: Literal["public-key"]
    response: Assertion


class NewPasskey(msgspec.Struct, forbid_unknown_fields=True):
    """A passkey to keep, under a name its owner knows it by."""

    name: Annotated[str, msgspec.Meta(max_length=100)]
    credential: NewCredential


class PasskeyShown(msgspec.Struct, forbid_unknown_fields=True):
    """A passkey to sign in with."""

    credential: ShownCredential


class SsoStart(msgspec.Struct, forbid_unknown_fields=True):
    """Where to go once signed in: a path of this site."""

    next: Annotated[str, msgspec.Meta(max_length=500)] = "/docs"


class SsoAnswer(msgspec.Struct):
    """What the provider sends the browser back with (RFC 6749, 4.1.2; RFC 9207)."""

    code: Annotated[str, msgspec.Meta(max_length=4096, pattern="^[ -~]*$")] = ""
    state: Annotated[str, msgspec.Meta(max_length=200)] = ""
    error: Annotated[str, msgspec.Meta(max_length=200)] = ""
    iss: Annotated[str, msgspec.Meta(max_length=1000)] = ""


def to_bytes(text: str) -> bytes:
    """What base64url `text` stands for, padded or not. Raises ValueError."""
    return base64.urlsafe_b64decode(f"{text}===")  # the decoder takes more padding than is needed


def to_text(content: bytes) -> str:
    """Base64url without padding, as WebAuthn writes bytes."""
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
