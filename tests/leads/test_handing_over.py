"""PUT /internal/leads/{id}/assignee: hand over, take, leave to nobody; the new owner is told."""

from __future__ import annotations

import pytest

from leadintake.core.db.database import db
from leadintake.core.db.types import new_id
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, UserFactory
from tests.support.leads import WORK


def give(client, lead, user_id: object, **headers: str):
    """Ask that `user_id` shall have the lead."""
    body = {"user_id": None if user_id is None else str(user_id)}
    return client.put(f"/internal/leads/{lead.id}/assignee", json=body, headers=headers)


def alerts(rows) -> list[tuple[str, str]]:
    """Who was told what."""
    return [(owed.kind, owed.recipient) for owed in rows(Notification)]


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def bruno(given):
    return given(UserFactory, name="Bruno")


@pytest.fixture
def boss(given):
    return given(UserFactory, "manager", email="max@firm.example.com")


@pytest.fixture
def manager(browser, boss):
    return browser().sign_in(boss)


def test_a_manager_hands_a_lead_over_and_the_new_owner_is_told(manager, given, rows, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    answer = give(manager, lead, bruno.id)
    assert answer.status_code == 200
    assert answer.json["assigned_to"] == {"id": str(bruno.id), "name": "Bruno", "email": bruno.email}
    assert answer.headers["ETag"].startswith('"2.')
    assert answer.json["assignment"]["strategy"] == "manual"
    assert "max@firm.example.com" in answer.json["assignment"]["reason"]
    assert answer.json["assignment"]["decided_at"] > lead.assigned_at.isoformat()
    assert alerts(rows) == [("attorney_alert", bruno.email)]
    assert str(lead.id) in rows(Notification)[0].text
    (event,) = rows(LeadEvent)
    assert (event.actor, event.action, event.detail) == (
        "max@firm.example.com",
        "assigned",
        f"to {bruno.email}",
    )


@pytest.mark.parametrize("outcome", [None, "hired"])
def test_only_of_an_open_lead_the_new_owner_is_asked_to_reach_out(manager, given, rows, amara, outcome):
    give(manager, given(LeadFactory, outcome=outcome), amara.id)
    (alert,) = rows(Notification)
    assert [("reach out" in text) for text in (alert.text, alert.html)] == [outcome is None] * 2


def test_an_admin_may_too(browser, given, amara):
    admin = browser().sign_in(given(UserFactory, "admin"))
    assert give(admin, given(LeadFactory), amara.id).status_code == 200


def test_a_lead_left_to_nobody_is_told_to_the_managers(manager, given, rows, amara, boss):
    admin = given(UserFactory, "admin")
    given(UserFactory, "manager", "inactive")
    lead = given(LeadFactory, assigned_to=amara)
    answer = give(manager, lead, None)
    assert (answer.status_code, answer.json["assigned_to"]) == (200, None)
    assert sorted(alerts(rows)) == sorted(("left_to_nobody", one.email) for one in (boss, admin))


def test_giving_it_to_who_has_it_changes_nothing(manager, given, rows, amara):
    lead, free = given(LeadFactory, assigned_to=amara), given(LeadFactory, assignment_strategy="manual")
    assert give(manager, lead, amara.id).json["version"] == 1
    assert give(manager, free, None).json["version"] == 1
    assert alerts(rows) == []
    assert rows(LeadEvent) == []


def test_an_attorney_takes_a_lead_nobody_has_and_is_not_told_of_it(browser, given, rows, amara):
    lead = given(LeadFactory)
    answer = give(browser().sign_in(amara), lead, amara.id)
    assert answer.status_code == 200
    assert answer.json["assigned_to"]["id"] == str(amara.id)
    assert answer.json["assignment"]["reason"] == f"Taken by {amara.email}."
    assert answer.json["allowed"] == ["change_status", "decline", *WORK]
    assert alerts(rows) == []
    assert [event.actor for event in rows(LeadEvent)] == [amara.email]


def test_an_attorney_may_do_nothing_else_with_the_ownership(browser, given, rows, amara, bruno):
    attorney = browser().sign_in(amara)
    theirs, mine, free = (given(LeadFactory, assigned_to=who) for who in (bruno, amara, None))
    assert give(attorney, theirs, amara.id).status_code == 403
    assert give(attorney, theirs, None).status_code == 403
    assert give(attorney, mine, bruno.id).status_code == 403
    assert give(attorney, mine, None).status_code == 403
    assert give(attorney, free, bruno.id).status_code == 403
    assert [lead.assignee_id for lead in rows(Lead)] == [bruno.id, amara.id, None]
    assert alerts(rows) == []


def test_a_viewer_may_not_take_a_lead(browser, given):
    viewer = given(UserFactory, "viewer")
    assert give(browser().sign_in(viewer), given(LeadFactory), viewer.id).status_code == 403


def test_only_who_is_active_and_may_work_on_leads_can_have_one(manager, given, rows, amara):
    lead = given(LeadFactory, assigned_to=amara)
    for nobody in (given(UserFactory, "inactive").id, given(UserFactory, "viewer").id, new_id(), lead.id):
        answer = give(manager, lead, nobody)
        assert answer.status_code == 422
        assert list(answer.json["errors"]) == ["user_id"]
    assert rows(Lead)[0].assignee_id == amara.id
    assert alerts(rows) == []


def test_who_takes_no_new_leads_may_still_be_given_one(manager, given):
    busy = given(UserFactory, "busy")
    assert give(manager, given(LeadFactory), busy.id).status_code == 200


def test_a_body_that_does_not_validate_is_422(manager, given):
    address = f"/internal/leads/{given(LeadFactory).id}/assignee"
    for user_id in ("x", 1, "", [], {}, True):
        assert list(manager.put(address, json={"user_id": user_id}).json["errors"]) == ["user_id"], user_id
    for body, fields in (
        ({}, {"user_id"}),
        ({"user": None}, {"user", "user_id"}),
        ({"user_id": None, "a": 1}, {"a"}),
    ):
        answer = manager.put(address, json=body)
        assert (answer.status_code, set(answer.json["errors"])) == (422, fields)


def test_an_if_match_is_kept_to(manager, given, rows, amara):
    lead = given(LeadFactory)
    assert give(manager, lead, amara.id, **{"If-Match": '"2"'}).status_code == 412
    assert alerts(rows) == []
    assert give(manager, lead, amara.id, **{"If-Match": '"1"'}).status_code == 200


def test_the_token_is_asked_for(manager, given, amara):
    manager.csrf_token = None
    assert give(manager, given(LeadFactory), amara.id).status_code == 403


def test_a_reassigned_lead_weighs_on_its_new_owner(manager, client, given, rows, amara, bruno):
    for lead in [given(LeadFactory, assigned_to=amara) for _ in range(2)]:
        assert give(manager, lead, bruno.id).status_code == 200
    client.submit()
    assert rows(Lead)[-1].assignee_id == amara.id


def test_the_former_owner_may_not_reach_out_any_more(manager, browser, given, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    give(manager, lead, bruno.id)
    said = {"status": "REACHED_OUT"}
    assert browser().sign_in(amara).patch(f"/internal/leads/{lead.id}", json=said).status_code == 403
    assert browser().sign_in(bruno).patch(f"/internal/leads/{lead.id}", json=said).status_code == 200


@pytest.mark.every_engine
def test_a_lead_is_locked_alone_neither_its_attorney_nor_its_file_with_it(app, manager, given, amara, bruno):
    lead, asked = given(LeadFactory, assigned_to=amara), []
    with app.app_context():
        db.event.listen(db.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    assert give(manager, lead, bruno.id).status_code == 200
    locking = [one for one in asked if "FROM leads" in one and "FOR UPDATE" in one]
    assert all("JOIN" not in one for one in locking)
    with app.app_context():
        assert bool(locking) is (db.engine.dialect.name != "sqlite"), "which locks all of the database anyway"
