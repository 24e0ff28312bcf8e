"""Where an act came from: which way in, from which address."""

from __future__ import annotations

import getpass
import ipaddress
import re
import uuid

from flask import g, has_request_context

from leadintake.core.limits import client_address


def came_by(way: str, key: uuid.UUID) -> None:
    """Note by which session or token this request came in."""
    g.audit_way = f"{way}:{key}"


def way(by: object) -> str:
    """`session:ID`, `token:ID` or `public`; where nothing was requested, `worker` or `command`."""
    if not has_request_context():
        return "worker" if by == "system" else "command"
    return str(g.get("audit_way", "public"))


def place() -> str:
    """The address the request came from, or who is logged in at the machine."""
    if has_request_context():
        return _address(client_address())
    try:
        return f"operator:{re.sub(r'[^A-Za-z0-9._-]', '_', getpass.getuser())[:60]}"
    except (KeyError, OSError):  # a container may run as a number without a name
        return "operator"


def _address(text: str) -> str:
    """An address and nothing else: a header that a proxy passes on may hold any words."""
    try:
        return str(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return "nowhere"
