"""What users choose for their own pages, and which mails they get."""

from __future__ import annotations

from collections.abc import Collection

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.permissions import Permission
from leadintake.core.clock import is_zone
from leadintake.core.errors import UnprocessableContent

CHOICES: dict[str, Permission] = {
    "email_corrected": Permission.UPDATE_LEADS,
    "follow_up_due": Permission.UPDATE_LEADS,
    "leads_moved": Permission.UPDATE_LEADS,
    "quarantine_digest": Permission.REVIEW_QUARANTINE,
}
"""Kinds of mail that a user may switch off, and the permission of those who get them.

Not among them: the alert of a new lead (also of a returning prospect, which is the only one of that lead),
of a lead without attorney, of a failed message, and mails about the account.
"""


def choose_time_zone(user: User, name: str) -> None:
    """Set the time zone of the user's pages; empty: the firm's. Raises UnprocessableContent."""
    if name and not is_zone(name):
        raise UnprocessableContent({"timezone": ["Choose a time zone of the list."]})
    if (name or None) != user.timezone:
        user.timezone = name or None
        audit.record("user.timezone_changed", actor=user, about=("user", user.id))


def list_choices(user: User) -> list[str]:
    """Return the kinds of mail that the user gets and may switch off."""
    return [kind for kind, permission in CHOICES.items() if user.may(permission)]


def wants_mail(user: User, kind: str) -> bool:
    """Return whether the user gets this kind of mail. Kinds that are not in CHOICES reach everybody."""
    return kind not in CHOICES or kind not in _muted(user)


def choose(user: User, *, mails: Collection[str], single_keys: bool) -> None:
    """Set which of `list_choices` the user gets, and whether single keys act on their pages."""
    offered = set(list_choices(user))
    muted = " ".join(sorted((_muted(user) - offered) | (offered - set(mails)))) or None
    if (muted, single_keys) != (user.muted_mails, user.single_keys):
        user.muted_mails, user.single_keys = muted, single_keys
        audit.record("user.preferences_changed", actor=user, about=("user", user.id))


def _muted(user: User) -> set[str]:
    return set((user.muted_mails or "").split())
