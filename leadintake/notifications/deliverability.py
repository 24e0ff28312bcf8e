"""Check whether the mail server can send to an address."""

from __future__ import annotations

from leadintake.core.errors import UnprocessableContent
from leadintake.notifications.channels.interface import ChannelDown, get_channels
from leadintake.notifications.models import MAIL

UNSUPPORTED_ADDRESS = (
    "{} can never be mailed: the mail server takes only ASCII letters before the @ (it offers no SMTPUTF8)."
)


def require_deliverable(address: str) -> None:
    """Raise UnprocessableContent if the address needs SMTPUTF8 (RFC 6531) and a reachable server lacks it."""
    if address.rpartition("@")[0].isascii():
        return
    try:
        with get_channels()[MAIL].open() as sender:
            is_supported = sender.has_smtputf8()
    except ChannelDown:
        return
    if not is_supported:
        raise UnprocessableContent({"email": [UNSUPPORTED_ADDRESS.format(address)]})
