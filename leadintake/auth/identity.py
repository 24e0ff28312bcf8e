"""A person's name and address, as they were typed."""

from __future__ import annotations

from leadintake.auth.service import folded
from leadintake.core.addresses import LONGEST, BadAddress, mail_address
from leadintake.core.errors import Invalid
from leadintake.core.text import shown_line
from leadintake.notifications.probe import unreachable


def read_address(email: str) -> str:
    """Return a mail address in the form in which it is looked up. Raises Invalid for none."""
    try:
        return folded(mail_address(email))
    except BadAddress as error:
        raise Invalid({"email": [f"{email[:LONGEST]!r} is not an e-mail address: {error}"]}) from error


def refuse_unreachable(address: str) -> None:
    """Raise Invalid for an address that the mail server can never send to."""
    if reason := unreachable(address):
        raise Invalid({"email": [f"{address} can never be mailed: {reason}."]})


def read_name(name: str) -> str:
    """Return a name of one line. Raises Invalid for one that is empty or cannot be shown."""
    text = shown_line(name, 100)
    if not text:
        raise Invalid({"name": ["A name has 1 to 100 characters, and none that cannot be shown."]})
    return text
