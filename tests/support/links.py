"""What a mail that waits sealed says, and the link in it."""

from __future__ import annotations

import re

from flask import Flask

from leadintake.core.crypto import unseal
from leadintake.notifications.channels.interface import SEAL_PURPOSE
from leadintake.notifications.models import Notification


def words_of(app: Flask, mail: Notification) -> str:
    """The text of a sealed mail."""
    with app.app_context():
        return unseal(SEAL_PURPOSE, mail.text)


def link_in(app: Flask, mail: Notification) -> str:
    """The path of the link in it."""
    found = re.search(r"http://127\.0\.0\.1:8000(/account/\S+)", words_of(app, mail))
    assert found
    return found[1]


def token_in(app: Flask, mail: Notification) -> str:
    """The token of that link."""
    return link_in(app, mail).rpartition("/")[2]
