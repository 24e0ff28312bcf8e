"""Host names and IP addresses."""

from __future__ import annotations

from ipaddress import ip_address


def is_ip(text: str, *, version: int | None = None) -> bool:
    """Return whether it is an IP address (of this version)."""
    try:
        return version in {None, ip_address(text).version}
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    """Return whether it is this machine."""
    return host == "localhost" or (is_ip(host) and ip_address(host).is_loopback)
