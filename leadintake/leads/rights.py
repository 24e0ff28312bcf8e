"""What `own` and `free` mean: who may do what with one lead."""

from __future__ import annotations

from leadintake.auth.models import User
from leadintake.auth.permissions import Permission
from leadintake.leads.models import Lead, LeadStatus


def may_change_status(user: User, lead: Lead) -> bool:
    """The assignee, and whoever may change any lead."""
    if user.may(Permission.UPDATE_ANY_LEAD):
        return True
    return user.may(Permission.UPDATE_LEADS) and lead.assignee_id == user.id


def may_assign(user: User) -> bool:
    """Whoever looks after the distribution."""
    return user.may(Permission.ASSIGN_LEADS)


def may_take(user: User, lead: Lead) -> bool:
    """Anybody who works on leads, one that nobody has; taking one's own again changes nothing."""
    return user.may(Permission.TAKE_LEADS) and lead.assignee_id in (None, user.id)


def may_decline(user: User, lead: Lead) -> bool:
    """Whose lead it is, until the prospect was reached."""
    mine = user.may(Permission.UPDATE_LEADS) and lead.assignee_id == user.id
    return mine and lead.status is LeadStatus.PENDING


def allowed(user: User, lead: Lead) -> list[str]:
    """The acts open to `user`, as LeadDetail lists them."""
    if lead.quarantined_at is not None:
        return ["release", "discard"] if user.may(Permission.REVIEW_QUARANTINE) else []
    acts = {
        "change_status": may_change_status(user, lead) and lead.status is LeadStatus.PENDING,
        "take": may_take(user, lead) and lead.assignee_id is None,
        "decline": may_decline(user, lead),
        "assign": may_assign(user),
        "delete": user.may(Permission.DELETE_LEADS),
    }
    return [act for act, may in acts.items() if may]
