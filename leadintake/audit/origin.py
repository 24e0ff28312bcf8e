"""The credential and origin of an act."""

from __future__ import annotations

import getpass
import ipaddress
import re
import uuid

from flask import g, has_request_context

from leadintake.core.actor import SYSTEM, PersonOrUnnamed
from leadintake.core.http.limits import client_address


def note_credential(kind: str, key: uuid.UUID) -> None:
    """Note the session or token (`kind`) that authenticated this request."""
    g.audit_way = f"{kind}:{key}"


def name_credential(actor: PersonOrUnnamed) -> str:
    """Return `session:ID`, `token:ID` or `public`; outside requests `worker` or `command`."""
    if not has_request_context():
        return "worker" if actor is SYSTEM else "command"
    return str(g.get("audit_way", "public"))


def name_origin() -> str:
    """Return the client address, or the operator's login outside requests."""
    if has_request_context():
        return _address(client_address())
    try:
        return f"operator:{re.sub(r'[^A-Za-z0-9._-]', '_', getpass.getuser())[:60]}"
    except (KeyError, OSError):  # a container's user id may have no name
        return "operator"


def _address(text: str) -> str:
    """Return the text if it is an IP address, else `nowhere`: a forwarded header may hold any text."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return "nowhere"
