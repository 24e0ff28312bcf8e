"""Collect what is on record about a lead.

Who may change the lead may read its sheet: it says who read what. What tells of ethical walls, names and
reasons, goes only to those who may screen. What was hashed of an entry goes only to an operator: the numbers
in it would tell who is screened from another lead that there are entries about it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.service import assignment
from leadintake.audit import schemas as audit_schemas
from leadintake.audit.excerpts import CheckedEntry, read_excerpt
from leadintake.audit.service import audit
from leadintake.auth.actor import UserOrOperator
from leadintake.auth.models import User
from leadintake.auth.service import auth
from leadintake.core.actor import OPERATOR
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.errors import Forbidden
from leadintake.documents.missing import is_stored
from leadintake.documents.models import Document
from leadintake.leads.disclaimers import Disclaimer
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.permissions import may_change_status
from leadintake.leads.proof.schemas import (
    AttemptView,
    CandidateView,
    DecisionView,
    LeadProof,
    LeftOut,
    ProofEntry,
    ProvenMessage,
    ShownDisclaimer,
    StoredFile,
)
from leadintake.leads.redaction import OF_SCREENS, knows_screens, redact
from leadintake.leads.reference import LeadKey
from leadintake.leads.reports.explanation import list_candidates, summarize_decision
from leadintake.leads.schemas import HistoryItem, LeadSummary
from leadintake.leads.service import leads
from leadintake.notifications.evidence import read_evidence

READS = ("lead.read", "lead.downloaded", "lead.screens_read")
MAX_EVENTS, MAX_DECISIONS = 500, 100


def may_read_proof(user: User, lead: Lead) -> bool:
    """Return whether `user` may read the sheet of a lead that they may see."""
    return may_change_status(user, lead)


def read_proof(key: LeadKey, *, actor: UserOrOperator) -> LeadProof:
    """Return the sheet of a lead, and audit the reading. Raises NotFound, and Forbidden."""
    lead = leads.read(key, "proof", reader=actor, actor=actor)
    if actor is not OPERATOR and not may_read_proof(actor, lead):
        raise Forbidden("This lead is somebody else's. Only its attorney or a manager may read its proof.")
    return _Collection(lead, actor).collect()


class _Collection:
    """The records about one lead, as one reader may see them."""

    def __init__(self, lead: Lead, reader: UserOrOperator) -> None:
        self.lead = lead
        self.is_operator = reader is OPERATOR
        self.reader, self.knows_screens = reader, knows_screens(reader)
        self.emails = {user.id: user.email for user in auth.everyone()}

    def collect(self) -> LeadProof:
        """Return the sheet. The number of statements depends on no number of rows."""
        lead, disclaimer = self.lead, leads.disclaimer_of(self.lead)
        events, older_events = self._read_history()
        evidence = read_evidence(lead.id)
        reads = read_excerpt(lead.id, actions=READS)
        acts = read_excerpt(lead.id, actions=READS, excluded=True)
        head, decisions = audit.head(), assignment.of_lead(lead.id)
        entries = [*reads.entries, *acts.entries]
        is_readable = reads.is_readable and acts.is_readable
        return LeadProof(
            lead=LeadSummary.of(lead),
            file=_describe_file(lead.resume),
            disclaimer_version=lead.disclaimer_version,
            disclaimer=_describe_disclaimer(disclaimer) if disclaimer else None,
            decisions=[self._describe_decision(decision) for decision in decisions[-MAX_DECISIONS:]],
            messages=[_describe_message(message, attempts) for message, attempts in evidence.messages],
            history=[HistoryItem.of(event, reader=self.reader) for event in events],
            acts=[self._describe_entry(checked) for checked in acts.entries],
            reads=[self._describe_entry(checked) for checked in reads.entries],
            left_out=LeftOut(
                decisions=max(0, len(decisions) - MAX_DECISIONS),
                messages=evidence.older_messages,
                attempts=evidence.older_attempts,
                history=older_events,
                acts=acts.older,
                reads=reads.older,
            ),
            head=head.hash,
            intact=is_readable and all(checked.is_intact for checked in entries),
            as_of=now(),
            withheld=msgspec.UNSET if self.knows_screens else True,
        )

    def _read_history(self) -> tuple[Sequence[LeadEvent], int]:
        of_lead = LeadEvent.lead_id == self.lead.id
        newest_first = (LeadEvent.at.desc(), LeadEvent.id.desc())
        events_query = sa.select(LeadEvent).where(of_lead).order_by(*newest_first).limit(MAX_EVENTS + 1)
        events = db.session.scalars(events_query).all()
        if len(events) <= MAX_EVENTS:
            return events, 0
        number = db.session.scalar(sa.select(sa.func.count(LeadEvent.id)).where(of_lead)) or 0
        return events[:MAX_EVENTS], number - MAX_EVENTS

    def _describe_decision(self, decision: AssignmentDecision) -> DecisionView:
        facts: Mapping[str, Any] = summarize_decision(decision, self.emails)
        people = list_candidates(decision) if self.knows_screens else []
        view = DecisionView(**facts, candidates=[CandidateView(**person) for person in _as_any(people)])
        view.reason = redact(view.reason, reader=self.reader)
        if view.cause == OF_SCREENS[0] and not self.knows_screens:
            view.cause = None  # the decision before it says who had the lead
        return view

    def _describe_entry(self, checked: CheckedEntry) -> ProofEntry:
        entry = checked.entry
        detail = audit_schemas.read(entry.detail)
        if not self.knows_screens:
            detail = {"what": detail["what"]} if "what" in detail else {}
        return ProofEntry(
            id=entry.id,
            at=entry.created_at,
            actor=self._name_actor(entry.actor_kind, entry.actor_id),
            action=entry.action,
            detail=detail,
            hash=entry.hash,
            intact=checked.is_intact,
            content=checked.content if self.is_operator else msgspec.UNSET,
        )

    def _name_actor(self, kind: str, user_id: uuid.UUID | None) -> str:
        return kind if user_id is None else self.emails.get(user_id, str(user_id))


def _as_any(people: list[dict[str, object]]) -> list[dict[str, Any]]:
    return people


def _describe_file(document: Document | None) -> StoredFile | None:
    if document is None:
        return None
    return StoredFile(
        document.filename,
        document.content_type,
        document.size,
        document.sha256,
        document.created_at,
        is_stored(document),
    )


def _describe_disclaimer(disclaimer: Disclaimer) -> ShownDisclaimer:
    return ShownDisclaimer(disclaimer.version, disclaimer.language, disclaimer.text)


def _describe_message(message: Any, attempts: Sequence[Any]) -> ProvenMessage:
    tries = [AttemptView(attempt.created_at, attempt.outcome, attempt.reply) for attempt in attempts]
    return ProvenMessage(**message._mapping, attempts=tries)
