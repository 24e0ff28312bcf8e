"""Small worlds with a lead somebody is barred from, the same without that lead, and a reader of both."""

from __future__ import annotations

import itertools
import shutil
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from hypothesis import strategies as st

from leadintake.audit import chain
from leadintake.audit.chain import Head
from leadintake.audit.models import AuditEntry, AuditHead
from leadintake.audit.service import PURPOSE, audit
from leadintake.auth.models import User
from leadintake.core.actor import ANONYMOUS, OPERATOR
from leadintake.core.crypto import keys
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads import counting
from leadintake.leads.conversation import LeadContact
from leadintake.leads.distribution import alerts
from leadintake.leads.models import Lead
from leadintake.leads.screens.service import screens
from leadintake.leads.service import leads
from leadintake.leads.status import Gate, Outcome
from tests.factories import LeadFactory, NoteFactory, NotificationFactory, ReplyFactory, UserFactory
from tests.support.client import Client

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING = uuid.UUID(int=0)
CLIENT = "jane@example.com"
LATER = uuid.UUID("0f000000-0000-7000-8000-000000000000").int
"""The first of the ids, which are in the order of their making."""
PEOPLE = ("barred", "colleague", "prospect")


@dataclass(frozen=True)
class Plan:
    """A lead to make: `ours` shares its address with the hidden one."""

    ours: bool
    owner: str | None
    reached: bool
    deleted: bool
    hours: int
    messages: tuple[tuple[str, str | None], ...]
    quarantined: bool = False
    outcome: Outcome | None = None
    tags: tuple[str, ...] = ()


plans = st.builds(
    Plan,
    ours=st.sampled_from([True, False]),
    owner=st.sampled_from(["barred", "colleague", None]),
    reached=st.booleans(),
    deleted=st.booleans(),
    hours=st.integers(0, 3),
    messages=st.lists(
        st.tuples(st.sampled_from(PEOPLE), st.sampled_from([None, "sent", "failed"])), min_size=1, max_size=3
    ).map(tuple),
    outcome=st.sampled_from([None, Outcome.HIRED, Outcome.CONFLICT]),
    tags=st.sampled_from([(), ("asylum",), ("Asylum", "Secretissima")]),
)


Act = Callable[..., Any]
Heard = tuple[int, list[tuple[str, str]], bytes]
"""Status, headers and body of an answer: all that a reader is told."""


@dataclass
class World:
    """Who and what is in it, and its two databases: as it is, and as if the hidden lead had never come."""

    app: Flask
    folder: Path
    ids: Iterator[int] = field(default_factory=itertools.count)
    people: dict[str, User] = field(default_factory=dict)
    hidden: uuid.UUID = NOTHING
    hidden_message: uuid.UUID = NOTHING
    hidden_note: uuid.UUID = NOTHING
    hidden_reply: uuid.UUID = NOTHING
    twin: uuid.UUID = NOTHING
    """Another lead of the same client. The barred person has it."""
    other_message: uuid.UUID = NOTHING

    @cached_property
    def engine(self) -> sa.Engine:
        """Where the application's connections come from."""
        with self.app.app_context():
            return db.engine

    @cached_property
    def live(self) -> Path:
        """The database the application has open."""
        return Path(str(self.engine.url.database))

    def next_id(self) -> uuid.UUID:
        """An id made in the application's stead: the same request makes the same ones in both."""
        return uuid.UUID(int=LATER + next(self.ids))

    def become(self, which: str) -> None:
        """Put the application into one of the two, or back to the beginning."""
        self.ids = itertools.count(0 if which == "empty" else 1_000_000)
        self.engine.dispose()
        for log in ("-wal", "-shm"):  # of the database that was there
            self.live.with_name(f"{self.live.name}{log}").unlink(missing_ok=True)
        shutil.copyfile(self.folder / which, self.live)

    def in_both(self, act: Act, *arguments: Any) -> tuple[Any, Any]:
        """What an act gives in the world as it is, and in the one without the lead."""
        self.become("as it is")
        here = act(*arguments)
        self.become("without")
        return here, act(*arguments)

    def keep_empty(self) -> None:
        """Keep the database as it is before anything is in it."""
        self.engine.dispose()
        shutil.copy(self.live, self.folder / "empty")

    def keep(self) -> None:
        """Keep the database as it is now, and a copy without the hidden lead."""
        self._checkpoint()
        for name in ("as it is", "without"):
            shutil.copy(self.live, self.folder / name)
        with closing(sqlite3.connect(self.folder / "without")) as connection, connection:
            _take_out(connection, self.hidden.hex)
        self.become("without")
        with self.app.app_context():
            counting.correct_numbers()
            with transaction():
                _close_gaps()
        self._checkpoint()
        shutil.copy(self.live, self.folder / "without")

    def _checkpoint(self) -> None:
        """Have all of the database in its one file."""
        self.engine.dispose()
        with closing(sqlite3.connect(self.live)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@dataclass
class Reader:
    """Somebody signed in. Their cookie is that of the world that was kept, whatever an answer does to it."""

    client: Client
    headers: dict[str, str]

    @classmethod
    def signed_in(cls, app: Flask, user: User) -> Reader:
        """Sign in."""
        browser = app.test_client().sign_in(user)
        cookie = browser.get_cookie(app.config["SESSION_COOKIE_NAME"])
        client = app.test_client(use_cookies=False)
        client.csrf_token = browser.csrf_token
        same = {"X-Request-Id": "the-same-request", "Cookie": f"{cookie.key}={cookie.value}"}
        return cls(client, same)

    def ask(self, method: str, path: str, body: Any = None) -> list[Heard]:
        """Put one request, and follow it through the pages of its answer."""
        answers: list[Heard] = []
        cursor = ""
        while cursor is not None:
            query = f"{'&' if '?' in path else '?'}cursor={cursor}" if cursor else ""
            answer = self.client.open(f"{path}{query}", method=method, json=body, headers=self.headers)
            answers.append((answer.status_code, sorted(answer.headers.items()), answer.data))
            cursor = answer.json.get("next_cursor") if answer.is_json else None
        return answers


def _take_out(connection: sqlite3.Connection, lead: str) -> None:
    """Remove every row about the lead, the audit trail's too, which the database itself would refuse."""
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for (trigger,) in names:
        connection.execute(f'DROP TRIGGER "{trigger}"')
    (resume,) = connection.execute("SELECT resume_id FROM leads WHERE id = ?", [lead]).fetchone()
    messages = "SELECT id FROM notifications WHERE lead_id = ?"
    connection.execute(f"DELETE FROM delivery_attempts WHERE notification_id IN ({messages})", [lead])  # noqa: S608 - ours
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        columns = {row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')}
        for column in columns & {"lead_id", "subject_id"}:
            connection.execute(f'DELETE FROM "{table}" WHERE {column} = ?', [lead])  # noqa: S608 - names of the schema
    connection.execute("DELETE FROM leads WHERE id = ?", [lead])
    connection.execute("DELETE FROM documents WHERE id = ?", [resume])


def _close_gaps() -> None:
    """Number and hash the audit trail as if what was removed had never been recorded."""
    (key,), end = keys(PURPOSE), Head(0, "")
    for entry in db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.number)):
        db.session.expunge(entry)
        entry.number = end.number + 1
        end = Head(entry.number, chain.hash_of(entry, end.hash, key))
        row = sa.update(AuditEntry.__table__).where(AuditEntry.__table__.c.id == entry.id)
        db.session.execute(row.values(number=end.number, hash=end.hash))
    head = {"number": end.number, "hash": end.hash, "seal": chain.seal_of(end, key)}
    db.session.execute(sa.update(AuditHead).values(**head))


def build(world: World, role: str, secret: Plan, others: list[Plan], *, wall: bool = True) -> None:
    """Make everything there is, the audit trail of it too; last the wall, as a manager raises it."""
    with world.app.app_context():
        with transaction():
            _fill(world, role, secret, others)
        with transaction():
            if wall:
                barred, boss = world.people["barred"], world.people["boss"]
                with leads.edit(world.hidden, OPERATOR, lock_assignment=True, deleted=True) as lead:
                    screens.set(lead, barred.id, "Represented her husband.", actor=boss)
        with transaction():
            if secret.quarantined:  # as of a client from whom they were barred before
                with leads.edit(world.hidden, OPERATOR, deleted=True) as lead:
                    lead.quarantined_at, lead.quarantine_reason, lead.assigned_to = NOW, "Too fast.", None
                    lead.gate, lead.assignment_strategy = Gate.QUARANTINE, "quarantine"
        for person in world.people.values():
            db.session.refresh(person)
        db.session.expunge_all()


def _fill(world: World, role: str, secret: Plan, others: list[Plan]) -> None:
    people = world.people
    people["barred"] = UserFactory(**{} if role == "attorney" else {role: True})
    people["colleague"] = UserFactory()
    people["boss"] = boss = UserFactory(manager=True)
    hidden = _lead(world, secret, email=CLIENT, last_name="Secretissima", phone="+12025550199")
    failed = NotificationFactory(lead_id=hidden.id, recipient=boss.email, failed=True)
    world.hidden_note = NoteFactory(lead_id=hidden.id, author=people["barred"], text="Pelican").id
    contact = {"author": people["barred"], "channel": "phone", "outcome": "spoke"}
    db.session.add(LeadContact(lead_id=hidden.id, note="Pelican", **contact))
    made = [_lead(world, plan, email=CLIENT if plan.ours else None) for plan in others]
    twin = Plan(ours=True, owner="barred", reached=False, deleted=False, hours=1, messages=())
    made.append(_lead(world, twin, email=CLIENT))
    world.hidden, world.hidden_message = hidden.id, failed.id
    world.hidden_reply = ReplyFactory(lead_id=hidden.id, by=boss, subject="Secretissima").id
    world.twin = made[-1].id
    world.other_message = NotificationFactory(lead_id=made[-1].id, failed=True).id
    for lead in (hidden, *made):
        for who in ("barred", "boss"):
            audit.record("lead.read", actor=people[who], about=("lead", lead.id), what="detail")
        if lead.deleted_at:
            audit.record("lead.deleted", actor=boss, about=("lead", lead.id))
    audit.record("message.retried", actor=boss, about=("lead", hidden.id), message=str(failed.id))


def _lead(world: World, plan: Plan, *, email: str | None, **more: str) -> Lead:
    arrived = NOW - timedelta(hours=plan.hours)
    lead = LeadFactory(
        **{"email": email} if email else {},
        **more,
        **{"reached_out": True} if plan.reached else {},
        **{"deleted": True} if plan.deleted else {},
        assigned_to=world.people.get(plan.owner or ""),
        created_at=arrived,
        updated_at=arrived,
        practice_area="family",
        language="es",
        outcome=plan.outcome,
        outcome_at=NOW if plan.outcome else None,
        tags=[*plan.tags],
    )
    alerts.record(lead, "submitted", "with resume.pdf", actor=ANONYMOUS)
    for who, state in plan.messages:
        person = world.people.get(who)
        NotificationFactory(
            lead_id=lead.id,
            recipient=person.email if person else lead.email,
            created_at=arrived,
            deleted_at=lead.deleted_at,
            **{state: True} if state else {},
        )
    return lead
