"""python -m benchmarks grow --leads N DATABASE_URL: a database of this version with N leads, to try pages on.

Each lead has what a real one leaves behind: its file, history, decision, messages with their deliveries, and
entries in the audit trail, all as plain rows. The first attorney has every second lead, every tenth is
pending, one confirmation in a thousand failed. They came two minutes apart: 720 a day, the last one now.

Start the application with the same LEADINTAKE_INSTANCE_PATH afterwards: its secret key signs the audit trail.
"""

from __future__ import annotations

import argparse
import os
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_migrate import upgrade

from leadintake import create_app
from leadintake.assignment import types
from leadintake.assignment.allocator import Allocator, LeadToAssign
from leadintake.assignment.models import AssignmentDecision
from leadintake.audit import chain, schemas
from leadintake.audit.models import AuditEntry, AuditHead
from leadintake.audit.service import PURPOSE, audit
from leadintake.auth.models import User
from leadintake.auth.people.service import users
from leadintake.auth.permissions import Role
from leadintake.auth.service import auth
from leadintake.core.actor import OPERATOR
from leadintake.core.clock import now
from leadintake.core.crypto import keys
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.demo.people import resume_of
from leadintake.documents.models import Document
from leadintake.documents.service import documents
from leadintake.documents.storage.local import LocalFolder
from leadintake.leads import counting, search_index
from leadintake.leads.fields import search_line, search_text
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.reference import ALPHABET, GROUP
from leadintake.leads.status import LeadStatus
from leadintake.notifications.letterhead import get_letterhead
from leadintake.notifications.messages import RenderedMessage, render
from leadintake.notifications.models import DeliveryAttempt, Notification, Priority, Status

ADMINISTRATOR, ATTORNEYS = "ada@firm.example.com", 4
PASSWORD = "unrelated words to measure"
BATCH = 5000
APART, READ_AFTER, REACHED_AFTER = timedelta(minutes=2), timedelta(seconds=30), timedelta(seconds=60)
PENDING_EVERY, FAILED_EVERY = 10, 1000
FIRST_NAMES = ("Jane", "Jane", "John", "María", "Zoë", "O'Neil", "Anne-Marie", "太郎")
SYLLABLES = [f"{begin}{vowel}" for begin in "bdfghklmnprstvwz" for vowel in "aeiou"]
STATISTICS = {
    "postgresql": "ANALYZE",
    "mysql": "ANALYZE TABLE leads, notifications, audit_entries, decisions",
}
RESUME = resume_of("Jane Doe")


def main(arguments: Sequence[str]) -> int:
    """Grow the database that was named."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks grow", description=__doc__)
    parser.add_argument("--leads", type=int, required=True)
    parser.add_argument("database_url", metavar="DATABASE_URL", help="of an empty database")
    wanted = parser.parse_args(arguments)
    app = create_app(DATABASE_URL=wanted.database_url, WORKER="external", WATCHDOG="external")
    with app.app_context():
        upgrade()
        if db.session.scalar(sa.select(sa.func.count(User.id))):
            raise SystemExit("There are people in this database already: it needs an empty one.")
        db.session.rollback()
    add_people(app)
    start = time.monotonic()
    add_leads(app, wanted.leads, watch=lambda done: print(f"\r{done} leads", end="", flush=True))
    print(f" in {time.monotonic() - start:.0f} s. Sign in as {ADMINISTRATOR}, or attorney0@firm.example.com:")
    print(PASSWORD)
    return 0


def add_people(app: Flask) -> None:
    """Add an administrator and four attorneys."""
    with app.app_context(), transaction():
        users.add(ADMINISTRATOR, "Ada", Role.ADMIN, PASSWORD, actor=OPERATOR)
        for number in range(ATTORNEYS):
            address, name = f"attorney{number}@firm.example.com", f"Attorney {number}"
            users.add(address, name, Role.ATTORNEY, PASSWORD, actor=OPERATOR)


def name_lead(number: int) -> tuple[str, str]:
    """Return a name of a lead: one in a hundred thousand is Quixotica."""
    if number % 100_000 == 1:
        return "Jane", "Quixotica"
    number = number * 7919 % 1_000_003
    places = (number % 80, number // 80 % 80, number // 6400 % 80)
    return FIRST_NAMES[number % 8], "".join(SYLLABLES[place] for place in places).capitalize()


def add_leads(app: Flask, count: int, watch: Callable[[int], object] = lambda _: None) -> None:
    """Add leads in batches; `watch` is called with how many there are."""
    with app.app_context():
        with transaction():
            firm = _Firm.describe(now() - count * APART)
        for first in range(0, count, BATCH):
            numbers = range(first, min(first + BATCH, count))
            with transaction(), _continue_trail() as trail:
                rows = _Rows(firm, trail)
                for number in numbers:
                    rows.add_lead(number)
                rows.insert()
            watch(numbers.stop)
        counting.correct_numbers()
        if hint := STATISTICS.get(db.engine.dialect.name):
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql(hint)


@dataclass(frozen=True)
class _Firm:
    """What the leads have in common: people with a decision for each, mails, the time of the first lead."""

    start: datetime
    people: Sequence[tuple[uuid.UUID, str]]
    """Ids and addresses of the attorneys."""
    decisions: Mapping[uuid.UUID, Mapping[str, Any]]
    alert: RenderedMessage
    confirmation: RenderedMessage

    @classmethod
    def describe(cls, start: datetime) -> _Firm:
        people = auth.intake_attorneys()
        words = {"reference": "2345-6789", "link": "https://firm.example.com/desk/leads/2345-6789"}
        return cls(
            start,
            [(one.id, one.email) for one in people],
            {one.id: _decide_for(one.id) for one in people},
            render(
                "attorney_alert", letterhead=get_letterhead(), about=words["reference"],
                attorney="Attorney", prospect="Jane Doe", reason="Fewest open leads.", warnings=[], **words,
                by_staff=False, is_open=True,
            ),
            render(
                "prospect_confirmation", letterhead=get_letterhead(), about=words["reference"], name="Jane",
                unsubscribe=f"https://firm.example.com/unsubscribe/{new_id()}", **words,
            ),
        )  # fmt: skip


def _decide_for(user_id: uuid.UUID) -> dict[str, Any]:
    """Return a decision of the engine that gives a lead to this user: the others have more."""
    allocator = Allocator(lambda _people, _since: {})
    allocator.open_leads = {one: int(one != user_id) for one in allocator.people}
    situation, decision = allocator.ask(LeadToAssign(new_id(), "jane@example.com"))
    assert decision.user_id == user_id, decision
    return {
        "user_id": user_id, "cause": "arrival", "strategy": decision.strategy, "reason": decision.reason,
        "policy": situation.policy, "record": types.write(types.Record(situation, decision)),
    }  # fmt: skip


class _Rows:
    """Rows of some leads, by table."""

    def __init__(self, firm: _Firm, trail: _Trail) -> None:
        self._firm, self._trail = firm, trail
        self._by_table: dict[Any, list[dict[str, Any]]] = defaultdict(list)

    def add_lead(self, number: int) -> None:
        """Add a lead with all that belongs to it."""
        arrived = self._firm.start + number * APART
        person_id, address = self._firm.people[0 if number % 4 < 2 else number // 4 % len(self._firm.people)]
        decision = self._firm.decisions[person_id]
        is_pending = number % PENDING_EVERY == 0
        reached = None if is_pending else arrived + REACHED_AFTER
        lead_id, resume_id, reference = new_id(), new_id(), _make_reference(number)
        first, last = name_lead(number)
        texts = {"first_name": first, "last_name": last, "email": f"{last.lower()}@example.com"}
        self._add(
            Document,
            arrived,
            id=resume_id,
            key=f"{resume_id}.pdf",
            filename="resume.pdf",
            content_type="application/pdf",
            size=len(RESUME),
            sha256=sha256(RESUME).hexdigest(),
        )
        self._add(
            Lead,
            arrived,
            id=lead_id,
            updated_at=reached or arrived,
            reference=reference,
            **texts,
            folded_email=texts["email"],
            mailbox=texts["email"],
            phone_as_typed=False,
            searchable=search_line(texts),
            search_text=search_text(texts, reference),
            resume_id=resume_id,
            assignee_id=person_id,
            assigned_at=arrived,
            reached_at=reached,
            submission_fingerprint="0" * 64,
            status=LeadStatus.PENDING if is_pending else LeadStatus.REACHED_OUT,
            version=1 if is_pending else 2,
            assignment_strategy=decision["strategy"],
            assignment_reason=decision["reason"],
        )
        self._add(AssignmentDecision, arrived, lead_id=lead_id, **decision)
        self._add_event(lead_id, arrived, "prospect", "submitted", "with resume.pdf")
        self._add_event(lead_id, arrived, "system", "assigned", decision["reason"])
        self._add_message(lead_id, arrived, "attorney_alert", address, self._firm.alert)
        error = "550 no such mailbox" if number % FAILED_EVERY == 0 else None
        self._add_message(
            lead_id, arrived, "prospect_confirmation", texts["email"], self._firm.confirmation, error
        )
        self._trail.add(arrived + READ_AFTER, "lead.read", person_id, lead_id, what="page")
        if reached:
            self._add_event(lead_id, reached, address, "reached_out", "")
            self._trail.add(reached, "lead.reached_out", person_id, lead_id)

    def insert(self) -> None:
        """Insert the rows, and store the files."""
        for model, rows in self._by_table.items():
            db.session.execute(sa.insert(model.__table__), rows)
        search_index.add({row["id"]: row["search_text"] for row in self._by_table[Lead]})
        _store_files([row["key"] for row in self._by_table[Document]])

    def _add(self, model: Any, moment: datetime, **values: Any) -> uuid.UUID:
        row = {"id": new_id(), "created_at": moment, "updated_at": moment, **values}
        self._by_table[model].append(row)
        return row["id"]

    def _add_event(self, lead_id: uuid.UUID, moment: datetime, actor: str, action: str, detail: str) -> None:
        self._add(LeadEvent, moment, lead_id=lead_id, at=moment, actor=actor, action=action, detail=detail)

    def _add_message(
        self, lead_id: uuid.UUID, moment: datetime, kind: str, to: str, mail: RenderedMessage,
        error: str | None = None,
    ) -> None:  # fmt: skip
        message_id = self._add(
            Notification, moment, kind=kind, lead_id=lead_id, recipient=to, mailbox=to, subject=mail.subject,
            text=mail.text, html=mail.html, attempts=1, owed_since=moment, last_error=error,
            priority=Priority.URGENT if kind == "attorney_alert" else Priority.ORDINARY,
            status=Status.FAILED if error else Status.SENT, sent_at=None if error else moment,
        )  # fmt: skip
        outcome = "failed" if error else "sent"
        self._add(
            DeliveryAttempt, moment, notification_id=message_id, outcome=outcome, reply=error or "250 OK"
        )


class _Trail:
    """New entries of the audit trail, which continue its chain."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.head = audit.head()
        self._key = keys(PURPOSE)[0]
        self._key_id = chain.key_id(self._key)
        self._session = f"session:{new_id()}"

    def add(
        self, moment: datetime, action: str, actor: uuid.UUID, lead_id: uuid.UUID, **detail: object
    ) -> None:
        """Add an act of a user on a lead."""
        row = {
            "id": new_id(), "created_at": moment, "updated_at": moment, "number": self.head.number + 1,
            "actor_kind": "user", "actor_id": actor, "action": action, "subject_kind": "lead",
            "subject_id": lead_id, "via": self._session, "origin": "192.0.2.1",
            "detail": schemas.write(detail), "key_id": self._key_id,
        }  # fmt: skip
        row["hash"] = chain.hash_of(SimpleNamespace(**row), self.head.hash, self._key)
        self.head = chain.Head(row["number"], row["hash"])
        self.rows.append(row)

    def write(self) -> None:
        """Insert the entries and move the end of the chain."""
        db.session.execute(sa.insert(AuditEntry.__table__), self.rows)
        seal = chain.seal_of(self.head, self._key)
        moved = {"number": self.head.number, "hash": self.head.hash, "seal": seal}
        db.session.execute(sa.update(AuditHead).values(**moved))


@contextmanager
def _continue_trail() -> Iterator[_Trail]:
    trail = _Trail()
    yield trail
    trail.write()


def _store_files(keys_of_files: Sequence[str]) -> None:
    """Store one file under all these names, where the storage is a folder; elsewhere store nothing."""
    storage, (first, *others) = documents.storage, keys_of_files
    if isinstance(storage, LocalFolder):
        storage.save(first, BytesIO(RESUME))()
        for key in others:
            os.link(storage.folder / first, storage.folder / key)


def _make_reference(number: int) -> str:
    """Return a reference of its own for each number: drawn ones would conflict."""
    rest, characters = number * 7_919_000_039 % 20**8, ""
    for _ in range(2 * GROUP):
        rest, place = divmod(rest, 20)
        characters += ALPHABET[place]
    return f"{characters[:GROUP]}-{characters[GROUP:]}"
