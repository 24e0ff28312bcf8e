"""Many at the same moment, in real threads, on every engine."""

from __future__ import annotations

from collections import Counter

import pytest
import sqlalchemy as sa

from leadintake.core.actor import OPERATOR
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.documents.models import Document
from leadintake.leads.intake.keys import key_locks
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.service import leads
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, UserFactory
from tests.support.leads import files_of, together

pytestmark = pytest.mark.every_engine
MANY = 20


def kept_once(app, rows) -> bool:
    """Whether one lead, one file and two messages are all there is."""
    kinds = sorted(owed.kind for owed in rows(Notification))
    counted = [len(rows(Lead)), len(rows(Document)), len(files_of(app))]
    return counted == [1, 1, 1] and kinds == ["attorney_alert", "prospect_confirmation"]


def test_twenty_equal_posts_with_one_key_make_one_of_everything(app, browser, given, rows):
    given(UserFactory)
    answers = together(*[lambda: browser().submit(key="k")] * MANY)
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.text for answer in made}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in made) == 1
    assert kept_once(app, rows)


def test_equal_posts_in_other_processes_make_one_of_everything_too(app, browser, given, rows, monkeypatch):
    given(UserFactory)
    # Another process shares the database, but not the waiting room in memory.
    monkeypatch.setattr(key_locks, "lock", lambda _key: None)
    answers = together(*[lambda: browser().submit(key="k")] * 8)
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert kept_once(app, rows)


def test_one_key_with_two_contents_keeps_one_and_refuses_the_other(app, browser, given, rows):
    given(UserFactory)
    answers = together(
        *[lambda: browser().submit(key="k", first_name="Jane")] * 4,
        *[lambda: browser().submit(key="k", first_name="Joan")] * 4,
    )
    names = {answer.json["first_name"] for answer in answers if answer.status_code == 201}
    assert len(names) == 1
    assert {answer.status_code for answer in answers} <= {201, 409, 422}
    assert {lead.first_name for lead in rows(Lead)} == names
    assert kept_once(app, rows)


def test_twenty_different_posts_spread_evenly_over_four_attorneys(app, browser, given, rows):
    attorneys = [given(UserFactory) for _ in range(4)]
    jobs = [lambda n=n: browser().submit(key=f"k{n}", email=f"j{n}@example.com") for n in range(MANY)]
    answers = together(*jobs)
    assert [answer.status_code for answer in answers] == [201] * MANY
    assert Counter(lead.assignee_id for lead in rows(Lead)) == {one.id: 5 for one in attorneys}
    alerts = Counter(owed.recipient for owed in rows(Notification) if owed.kind == "attorney_alert")
    assert alerts == {one.email: 5 for one in attorneys}
    assert len(files_of(app)) == len(rows(Document)) == MANY


def test_leads_become_visible_in_the_order_of_their_arrival(browser, given, rows):
    # A reader who walks the list by created_at while leads arrive must not be overtaken by an older one.
    reader = browser().sign_in(given(UserFactory, "viewer"))
    seen: list[list[str]] = []

    def look() -> None:
        for _ in range(15):
            page = reader.get("/internal/leads?sort=created_at&limit=200").json
            seen.append([item["id"] for item in page["items"]])

    together(look, *[lambda: browser().submit()] * 8)
    last = [item["id"] for item in reader.get("/internal/leads?sort=created_at&limit=200").json["items"]]
    assert len(last) == 8
    assert all(last[: len(glimpse)] == glimpse for glimpse in seen)


def test_equal_addresses_at_once_all_arrive_and_know_of_each_other(browser, given, rows):
    manager = browser().sign_in(given(UserFactory, "manager"))
    assert [answer.status_code for answer in together(*[lambda: browser().submit()] * 6)] == [201] * 6
    ids = {str(lead.id) for lead in rows(Lead)}
    for lead in rows(Lead):
        detail = manager.get(f"/internal/leads/{lead.id}")
        assert set(detail.json["duplicates"]) == ids - {str(lead.id)}
    assert {lead.version for lead in rows(Lead)} == {1}


def test_of_two_changes_with_the_same_etag_one_wins_and_one_is_412(browser, given, rows):
    manager, lead = given(UserFactory, "manager"), given(LeadFactory)
    address = f"/internal/leads/{lead.id}"
    clients = [browser().sign_in(manager) for _ in range(2)]
    etag = clients[0].get(address).headers["ETag"]

    def change(client):
        return client.patch(address, json={"status": "REACHED_OUT"}, headers=sent(client, etag))

    answers = together(*[lambda client=client: change(client) for client in clients])
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert [event.action for event in rows(LeadEvent)] == ["reached_out"]
    assert rows(Lead)[0].version == 2


@pytest.mark.on_postgresql  # elsewhere nobody writes after the first read of this transaction
def test_a_lead_that_was_read_before_is_read_again_under_its_lock(app, given):
    lead = given(LeadFactory)
    rename = sa.update(Lead.__table__).where(Lead.__table__.c.id == lead.id)
    with app.app_context(), transaction():
        seen = leads.get(lead.id, reader=OPERATOR)
        with db.engine.begin() as connection:
            connection.execute(rename.values(last_name="Renamed", version=7))
        with leads.edit(lead.id, OPERATOR, if_version={"7"}) as current:
            assert (current is seen, current.last_name) == (True, "Renamed")


def test_an_unassigned_lead_is_taken_by_one_attorney_only(browser, given, rows):
    attorneys, lead = [given(UserFactory) for _ in range(4)], given(LeadFactory)
    clients = [browser().sign_in(one) for one in attorneys]

    def take(client, attorney):
        body = {"user_id": str(attorney.id)}
        return client.put(f"/internal/leads/{lead.id}/assignee", json=body)

    jobs = [lambda pair=pair: take(*pair) for pair in zip(clients, attorneys, strict=True)]
    answers = together(*jobs)
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403]
    winner = next(answer for answer in answers if answer.status_code == 200)
    assert str(rows(Lead)[0].assignee_id) == winner.json["assigned_to"]["id"]
    assert len(rows(LeadEvent)) == 1


def test_changes_and_arrivals_at_once_lose_nothing_and_block_nobody(browser, given, rows):
    manager = given(UserFactory, "manager")
    given(UserFactory)
    known = [given(LeadFactory, email="jane@example.com") for _ in range(4)]
    clients = [browser().sign_in(manager) for _ in range(4)]
    answers = together(
        lambda: clients[0].patch(f"/internal/leads/{known[0].id}", json={"status": "REACHED_OUT"}),
        lambda: clients[1].delete(f"/internal/leads/{known[1].id}"),
        lambda: clients[2].put(f"/internal/leads/{known[2].id}/assignee", json={"user_id": str(manager.id)}),
        lambda: clients[3].delete(f"/internal/leads/{known[3].id}"),
        *[lambda: browser().submit()] * 6,
    )
    assert [answer.status_code for answer in answers] == [200, 204, 200, 204] + [201] * 6
    assert len(rows(Lead)) == 10


def sent(client, etag: str) -> dict[str, str]:
    """Headers of a conditional change."""
    return {"If-Match": etag, "X-CSRFToken": client.csrf_token}
