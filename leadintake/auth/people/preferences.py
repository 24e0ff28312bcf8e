"""What users choose for their own pages."""

from __future__ import annotations

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.clock import is_zone
from leadintake.core.errors import UnprocessableContent


def choose_time_zone(user: User, name: str) -> None:
    """Set the time zone of the user's pages; empty: the firm's. Raises UnprocessableContent."""
    if name and not is_zone(name):
        raise UnprocessableContent({"timezone": ["Choose a time zone of the list."]})
    if (name or None) != user.timezone:
        user.timezone = name or None
        audit.record("user.timezone_changed", actor=user, about=("user", user.id))
