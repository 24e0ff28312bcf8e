"""Whether the mail server can mail an address at all."""

from __future__ import annotations

from flask import current_app

from leadintake.core.errors import Invalid
from leadintake.notifications.channels import Channel, ChannelDown

NEVER = (
    "{} can never be mailed: the mail server takes only ASCII letters before the @ (it offers no SMTPUTF8)."
)


def refuse_unreachable(address: str) -> None:
    """Raise Invalid for an address that the mail server can never take; one cannot know while it is away."""
    if address.rpartition("@")[0].isascii():
        return
    channel: Channel = current_app.extensions["leadintake.channel"]
    try:
        with channel.opened() as sender:
            taken = sender.takes_utf8()
    except ChannelDown:
        return
    if not taken:
        raise Invalid({"email": [NEVER.format(address)]})
