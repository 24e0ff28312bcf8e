"""The browsers people sign in with: what to call them, and which of them an account knows already."""

from __future__ import annotations

import hashlib
import secrets
from ipaddress import ip_address, ip_network

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from leadintake.auth.session_interface import current
from leadintake.core.keys import keys

KNOWN_FOR_SECONDS = 180 * 24 * 60 * 60
MOST_ACCOUNTS = 20
"""Of the cookies of devices that a request brings: reading one has a price."""
# Looked for in this order: each of these also calls itself like some of those that follow.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"),
            ("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
           ("Mac OS X", "Mac"), ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


def name_of_device(user_agent: str) -> str:
    """Enough to know one's own: `Firefox on Windows`."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "A program")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return f"{browser} on {system}" if system else browser


def network_of(address: str) -> str:
    """The network an address is in, as coarse as still tells one's own from a strange one: /16, IPv6 /32."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    found = getattr(found, "ipv4_mapped", None) or found
    return str(ip_network(f"{found}/{16 if found.version == 4 else 32}", strict=False))


def known_device(account: str) -> str | None:
    """The mark of a device that signed in to this account before and is not forgotten.

    A signed cookie (OWASP, device cookies): it lets nobody in, it only keeps strangers' failures apart.
    """
    mark = _mark(_cookie_name(account))
    return mark[1] if mark is not None and mark[0] == account else None


def own_device(account: str) -> str:
    """The mark of the device of somebody who is signed in: a session, too, sets them apart from strangers."""
    row = current().row
    return known_device(account) or f"session {row.id if row is not None else ''}"


def any_known_device() -> str | None:
    """The mark of a device that some account knows: for doors where it shows late whose it is."""
    of_devices = [name for name in request.cookies if name.startswith(_cookie_name(None))]
    marks = (_mark(name) for name in of_devices[:MOST_ACCOUNTS])
    return next((mark[1] for mark in marks if mark is not None), None)


def remember_device(response: Response, account: str) -> None:
    """Let this browser be known as a device of the account from now on."""
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
    """The account a cookie is of, and the device's mark; None where it is not ours, or too old."""
    try:
        account, mark = _signer().loads(request.cookies.get(cookie, ""), max_age=KNOWN_FOR_SECONDS)
    except (BadData, ValueError, TypeError):
        return None
    return str(account), str(mark)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer([*reversed(keys("device"))], salt="device")


def _cookie_name(account: str | None) -> str:
    """One cookie for each account (None: how they all begin): two people at one computer stay known."""
    whose = "" if account is None else hashlib.sha256(account.encode(errors="replace")).hexdigest()[:8]
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device-{whose}"
