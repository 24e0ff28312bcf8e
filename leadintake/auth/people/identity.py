"""Validation of names and addresses."""

from __future__ import annotations

from leadintake.auth.service import folded
from leadintake.core.addresses import MAX_LENGTH, BadAddress, mail_address
from leadintake.core.errors import UnprocessableContent
from leadintake.core.text import visible_line


def read_address(email: str) -> str:
    """Return the folded address. Raises UnprocessableContent if invalid."""
    try:
        return folded(mail_address(email))
    except BadAddress as error:
        raise UnprocessableContent(
            {"email": [f"{email[:MAX_LENGTH]!r} is not an e-mail address: {error}"]}
        ) from error


def read_name(name: str) -> str:
    """Return the name on one line. Raises UnprocessableContent if empty or unprintable."""
    text = visible_line(name, 100)
    if not text:
        raise UnprocessableContent(
            {"name": ["A name has 1 to 100 characters, and none that cannot be shown."]}
        )
    return text
