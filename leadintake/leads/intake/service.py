"""Store a submission once, in one transaction: lead, file, assignee, messages."""

from __future__ import annotations

import functools
import hashlib
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError

from leadintake.assignment.allocator import Allocator, LeadToAssign
from leadintake.assignment.service import assignment
from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.people import departures
from leadintake.core.actor import ANONYMOUS, SYSTEM
from leadintake.core.db import rows
from leadintake.core.db.database import db, execute, read_only
from leadintake.core.db.transaction import rollback
from leadintake.core.db.types import new_id
from leadintake.core.errors import UnprocessableContent
from leadintake.core.i18n.languages import ENGLISH, N_
from leadintake.documents.models import Document
from leadintake.documents.service import documents
from leadintake.documents.verdict import Verdict
from leadintake.leads import counting, disclaimers, search_index, visibility
from leadintake.leads.distribution import alerts, ownership, workload
from leadintake.leads.events import LeadCreated, lead_created
from leadintake.leads.fields import Values, fingerprint_content, search_line, search_text
from leadintake.leads.intake.keys import key_locks
from leadintake.leads.intake.spam import NO_SIGNALS, SpamSignals
from leadintake.leads.models import Lead, Screen, mailbox_of
from leadintake.leads.reference import draw_reference, is_reference_conflict
from leadintake.leads.screens.service import screens
from leadintake.leads.status import FIRST, Gate, Source

SUSPECT_GATE = Gate.QUARANTINE
MAX_DRAWS = 10
"""References per lead: with a million leads one in 25,000 conflicts."""
OTHER_CONTENT = N_("This was sent already, with other content. To send this as well, begin with a new form.")
_LEAD_OF_KEY = sa.select(Lead.id).where(Lead.submission_key == sa.bindparam("key"))
log = structlog.get_logger()


@dataclass(frozen=True)
class Submission:
    """A validated submission. `key`: idempotency key; `disclaimer`: version that the page says it showed."""

    values: Values
    resume: Verdict | None
    key: str | None
    page_language: str = ENGLISH
    default_language: str | None = None
    """The lead's language unless another is chosen. No content: a retry may come from another page."""
    disclaimer: str = ""
    signals: SpamSignals = NO_SIGNALS
    entered_by: User | None = None
    """Who entered it in place of the prospect."""

    @property
    def email(self) -> str:
        """Address of the prospect."""
        return self.values["email"] or ""

    @property
    def language(self) -> str | None:
        """Language that the prospect prefers."""
        return self.values.get("language") or self.default_language

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the values and of the file's name and content."""
        first, *later = fingerprint_content(self.values)
        file = [self.resume.filename, self.resume.sha256] if self.resume else [None, None]
        content = [first, *file, *later]
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()


class Intake:
    """Intake of submissions, by prospects and by staff."""

    def submit(self, submission: Submission, file: IO[bytes] | None) -> tuple[Lead, bool]:
        """Store a submission. Return the lead, and whether it was stored before (a replay).

        1. Lock the idempotency key in this process; after WAIT_SECONDS raise InProgress.
        2. Look for a lead with this key, without a write lock. A replay ends here.
        3. Store the file.
        4. Take the assignment lock, which serializes submissions of all processes; look for the key again.
        5. Apply the client's screens, check for spam, assign; insert all rows, messages included.
        6. If the reference exists, roll back and start again, MAX_DRAWS times in all.

        Both locks are held until the transaction ends. Raises UnprocessableContent for a key with other
        content, and Unavailable.
        """
        for _ in range(MAX_DRAWS - 1):
            try:
                return self._receive(submission, file)
            except IntegrityError as error:
                if not is_reference_conflict(error):
                    raise
                # No savepoint: it would cost every submission a statement.
                rollback()
                if file:
                    file.seek(0)
                log.info("reference_taken")
        return self._receive(submission, file)

    def _receive(self, submission: Submission, file: IO[bytes] | None) -> tuple[Lead, bool]:
        key = hashlib.sha256(submission.key.encode()).hexdigest() if submission.key else None
        key_locks.lock(key)
        with read_only():
            if earlier := self._find_earlier(key, submission):
                return earlier, True
            db.session.rollback()
        document = documents.keep(submission.resume, file) if submission.resume and file else None
        # Also makes leads commit in the order of created_at.
        departures.lock_assignment()
        is_replay, is_known = workload.are_known(key, submission.email)
        if is_replay and (earlier := self._find_earlier(key, submission)):
            rollback()  # another process was faster; deletes our copy of the file
            return earlier, True
        client_screens = visibility.screens_for_email(submission.email) if is_known else ()
        screened = frozenset(screen.user_id for screen in client_screens)
        suspicion = " ".join(submission.signals.consume_proof())
        decisions = assignment.begin(workload.count_recent_leads)
        lead = self._build_lead(submission, key, document, decisions.moment)
        if suspicion:
            lead.gate, lead.quarantined_at, lead.quarantine_reason = SUSPECT_GATE, lead.created_at, suspicion
            # Not assigned: the gate takes the place of a strategy.
            lead.assignment_strategy, lead.assignment_reason = SUSPECT_GATE.value, suspicion
        else:
            self._assign(lead, screened, decisions, is_known=is_known)
        with rows.batch():
            if document:
                rows.add(document)
            counting.insert(lead)
            decisions.save()
            self._note_arrival(lead, client_screens, submission.entered_by)
            if not suspicion:
                assignee = decisions.people.get(lead.assignee_id)
                self._enqueue_messages(lead, assignee, screened, submission.entered_by)
        search_index.add({lead.id: lead.search_text or ""})
        return lead, False

    def _find_earlier(self, key: str | None, submission: Submission) -> Lead | None:
        if key is None:
            return None
        if execute(_LEAD_OF_KEY, [{"key": key}]).first() is None:
            return None
        lead_query = sa.select(Lead).where(Lead.submission_key == key).execution_options(include_deleted=True)
        earlier = db.session.scalar(lead_query)
        if earlier is not None and earlier.submission_fingerprint != submission.fingerprint:
            raise UnprocessableContent({"submission_id": [OTHER_CONTENT]})
        return earlier

    def _build_lead(
        self, submission: Submission, key: str | None, resume: Document | None, arrived_at: datetime
    ) -> Lead:
        return Lead(
            id=new_id(),
            created_at=arrived_at,
            updated_at=arrived_at,
            reference=(reference := draw_reference()),
            status=FIRST,
            gate=Gate.OPEN,
            **{**submission.values, "language": submission.language},
            page_language=submission.page_language,
            searchable=search_line(submission.values),
            search_text=search_text(submission.values, reference),
            source=Source.STAFF if submission.entered_by else Source.FORM,
            resume_id=resume.id if resume else None,
            resume=resume,
            assigned_at=arrived_at,
            submission_key=key,
            submission_fingerprint=submission.fingerprint,
            disclaimer_version=disclaimers.store_version(submission.disclaimer),
        )

    def _assign(
        self, lead: Lead, screened: Collection[uuid.UUID], decisions: Allocator, *, is_known: bool
    ) -> None:
        prospect = mailbox_of(lead.email)
        owners = workload.find_owners([prospect]).get(prospect, ()) if is_known else ()
        request = LeadToAssign(lead.id, prospect, lead.practice_area, lead.language, owners, screened)
        decision = decisions.next(request, cause="arrival")
        lead.assignee_id = decision.user_id
        lead.assignment_strategy, lead.assignment_reason = decision.strategy, decision.reason

    def _note_arrival(self, lead: Lead, client_screens: Sequence[Screen], entered_by: User | None) -> None:
        note = f", shown disclaimer {lead.disclaimer_version}" if lead.disclaimer_version else ""
        file = f"with {lead.resume.filename}" if lead.resume else "without a resume"
        if entered_by:
            alerts.record(lead, "entered", file, actor=entered_by)
            audit.record("lead.entered", actor=entered_by, about=("lead", lead.id))
        else:
            alerts.record(lead, "submitted", f"{file}{note}", actor=ANONYMOUS)
        if lead.resume and lead.resume.warnings:
            alerts.record(lead, "flagged", " ".join(lead.resume.warnings), actor=SYSTEM)
        screens.inherit(lead, client_screens)
        if lead.in_quarantine:
            alerts.record(lead, "quarantined", lead.quarantine_reason or "", actor=SYSTEM)
            audit.record("lead.quarantined", actor=SYSTEM, about=("lead", lead.id))
        lead_created.send(LeadCreated(lead.id, lead.gate))

    def _enqueue_messages(
        self,
        lead: Lead,
        assignee: alerts.Recipient | None,
        screened: Collection[uuid.UUID],
        entered_by: User | None,
    ) -> None:
        if assignee is None:
            log.warning("lead_unassigned", lead=str(lead.id), reason=lead.assignment_reason)
        # Nobody is mailed about an act of their own, nor a prospect who did not write.
        is_own = entered_by is not None and lead.assignee_id == entered_by.id
        ownership.announce_owner(
            lead, assignee, None, actor=SYSTEM, alert_owner=not is_own, screened=screened
        )
        if entered_by is None:
            alerts.enqueue_confirmation(lead)


intake = Intake()
