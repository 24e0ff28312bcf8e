"""JSON schemas of the room."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from leadintake.auth.actor import UserOrOperator
from leadintake.auth.schemas import UserSummary
from leadintake.core.db.pagination import Cursor
from leadintake.core.text import TYPED_PER_CHARACTER
from leadintake.leads.fields import listed_members
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.progress import MAX_TAG_LENGTH
from leadintake.leads.redaction import redact
from leadintake.leads.reference import ReferenceText
from leadintake.leads.status import LeadStatus, Outcome, Source
from leadintake.notifications.schemas import NotificationSummary

ASSIGNED_TO = "^(me|none|[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})$(?!\n)"
Aware = Annotated[datetime, msgspec.Meta(tz=True)]
Words = Annotated[str, msgspec.Meta(max_length=500 * TYPED_PER_CHARACTER)]
"""500 characters, in any Unicode form."""
AS_TYPED = "There, and true, where the number could not be read and `phone` is as it was typed."
WARNINGS = "What to know before opening it, in sentences. Not there when there is nothing to know."
EMAIL_REFUSED = "There, and true, where mail to the prospect was refused for good because of the address."
SORTS = Literal[
    "created_at", "-created_at", "updated_at", "-updated_at", "last_name", "-last_name",
    "email", "-email", "status", "-status",
]  # fmt: skip


FILTERS = (
    "status", "assigned_to", "q", "created_from", "created_to", "outcome", "tag", "practice_area", "language",
    "source",
)  # fmt: skip
OUTCOMES = Literal[
    "hired", "not_our_field", "conflict", "no_capacity", "not_reached", "withdrew", "other", "none",
]  # fmt: skip
Chosen = Annotated[str, msgspec.Meta(max_length=100)]
Tag = Annotated[str, msgspec.Meta(max_length=MAX_TAG_LENGTH * TYPED_PER_CHARACTER)]


class Resume(msgspec.Struct, omit_defaults=True):
    """The file of a lead."""

    id: uuid.UUID
    filename: str
    content_type: str
    size: int
    sha256: str
    warnings: Annotated[list[str], msgspec.Meta(description=WARNINGS)] = msgspec.field(default_factory=list)


class _LeadKeys(msgspec.Struct, kw_only=True):
    """The keys of a lead."""

    id: uuid.UUID
    reference: ReferenceText


if TYPE_CHECKING:
    _FormFields = _LeadKeys
else:
    _FormFields = msgspec.defstruct("_FilledIn", listed_members(), bases=(_LeadKeys,), kw_only=True)


class LeadSummary(_FormFields, kw_only=True, omit_defaults=True):
    """A lead in a list."""

    phone_as_typed: Annotated[bool, msgspec.Meta(description=AS_TYPED)] = False
    status: LeadStatus
    source: Source
    resume: Resume | None
    assigned_to: UserSummary | None
    created_at: datetime
    updated_at: datetime
    version: int
    outcome: Outcome | None
    follow_up_at: datetime | None
    tags: list[str]

    @classmethod
    def of(cls, lead: Lead) -> LeadSummary:
        """Convert a lead."""
        return msgspec.convert(lead, cls, from_attributes=True)


class AssignmentView(msgspec.Struct):
    """How the lead came to whoever has it."""

    strategy: str
    reason: str
    decided_at: datetime


class QuarantineView(msgspec.Struct):
    """Since when a submission is taken for spam, and why."""

    at: datetime
    reason: str

    @classmethod
    def of(cls, lead: Lead) -> QuarantineView | None:
        """Convert a lead; None if it is not in quarantine."""
        if not lead.in_quarantine or lead.quarantined_at is None:
            return None
        return cls(lead.quarantined_at, lead.quarantine_reason or "")


class LeadDetail(LeadSummary, kw_only=True):
    """A lead on its own."""

    assignment: AssignmentView
    duplicates: list[uuid.UUID]
    """Other leads with the same e-mail, newest first, 100 at most."""
    allowed: list[str]
    """What the reader may do with it now."""
    email_refused: Annotated[bool, msgspec.Meta(description=EMAIL_REFUSED)] = False
    outcome_note: str | None
    outcome_at: datetime | None
    follow_up_note: str | None
    quarantine: QuarantineView | msgspec.UnsetType = msgspec.UNSET
    """Of a submission that is taken for spam."""

    @classmethod
    def of_lead(cls, lead: Lead, *, reader: UserOrOperator, **facts: Any) -> LeadDetail:
        """Convert a lead for `reader`. `facts`: `duplicates`, `allowed` and `email_refused`."""
        reason = redact(lead.assignment_reason, reader=reader)
        assignment = AssignmentView(lead.assignment_strategy, reason, lead.assigned_at)
        notes = {name: getattr(lead, name) for name in ("outcome_note", "outcome_at", "follow_up_note")}
        summary = msgspec.structs.asdict(LeadSummary.of(lead))
        detail = cls(**summary, **notes, assignment=assignment, **facts)
        detail.quarantine = QuarantineView.of(lead) or msgspec.UNSET
        return detail

    def entity_tag(self) -> str:
        """Return the version, a dot and a digest of the rest, for the ETag (RFC 9110, 8.8.3).

        If-Match compares the version alone: other submissions change `duplicates`, mail servers
        `email_refused`, and must not make an edit fail.
        """
        rest = msgspec.json.encode([self.duplicates, self.allowed, self.assigned_to, self.email_refused])
        return f"{self.version}.{hashlib.sha256(rest).hexdigest()[:16]}"


class LeadFilter(msgspec.Struct, forbid_unknown_fields=True):
    """Which leads. `created_from` is the first instant that counts, `created_to` the first that does not."""

    status: LeadStatus | None = None
    assigned_to: Annotated[str, msgspec.Meta(max_length=36, pattern=ASSIGNED_TO)] | None = None
    q: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    created_from: Aware | None = None
    created_to: Aware | None = None
    outcome: OUTCOMES | None = None
    tag: Tag | None = None
    practice_area: Chosen | None = None
    language: Chosen | None = None
    source: Source | None = None
    sort: SORTS = "-created_at"

    def names(self) -> list[str]:
        """Return the names of the filters in use. For the audit trail: values may be a client's name."""
        return [name for name in FILTERS if getattr(self, name) is not None]


class LeadQuery(LeadFilter):
    """Which page of which leads."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=200)] = 50
    cursor: Cursor | None = None
    count: bool = False


class LeadPage(msgspec.Struct):
    """Some leads, and the cursor of those that follow."""

    items: list[LeadSummary]
    next_cursor: str | None
    total: int | msgspec.UnsetType = msgspec.UNSET
    total_is_minimum: bool | msgspec.UnsetType = msgspec.UNSET
    """There, and true, where there are more than `total`."""


class LeadPatch(msgspec.Struct, forbid_unknown_fields=True):
    """A change of a lead."""

    status: LeadStatus


class AssigneeChange(msgspec.Struct, forbid_unknown_fields=True):
    """Who shall have the lead; null for nobody."""

    user_id: uuid.UUID | None


class Declining(msgspec.Struct, forbid_unknown_fields=True):
    """Why somebody refuses a lead that is theirs, in 1 to 500 characters."""

    reason: Words


class HistoryItem(msgspec.Struct):
    """Something that happened."""

    at: datetime
    actor: str
    action: str
    detail: str

    @classmethod
    def of(cls, event: LeadEvent, *, reader: UserOrOperator) -> HistoryItem:
        """Convert an event for `reader`."""
        detail = redact(event.detail, reader=reader, action=event.action)
        return cls(event.at, event.actor, event.action, detail)


class History(msgspec.Struct):
    """All that happened, newest first."""

    items: list[HistoryItem]


class NotificationList(msgspec.Struct):
    """The messages about a lead, oldest first."""

    items: list[NotificationSummary]
