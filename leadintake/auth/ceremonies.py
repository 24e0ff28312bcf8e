"""The two ceremonies of WebAuthn level 3 as this service holds them: making a passkey, and showing it.

Every passkey is one that its device finds by itself, and the device checks its user each time. What kind
of device it is (attestation) is nobody's business here. The library is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from flask import current_app

from leadintake.auth.models import User
from leadintake.auth.proofs import NewCredential, PasskeyOptions, ShownCredential, to_bytes

if TYPE_CHECKING:
    from webauthn.registration.verify_registration_response import VerifiedRegistration

TIMEOUT_MILLISECONDS = 300_000


class NotVerified(ValueError):
    """What the browser or the authenticator says is not as it must be."""


def creation_options(user: User, challenge: bytes, known: Iterable[str]) -> PasskeyOptions:
    """What navigator.credentials.create is told; `known` are the ids of passkeys not to be made again."""
    import webauthn
    from webauthn.helpers import structs

    options = webauthn.generate_registration_options(
        rp_id=_host(),
        rp_name=current_app.config["FIRM_NAME"],
        user_id=user.id.bytes,
        user_name=user.email,
        user_display_name=user.name,
        challenge=challenge,
        timeout=TIMEOUT_MILLISECONDS,
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(to_bytes(one)) for one in known],
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
    )
    return _plain(webauthn.options_to_json(options))


def request_options(challenge: bytes) -> PasskeyOptions:
    """What navigator.credentials.get is told: any passkey of this site, whosever it is."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=_host(),
        challenge=challenge,
        timeout=TIMEOUT_MILLISECONDS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _plain(webauthn.options_to_json(options))


def made(credential: NewCredential, challenge: bytes) -> VerifiedRegistration:
    """The key that was made for the challenge. Raises NotVerified."""
    import webauthn

    try:
        return webauthn.verify_registration_response(
            credential=msgspec.to_builtins(credential),
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origin(),
            require_user_verification=True,
        )
    except Exception as error:
        raise NotVerified(str(error)) from error


def shown(credential: ShownCredential, challenge: bytes, user: User, public_key: str) -> int:
    """The count of the device that proved to have the user's key. Raises NotVerified."""
    import webauthn

    try:
        whose = to_bytes(credential.response.user_handle)
        verified = webauthn.verify_authentication_response(
            credential=msgspec.to_builtins(credential),
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origin(),
            credential_public_key=to_bytes(public_key),
            credential_current_sign_count=0,  # whoever keeps the count judges it
            require_user_verification=True,
        )
    except Exception as error:
        raise NotVerified(str(error)) from error
    if whose != user.id.bytes:
        raise NotVerified("The device means somebody else.")
    return verified.new_sign_count


def _host() -> str:
    """What passkeys are bound to: the relying party's id."""
    return urlsplit(current_app.config["PUBLIC_URL"]).hostname or ""


def _origin() -> str:
    """PUBLIC_URL as browsers write an origin: in lower case, without the usual port."""
    parts = urlsplit(current_app.config["PUBLIC_URL"])
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{_host()}{port}"


def _plain(options: str) -> PasskeyOptions:
    found: PasskeyOptions = msgspec.json.decode(options)
    return found
