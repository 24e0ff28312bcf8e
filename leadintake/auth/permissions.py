"""Who may do what, on one page."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody is in the firm."""

    ADMIN = "admin"
    MANAGER = "manager"
    ATTORNEY = "attorney"
    VIEWER = "viewer"


class Permission(StrEnum):
    """Something that can be done."""

    READ_LEADS = "read_leads"
    UPDATE_LEADS = "update_leads"
    """Record that a prospect was reached: attorneys their own leads only."""
    TAKE_LEADS = "take_leads"
    """Take a lead that nobody has."""
    UPDATE_ANY_LEAD = "update_any_lead"
    ASSIGN_LEADS = "assign_leads"
    DELETE_LEADS = "delete_leads"
    READ_USERS = "read_users"
    MANAGE_USERS = "manage_users"
    MANAGE_NOTIFICATIONS = "manage_notifications"
    SCREEN_LEADS = "screen_leads"
    """Bar somebody from a lead by name (an ethical wall, ABA Model Rule 1.10), and lift the bar."""
    REVIEW_QUARANTINE = "review_quarantine"
    """Look at submissions that looked like spam, let them in or put them away."""
    READ_AUDIT = "read_audit"
    SEE_ALL_LEADS = "see_all_leads"
    """See every lead even where attorneys see only their own (ATTORNEY_VISIBILITY=own)."""


_VIEWER = {Permission.READ_LEADS, Permission.SEE_ALL_LEADS}
_ATTORNEY = {Permission.READ_LEADS, Permission.UPDATE_LEADS, Permission.TAKE_LEADS}
_MANAGER = _VIEWER | _ATTORNEY | {
    Permission.UPDATE_ANY_LEAD,
    Permission.ASSIGN_LEADS,
    Permission.DELETE_LEADS,
    Permission.READ_USERS,
    Permission.MANAGE_NOTIFICATIONS,
    Permission.SCREEN_LEADS,
    Permission.REVIEW_QUARANTINE,
}  # fmt: skip

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset(_VIEWER),
    Role.ATTORNEY: frozenset(_ATTORNEY),
    Role.MANAGER: frozenset(_MANAGER),
    Role.ADMIN: frozenset(_MANAGER | {Permission.MANAGE_USERS, Permission.READ_AUDIT}),
}
