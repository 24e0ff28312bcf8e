"""WebAuthn level 3 ceremonies. Passkeys are discoverable, require user verification, and are not attested.

The library is imported on first use.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
from flask import current_app

from leadintake.auth.models import User
from leadintake.auth.passkeys.schemas import NewCredential, PasskeyOptions, ShownCredential, to_bytes

if TYPE_CHECKING:
    from webauthn.registration.verify_registration_response import VerifiedRegistration

TIMEOUT_MILLISECONDS = 300_000


class NotVerified(ValueError):
    """The response of browser or authenticator is invalid."""


def creation_options(user: User, challenge: bytes, excluded_ids: Iterable[str]) -> PasskeyOptions:
    """Return options for navigator.credentials.create."""
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
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(to_bytes(credential_id)) for credential_id in excluded_ids
        ],
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
    )
    return _plain(webauthn.options_to_json(options))


def request_options(challenge: bytes) -> PasskeyOptions:
    """Return options for navigator.credentials.get with any passkey of this site."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=_host(),
        challenge=challenge,
        timeout=TIMEOUT_MILLISECONDS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return _plain(webauthn.options_to_json(options))


def verify_registration(credential: NewCredential, challenge: bytes) -> VerifiedRegistration:
    """Verify a new credential. Raises NotVerified."""
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


def verify_authentication(credential: ShownCredential, challenge: bytes, user: User, public_key: str) -> int:
    """Verify an assertion; return the new sign count. Raises NotVerified."""
    import webauthn

    try:
        user_id = to_bytes(credential.response.user_handle)
        verified = webauthn.verify_authentication_response(
            credential=msgspec.to_builtins(credential),
            expected_challenge=challenge,
            expected_rp_id=_host(),
            expected_origin=_origin(),
            credential_public_key=to_bytes(public_key),
            credential_current_sign_count=0,  # the caller checks the count
            require_user_verification=True,
        )
    except Exception as error:
        raise NotVerified(str(error)) from error
    if user_id != user.id.bytes:
        raise NotVerified("The device means somebody else.")
    return verified.new_sign_count


def _host() -> str:
    """Return the relying party's id."""
    return urlsplit(current_app.config["PUBLIC_URL"]).hostname or ""


def _origin() -> str:
    """Return PUBLIC_URL as an origin: lower case, without default port."""
    parts = urlsplit(current_app.config["PUBLIC_URL"])
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    port = "" if parts.port in (None, usual) else f":{parts.port}"
    return f"{parts.scheme}://{_host()}{port}"


def _plain(options: str) -> PasskeyOptions:
    found: PasskeyOptions = msgspec.json.decode(options)
    return found
