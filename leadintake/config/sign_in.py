"""Validation of the settings of sign-in."""

from __future__ import annotations

import re
from importlib.util import find_spec
from urllib.parse import urlsplit

from leadintake.auth.permissions import Role
from leadintake.config.hosts import is_ip, is_loopback
from leadintake.config.settings import Settings

ISSUER = re.compile(r"https?://[^?#@\s]+")


def check_sign_in(settings: Settings) -> list[tuple[bool, str]]:
    """Return the checks of sign-in."""
    return _check_methods(settings) + _check_single_sign_on(settings)


def _check_methods(settings: Settings) -> list[tuple[bool, str]]:
    return [
        (
            settings.PASSKEYS and find_spec("webauthn") is None,
            "PASSKEYS: install the library first: pip install 'leadintake[passkeys]'",
        ),
        (
            settings.PASSKEYS and not _may_bind_passkeys(settings.PUBLIC_URL),
            "PASSKEYS: browsers bind them to a name; PUBLIC_URL must be https:// with a host name, "
            "or http://localhost:PORT",
        ),
        *(
            (role not in set(Role), f"REQUIRE_MFA: {role!r} is not one of {', '.join(Role)}")
            for role in settings.REQUIRE_MFA
        ),
    ]


def _check_single_sign_on(settings: Settings) -> list[tuple[bool, str]]:
    issuer = settings.OIDC_ISSUER
    useless = [
        name
        for name in ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_ROLE_CLAIM", "OIDC_ROLES")
        if getattr(settings, name) and not issuer
    ]
    roles = [(entry, entry.rpartition("=")) for entry in settings.OIDC_ROLES]
    return [
        (bool(issuer) and not _is_issuer(issuer), "OIDC_ISSUER: use the https:// address of the provider"),
        (bool(issuer) and not settings.OIDC_CLIENT_ID, "OIDC_ISSUER without OIDC_CLIENT_ID"),
        (
            bool(issuer) and not all(map(find_spec, ("authlib", "joserfc", "requests"))),
            "OIDC_ISSUER: install the libraries first: pip install 'leadintake[sso]'",
        ),
        *((True, f"{name} without OIDC_ISSUER") for name in useless),
        (
            bool(settings.OIDC_ROLES) != bool(settings.OIDC_ROLE_CLAIM),
            "OIDC_ROLE_CLAIM and OIDC_ROLES: set both, or none to keep roles here",
        ),
        *(
            (
                not value.strip() or role.strip() not in set(Role),
                f"OIDC_ROLES: {entry!r} is not VALUE=ROLE with one of {', '.join(Role)}",
            )
            for entry, (value, _, role) in roles
        ),
    ]


def _is_issuer(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        return bool(ISSUER.fullmatch(address) and host) and (parts.scheme == "https" or is_loopback(host))
    except ValueError:
        return False


def _may_bind_passkeys(address: str) -> bool:
    """Return whether browsers create passkeys here (WebAuthn level 3, 5.1.3 and 13.4.9)."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    return host == "localhost" or (parts.scheme == "https" and not is_ip(host) and bool(host))
