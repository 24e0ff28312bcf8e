"""The acts on many leads: each as the act on one lead is. A new act is a line in ACTS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from leadintake.auth.models import User
from leadintake.auth.permissions import Permission
from leadintake.leads.bulk.digest import Digest
from leadintake.leads.bulk.schemas import BulkRequest
from leadintake.leads.models import Lead
from leadintake.leads.notes.service import notes
from leadintake.leads.outcomes import service as outcomes
from leadintake.leads.service import leads
from leadintake.leads.tags import service as tags

OWN_MEMBERS = ("act", "ids", "filter")
"""Members of a request that belong to every act."""


Member = TypeVar("Member")


@dataclass(frozen=True)
class Act:
    """How an act edits one lead. `status`: of its answer.

    `members`: those that the act takes and needs; `optional`: those that it takes besides.
    """

    permission: Permission
    status: int
    edit: Callable[[Lead, BulkRequest, User, Digest], None]
    members: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    deleted: bool = False
    """Whether it finds deleted leads, too."""


def _require(member: Member | msgspec.UnsetType) -> Member:
    """Return a member of the request. The service has refused requests without it."""
    if isinstance(member, msgspec.UnsetType):
        raise TypeError("An act was called without a member that it needs.")
    return member


def _assign(lead: Lead, request: BulkRequest, actor: User, digest: Digest) -> None:
    former = lead.assigned_to
    leads.assign(lead, _require(request.user_id), actor=actor, silent=digest.is_needed)
    digest.add(lead, former)


def _delete(lead: Lead, _request: BulkRequest, actor: User, _digest: Digest) -> None:
    leads.delete(lead, actor=actor)


def _restore(lead: Lead, _request: BulkRequest, actor: User, _digest: Digest) -> None:
    leads.restore(lead, actor=actor)


def _change_tags(lead: Lead, request: BulkRequest, actor: User, _digest: Digest) -> None:
    tags.change(lead, _require(request.tags), actor=actor)


def _change_outcome(lead: Lead, request: BulkRequest, actor: User, _digest: Digest) -> None:
    note = None if request.note is msgspec.UNSET else request.note
    outcomes.change(lead, _require(request.outcome), note, actor=actor)


def _add_note(lead: Lead, request: BulkRequest, actor: User, _digest: Digest) -> None:
    notes.add(lead, _require(request.text), actor=actor)


ACTS: Mapping[str, Act] = {
    "assign": Act(Permission.TAKE_LEADS, 200, _assign, ("user_id",)),
    "tags": Act(Permission.UPDATE_LEADS, 200, _change_tags, ("tags",)),
    "outcome": Act(Permission.UPDATE_LEADS, 200, _change_outcome, ("outcome",), ("note",)),
    "note": Act(Permission.UPDATE_LEADS, 201, _add_note, ("text",)),
    "delete": Act(Permission.DELETE_LEADS, 204, _delete),
}
RESTORE = Act(Permission.DELETE_LEADS, 200, _restore, deleted=True)
"""The way back from `delete`, for the desk."""
