"""One act on many leads does what the act on each does: same answers, rows, history, audit and mails."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from leadintake import create_app
from leadintake.assignment.counters import COUNTS
from leadintake.audit.models import AuditEntry
from leadintake.auth.models import User
from leadintake.core.db.database import db
from leadintake.leads.bulk.digest import MAX_ALERTS
from leadintake.leads.conversation import LeadNote
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.progress import LeadTag
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, NotificationFactory, ScreenFactory, UserFactory
from tests.support.client import Client
from tests.support.engines import fresh_copy
from tests.support.rows import make

SEEDS = range(18)
ROLES = ("attorney", "manager", "admin")
SINGLE = {
    "assign": ("put", "/assignee"),
    "delete": ("delete", ""),
    "tags": ("put", "/tags"),
    "outcome": ("put", "/outcome"),
    "note": ("post", "/notes"),
}
ACTS = ("assign", "assign", "delete", "tags", "outcome", "note")


def build(app: Any, chance: random.Random) -> tuple[list[User], list[Lead]]:
    """People and leads in every state, the same for the same chance."""
    people = [
        make(
            app,
            UserFactory,
            *([] if role == "attorney" else [role]),
            name=f"P{number}",
            email=f"p{number}@f.example.com",
        )
        for number, role in enumerate((*ROLES, "attorney", "manager"))
    ]
    people.append(make(app, UserFactory, "inactive", name="P5", email="p5@f.example.com"))
    leads = []
    for number in range(8):
        traits = [trait for trait in ("reached_out", "deleted", "quarantined") if chance.random() < 0.15]
        owner = chance.choice([None, *people[:1], people[3]])
        values = {"last_name": f"L{number}", "assigned_to": owner, "email": f"l{number}@example.com"}
        leads.append(make(app, LeadFactory, *traits, **values))
        if chance.random() < 0.3:
            make(app, ScreenFactory, lead_id=leads[-1].id, user=chance.choice(people))
        if owner is not None and chance.random() < 0.5:
            make(app, NotificationFactory, "sent", lead_id=leads[-1].id, recipient=owner.email)
    return people, leads


def read_all(model: Any) -> list[Any]:
    query = db.select(model).order_by(model.id)
    return list(db.session.scalars(query, execution_options={"include_deleted": True}))


def outcome(app: Any) -> dict[str, Any]:
    """What the database holds now, without ids and times."""
    with app.app_context():
        leads, events, messages = (read_all(model) for model in (Lead, LeadEvent, Notification))
        names = {lead.id: lead.last_name for lead in leads}
        people = {user.id: user.name for user in db.session.scalars(db.select(User))}
        found = {
            "leads": [
                (lead.last_name, people.get(lead.assignee_id), lead.status, lead.version,
                 lead.deleted_at is not None, lead.assignment_strategy, lead.assignment_reason,
                 lead.outcome, lead.outcome_note, lead.tags)
                for lead in leads
            ],
            "notes": [(names[one.lead_id], one.text, one.author.name) for one in read_all(LeadNote)],
            "tags": sorted((names[one.lead_id], one.tag) for one in read_all(LeadTag)),
            "history": [(names[one.lead_id], one.actor, one.action, one.detail) for one in events],
            "audit": [
                (entry.action, names.get(entry.subject_id))
                for entry in db.session.scalars(db.select(AuditEntry).order_by(AuditEntry.number))
                if entry.action.startswith("lead.")
            ],
            "mails": Counter(
                (one.kind, one.recipient, one.subject.partition(":")[0], names.get(one.lead_id),
                 one.deleted_at is None)
                for one in messages
            ),
            "counts": sorted(
                (people.get(row.id, "nobody"), row.listed, row.pending, row.waiting, row.quarantined)
                for row in db.session.execute(db.select(COUNTS))
                if any((row.listed, row.pending, row.waiting, row.quarantined))
            ),
        }  # fmt: skip
        db.session.rollback()
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_what_bulk_does_is_what_the_acts_one_by_one_do(template: str, tmp_path: Path, seed: int):
    answers, outcomes = [], []
    for way in ("bulk", "singles"):
        chance, folder = random.Random(seed), tmp_path / way
        folder.mkdir()
        app = create_app(
            INSTANCE_PATH=str(folder / "instance"), DATABASE_URL=fresh_copy(template, folder),
            WORKER="external", WATCHDOG="external", RATE_LIMIT_LOGINS="", TESTING=True,
            ATTORNEY_VISIBILITY=chance.choice(["all", "own"]),
        )  # fmt: skip
        app.test_client_class = Client
        people, leads = build(app, chance)
        actor, act = chance.choice(people[:3]), ACTS[seed % len(ACTS)]
        client = app.test_client().sign_in(actor)
        to = chance.choice([None, *people])
        chosen = [*chance.sample(leads, chance.randint(2, len(leads))), None]
        members: dict[str, Any] = {
            "assign": {"user_id": str(to.id) if to else None},
            "tags": {"tags": chance.choice([["vip", "Asylum"], [], ["a,b"]])},
            "outcome": chance.choice([{"outcome": "hired", "note": "Signed."}, {"outcome": None}]),
            "note": {"text": chance.choice(["Call on Tuesday.", " "])},
        }.get(act, {})
        keys = [lead.reference if lead else "7QM4-2XRF" for lead in chosen]
        if way == "bulk":
            sent = client.post("/internal/leads/bulk", json={"act": act, "ids": keys, **members})
            assert sent.status_code == 200, sent.text
            answers.append([(item["status"], item["detail"]) for item in sent.json["items"]])
        else:
            verb, tail = SINGLE[act]
            answers.append([single(client, verb, f"/internal/leads/{key}{tail}", members) for key in keys])
        outcomes.append(outcome(app))
        with app.app_context():
            db.engine.dispose()
    assert answers[0] == answers[1]
    if len(chosen) > MAX_ALERTS:  # then one mail tells each person (digest.py)
        for found in outcomes:
            del found["mails"]
    assert outcomes[0] == outcomes[1]


def single(client: Client, verb: str, address: str, members: dict[str, Any]) -> tuple[int, str | None]:
    answer = getattr(client, verb)(address, **({"json": members} if members else {}))
    if answer.status_code < 400:
        return answer.status_code, None
    reasons = [reason for found in answer.json.get("errors", {}).values() for reason in found]
    return answer.status_code, " ".join(reasons) or answer.json["detail"]
