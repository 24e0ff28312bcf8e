"""Roles, permissions and grants."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A user's role in the firm."""

    ADMIN = "admin"
    MANAGER = "manager"
    ATTORNEY = "attorney"
    VIEWER = "viewer"


class Permission(StrEnum):
    """A permitted action."""

    READ_LEADS = "read_leads"
    UPDATE_LEADS = "update_leads"
    """Change the status of one's own leads."""
    TAKE_LEADS = "take_leads"
    """Take an unassigned lead."""
    UPDATE_ANY_LEAD = "update_any_lead"
    ASSIGN_LEADS = "assign_leads"
    DELETE_LEADS = "delete_leads"
    READ_USERS = "read_users"
    MANAGE_USERS = "manage_users"
    MANAGE_NOTIFICATIONS = "manage_notifications"
    SCREEN_LEADS = "screen_leads"
    """Screen a user from a lead (ethical wall, ABA Model Rule 1.10), and end the screen."""
    REVIEW_QUARANTINE = "review_quarantine"
    """Review suspected spam: release or discard it."""
    READ_AUDIT = "read_audit"
    SEE_ALL_LEADS = "see_all_leads"
    """See all leads even with ATTORNEY_VISIBILITY=own."""


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
