"""Names of browsers, and the devices known to an account."""

from __future__ import annotations

import hashlib
import secrets
from ipaddress import ip_address, ip_network

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from leadintake.auth.sessions.interface import current
from leadintake.core.crypto import keys

KNOWN_FOR_SECONDS = 180 * 24 * 60 * 60
MAX_ACCOUNTS = 20
"""Device cookies read per request: each costs time."""
# In order: a user agent also contains names of later entries.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
            ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
           ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


def name_of_device(user_agent: str) -> str:
    """Return a name such as `Firefox on Windows`."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "A program")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return f"{browser} on {system}" if system else browser


def network_of(address: str) -> str:
    """Return the network of an address: /16, or IPv6 /32. Empty if invalid."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network(f"{found}/{16 if found.version == 4 else 32}", strict=False))


def known_device(account: str) -> str | None:
    """Return the mark of a device that signed in to this account before, from a signed cookie.

    OWASP, device cookies: it does not authenticate; it separates the throttle's counts from strangers.
    """
    mark = _mark(_cookie_name(account))
    return mark[1] if mark is not None and mark[0] == account else None


def own_device(account: str) -> str:
    """Return the device mark of the signed-in user, else one of the session."""
    row = current().row
    return known_device(account) or f"session {row.id if row is not None else ''}"


def any_known_device() -> str | None:
    """Return the mark of a device known to any account."""
    of_devices = [name for name in request.cookies if name.startswith(_cookie_name(None))]
    marks = (_mark(name) for name in of_devices[:MAX_ACCOUNTS])
    return next((mark[1] for mark in marks if mark is not None), None)


def remember_device(response: Response, account: str) -> None:
    """Set the cookie of a known device for the account."""
    mark = known_device(account) or secrets.token_urlsafe(16)
    response.set_cookie(
        _cookie_name(account),
        str(_signer().dumps([account, mark])),
        max_age=KNOWN_FOR_SECONDS,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=current_app.config["ENVIRONMENT"] == "production",
    )


def _mark(cookie: str) -> tuple[str, str] | None:
    """Return account and mark of a valid cookie."""
    try:
        account, mark = _signer().loads(request.cookies.get(cookie, ""), max_age=KNOWN_FOR_SECONDS)
    except (BadData, ValueError, TypeError):
        return None
    return str(account), str(mark)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer([*reversed(keys("device"))], salt="device")


def _cookie_name(account: str | None) -> str:
    """Return the account's cookie name (None: the common prefix): accounts can share a browser."""
    suffix = "" if account is None else hashlib.sha256(account.encode(errors="replace")).hexdigest()[:8]
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device-{suffix}"
