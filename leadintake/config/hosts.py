"""Names and numbers of machines."""

from __future__ import annotations

from ipaddress import ip_address


def is_ip(text: str, *, version: int | None = None) -> bool:
    """Whether this is an IP address, of this version if one is asked for."""
    try:
        return version in {None, ip_address(text).version}
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Whether this is the machine itself."""
    return host == "localhost" or (is_ip(host) and ip_address(host).is_loopback)
