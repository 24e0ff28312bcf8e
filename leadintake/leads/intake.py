"""The submission: a lead, its file, its attorney and its messages, all or nothing, once."""

from __future__ import annotations

import hashlib
import threading
import uuid
from collections.abc import Collection, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import IO

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import IntegrityError

from leadintake.assignment.rounds import Round, Wanted
from leadintake.assignment.service import assignment
from leadintake.audit.service import audit
from leadintake.core.database import db, reading
from leadintake.core.errors import Conflict, Invalid
from leadintake.core.languages import ENGLISH, phrase
from leadintake.core.text import searchable
from leadintake.core.transaction import on_end, rollback
from leadintake.core.types import new_id
from leadintake.documents.service import documents
from leadintake.documents.verdict import Verdict
from leadintake.leads import barred, disclaimers, events, loads, ownership
from leadintake.leads.models import QUARANTINE, Lead, Screen, folded
from leadintake.leads.reference import is_taken
from leadintake.leads.screens import screens
from leadintake.leads.signs import NO_SIGNS, Signs

PATIENCE_SECONDS = 2.0
MOST_DRAWS = 10
"""References that are drawn for a lead: with a million leads one in 25,000 is taken, two in a row never."""
OTHER_CONTENT = phrase(
    "This was sent before with other content. To send it as it is now, send it again with a new key."
)
log = structlog.get_logger()


@dataclass(frozen=True)
class Submission:
    """What a prospect sent, validated.

    `key` is the idempotency key, if there was one; `spoken` the language of the page it was sent from,
    `disclaimer` the version of the one that stood there, as it says; `signs` are those of a program.
    """

    first_name: str
    last_name: str
    email: str
    practice_area: str | None
    language: str | None
    resume: Verdict
    key: str | None
    spoken: str = ENGLISH
    disclaimer: str = ""
    signs: Signs = NO_SIGNS

    def fingerprint(self) -> str:
        """SHA-256 of what the prospect filled in and chose."""
        said = astuple(self)[:5]
        content = msgspec.json.encode([said, self.resume.filename, self.resume.sha256])
        return hashlib.sha256(content).hexdigest()


class InProgress(Conflict):
    """An equal submission is being worked on."""

    def __init__(self) -> None:
        super().__init__(
            phrase("This submission is being received already. Please wait a moment."),
            headers={"Retry-After": "1"},
        )


class Intake:
    """The front door."""

    def __init__(self) -> None:
        self._busy: dict[str, tuple[threading.Lock, int]] = {}
        self._guard = threading.Lock()

    def submit(self, sent: Submission, file: IO[bytes]) -> tuple[Lead, bool]:
        """Receive a submission. Return the lead and whether it was here before (a replay).

        Raises Invalid for a key that came with other content, InProgress while the first of two equal
        submissions takes longer than two seconds, Unavailable when it cannot be kept now.
        """
        for _ in range(MOST_DRAWS - 1):
            try:
                return self._receive(sent, file)
            except IntegrityError as error:
                if not is_taken(error):
                    raise
                # No savepoint, which every submission would pay for: the whole is forgotten and done again.
                rollback()
                file.seek(0)
                log.info("reference_taken")
        return self._receive(sent, file)

    def _receive(self, sent: Submission, file: IO[bytes]) -> tuple[Lead, bool]:
        key = hashlib.sha256(sent.key.encode()).hexdigest() if sent.key else None
        self._be_alone_with(key)
        with reading():
            earlier = self._earlier(key, sent)
            if earlier is not None:
                return earlier, True
            db.session.rollback()
        document = documents.keep(sent.resume, file)
        # From here on submissions queue up: leads are committed in the order of their created_at.
        assignment.hold()
        earlier = self._earlier(key, sent)
        if earlier is not None:
            rollback()  # another process was faster; this takes our copy of the file away
            return earlier, True
        walls = barred.from_client(sent.email)
        kept_out = frozenset(screen.user_id for screen in walls)
        suspicion = " ".join(sent.signs.spent())
        decisions = assignment.begin(loads.tally)
        lead = self._make(sent, key, document.id, decisions.moment)
        if suspicion:
            lead.assignment_strategy, lead.assignment_reason = QUARANTINE, suspicion
            lead.quarantined_at, lead.quarantine_reason = lead.created_at, suspicion
        else:
            self._assign(lead, kept_out, decisions)
        db.session.add_all([document, lead])
        db.session.flush()
        decisions.write_down()
        self._note_arrival(lead, walls)
        if not suspicion:
            self._tell(lead, kept_out)
        return lead, False

    def _earlier(self, key: str | None, sent: Submission) -> Lead | None:
        if key is None:
            return None
        known = sa.select(Lead).where(Lead.submission_key == key).execution_options(include_deleted=True)
        earlier = db.session.scalar(known)
        if earlier is not None and earlier.submission_fingerprint != sent.fingerprint():
            raise Invalid({"submission_id": [OTHER_CONTENT]})
        return earlier

    def _make(self, sent: Submission, key: str | None, resume_id: uuid.UUID, arrived: datetime) -> Lead:
        return Lead(
            id=new_id(),
            created_at=arrived,
            updated_at=arrived,
            first_name=sent.first_name,
            last_name=sent.last_name,
            email=sent.email,
            practice_area=sent.practice_area,
            language=sent.language,
            spoken=sent.spoken,
            # The address first: it is there even beside a name that unfolds to more than fits.
            searchable=searchable(sent.email, sent.first_name, sent.last_name)[:1000],
            resume_id=resume_id,
            assigned_at=arrived,
            submission_key=key,
            submission_fingerprint=sent.fingerprint(),
            disclaimer_version=disclaimers.keep(sent.disclaimer),
        )

    def _assign(self, lead: Lead, kept_out: Collection[uuid.UUID], decisions: Round) -> None:
        prospect = folded(lead.email)
        owners = loads.owners([prospect]).get(prospect, ())
        wanted = Wanted(lead.id, prospect, lead.practice_area, lead.language, owners, kept_out)
        decision = decisions.next(wanted, cause="arrival")
        lead.assignee_id = decision.user_id
        lead.assignment_strategy, lead.assignment_reason = decision.strategy, decision.reason

    def _note_arrival(self, lead: Lead, walls: Sequence[Screen]) -> None:
        db.session.refresh(lead, ["resume", "assigned_to"])
        read = f", shown disclaimer {lead.disclaimer_version}" if lead.disclaimer_version else ""
        events.record(lead, "submitted", f"with {lead.resume.filename}{read}", actor="prospect")
        if lead.resume.warnings:
            events.record(lead, "flagged", " ".join(lead.resume.warnings), actor="system")
        screens.inherit(lead, walls)
        if lead.quarantined_at is not None:
            events.record(lead, "quarantined", lead.quarantine_reason or "", actor="system")
            audit.record("lead.quarantined", by="system", about=("lead", lead.id))

    def _tell(self, lead: Lead, kept_out: Collection[uuid.UUID]) -> None:
        if lead.assigned_to is None:
            log.warning("lead_unassigned", lead=str(lead.id), reason=lead.assignment_reason)
        ownership.announce(lead, actor="system", kept_out=kept_out)
        events.confirm(lead)

    def _be_alone_with(self, key: str | None) -> None:
        """Let one submission with this key through at a time, until its transaction ends.

        The next waits a little, then is refused. Between processes the assignment lock does the same.
        """
        if key is None:
            return
        with self._guard:
            lock, users = self._busy.get(key, (threading.Lock(), 0))
            self._busy[key] = (lock, users + 1)
        if not lock.acquire(timeout=PATIENCE_SECONDS):
            self._leave(key)
            raise InProgress

        def ended() -> None:
            lock.release()
            self._leave(key)

        on_end(ended)

    def _leave(self, key: str) -> None:
        with self._guard:
            lock, users = self._busy.pop(key)
            if users > 1:
                self._busy[key] = (lock, users - 1)


intake = Intake()
