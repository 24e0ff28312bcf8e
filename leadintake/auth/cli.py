"""Helpers of commands on users."""

from __future__ import annotations

import click

from leadintake.auth.models import User
from leadintake.auth.service import auth


def user_named(email: str) -> User:
    """Return the user with this address. Raises ClickException if there is none."""
    user = auth.find(email)
    if user is None:
        raise click.ClickException(f"There is no user {email}. `flask users list` shows them all.")
    return user
