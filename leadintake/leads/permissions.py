"""Permissions on one lead."""

from __future__ import annotations

from leadintake.auth.models import User
from leadintake.auth.permissions import Permission
from leadintake.leads.models import Lead
from leadintake.leads.status import is_open, is_pending, is_reached


def may_change_status(user: User, lead: Lead) -> bool:
    """Return whether `user` may change the status: as assignee, or with UPDATE_ANY_LEAD."""
    if user.may(Permission.UPDATE_ANY_LEAD):
        return True
    return user.may(Permission.UPDATE_LEADS) and lead.assignee_id == user.id


def may_assign(user: User) -> bool:
    """Return whether `user` may assign leads to others."""
    return user.may(Permission.ASSIGN_LEADS)


def may_take(user: User, lead: Lead) -> bool:
    """Return whether `user` may take the lead: it is unassigned, or their own, which changes nothing."""
    return user.may(Permission.TAKE_LEADS) and lead.assignee_id in (None, user.id)


def may_decline(user: User, lead: Lead) -> bool:
    """Return whether `user` may decline the lead: as assignee, before the contact."""
    is_own = user.may(Permission.UPDATE_LEADS) and lead.assignee_id == user.id
    return is_own and is_open(lead.status, lead.outcome)


def may_note(user: User) -> bool:
    """Return whether `user` may write notes about the leads that they see."""
    return user.may(Permission.UPDATE_LEADS)


def allowed(user: User, lead: Lead) -> list[str]:
    """Return the actions permitted to `user`, as in LeadDetail; reopening.py restricts "reopen"."""
    if lead.in_quarantine:
        return ["release", "discard"] if user.may(Permission.REVIEW_QUARANTINE) else []
    acts = {
        "change_status": may_change_status(user, lead) and is_pending(lead.status),
        "reopen": may_change_status(user, lead) and is_reached(lead.status),
        "take": may_take(user, lead) and lead.assignee_id is None,
        "decline": may_decline(user, lead),
        "assign": may_assign(user),
        "delete": user.may(Permission.DELETE_LEADS),
        "note": may_note(user),
        "contact": may_change_status(user, lead),
        "reply": may_change_status(user, lead) and bool(lead.email),
        "outcome": may_change_status(user, lead),
        "follow_up": may_change_status(user, lead),
        "tag": may_change_status(user, lead),
    }
    return [act for act, may in acts.items() if may]
