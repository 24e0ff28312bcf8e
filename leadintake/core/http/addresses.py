"""The key under which every limit counts a client's address."""

from __future__ import annotations

import functools
import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

NOWHERE = "nowhere"
"""Key of all other text: another spelling must not be a new client."""
SUBSCRIBER_BITS = 64
"""The prefix of one IPv6 subscriber (RFC 6177, RFC 7421): counted as one address."""
CARRIES_IPV4 = (
    IPv6Network("::ffff:0:0/96"),  # mapped (RFC 4291)
    IPv6Network("::ffff:0:0:0/96"),  # translated (RFC 2765)
    IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
)
"""Networks whose last 32 bits are the client's IPv4 address."""
WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+")


@functools.lru_cache(maxsize=4096)
def client_key(address: str) -> str:
    """Return the key of an address: IPv4 itself, IPv6 by its /64.

    IPv4 inside IPv6 (mapped, translated, NAT64, 6to4, Teredo) counts as IPv4. Zone, port and brackets are
    ignored. Other text is "nowhere".
    """
    text = address.strip()
    if found := WITH_PORT.fullmatch(text):
        text = found[1] or found[2]
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return NOWHERE
    carried = _ipv4_inside(parsed) if isinstance(parsed, IPv6Address) else parsed
    return str(carried or IPv6Network((int(parsed), SUBSCRIBER_BITS), strict=False))


def _ipv4_inside(address: IPv6Address) -> IPv4Address | None:
    if any(address in network for network in CARRIES_IPV4):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    return address.teredo[1] if address.teredo is not None else None
