"""Leads that nobody can take now: they wait, managers are told once, and they go out oldest first."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.policy import Area, Policy, Terms
from leadintake.auth.permissions import Role
from leadintake.auth.service import auth
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.distribution import attention
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.status import LeadStatus
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.outbox import alerted, delivered, round_of_a_worker

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)


def arrive(client, number: int, **fields: object) -> str:
    """A lead of a prospect of its own."""
    answer = client.submit(email=f"prospect{number}@example.com", **fields)
    assert answer.status_code == 201
    return answer.json["id"]


def unassigned_alerts(rows) -> list[str]:
    return [owed.recipient for owed in rows(Notification) if owed.kind == "unassigned_alert"]


def rule(app, **policy: object) -> None:
    """Have the application follow this policy."""
    app.extensions["leadintake.policy"] = Policy(**policy)


def test_managers_are_told_once_and_the_leads_go_out_oldest_first(app, client, given, rows):
    told = [given(UserFactory, "manager"), given(UserFactory, "admin")]
    ids = [arrive(client, number) for number in range(5)]
    assert sorted(unassigned_alerts(rows)) == sorted(one.email for one in told)
    assert {event.action for event in rows(LeadEvent)} == {"submitted", "left_unassigned"}
    round_of_a_worker(app)
    assert len(rows(AssignmentDecision)) == 5, "still nobody: nothing is decided anew"
    people = [given(UserFactory) for _ in range(2)]
    round_of_a_worker(app)
    assert [lead.assignee_id for lead in rows(Lead)] == [people[at % 2].id for at in range(5)]
    assert [str(lead) for _, lead in alerted(rows)] == ids
    assert [one.cause for one in rows(AssignmentDecision)] == ["arrival"] * 5 + ["waited"] * 5
    assert len(unassigned_alerts(rows)) == 2


def test_they_are_told_again_a_day_later_while_leads_wait_and_when_all_had_gone(app, client, given, rows):
    given(UserFactory, "manager")
    with time_machine.travel(SUNDAY) as clock:
        arrive(client, 1)
        clock.shift(timedelta(hours=23))
        arrive(client, 2)
        assert len(unassigned_alerts(rows)) == 1
        clock.shift(timedelta(hours=2))
        arrive(client, 3)
        assert len(unassigned_alerts(rows)) == 2
        one = given(UserFactory)
        round_of_a_worker(app)
        app.test_cli_runner().invoke(args=["users", "deactivate", one.email])
    assert len(unassigned_alerts(rows)) == 3, "all three wait anew"


def test_a_manager_who_is_screened_from_the_first_is_told_of_the_next(client, given, rows):
    manager = given(UserFactory, "manager")
    known = given(LeadFactory, email="prospect1@example.com")
    given(ScreenFactory, lead_id=known.id, user=manager)
    arrive(client, 1)
    assert unassigned_alerts(rows) == []
    arrive(client, 2)
    assert unassigned_alerts(rows) == [manager.email]


def test_a_round_tells_whoever_does_not_know_that_leads_wait(app, client, given, rows):
    manager = given(UserFactory, "manager")
    with time_machine.travel(SUNDAY) as clock:
        arrive(client, 1)
        with app.app_context(), transaction():
            db.session.scalars(
                db.select(Notification).where(Notification.recipient == manager.email)
            ).one().status = "failed"
        for minutes, told in ((59, 1), (2, 2), (24 * 60 - 2, 2), (3, 3)):
            clock.shift(timedelta(minutes=minutes))
            round_of_a_worker(app)
            assert unassigned_alerts(rows) == [manager.email] * told


def test_a_lead_that_comes_back_is_told_of_again(app, browser, client, given, rows):
    given(UserFactory, "manager")
    arrive(client, 1)
    one = given(UserFactory)
    round_of_a_worker(app)
    (lead,) = rows(Lead)
    said = browser().sign_in(one).post(f"/internal/leads/{lead.id}/decline", json={"reason": "Busy."})
    assert said.status_code == 204
    assert len(unassigned_alerts(rows)) == 2


@pytest.mark.parametrize("how", ["given out", "reached", "no manager", "deactivated"])
def test_managers_are_not_told_of_what_is_settled_nor_those_who_were_managers(app, client, given, rows, how):
    manager = given(UserFactory, "manager")
    given(UserFactory, "admin", email="admin@firm.example.com")
    arrive(client, 1)
    with app.app_context(), transaction():
        lead, person = db.session.scalars(db.select(Lead)).one(), auth.find(manager.email)
        if how == "given out":
            lead.assignee_id = person.id
        elif how == "reached":
            lead.status = LeadStatus.REACHED_OUT
        elif how == "no manager":
            person.role = Role.VIEWER
        else:
            person.active = False
    told = {one.recipient for one in delivered(app, rounds=False) if one.kind == "unassigned_alert"}
    assert told == (set() if how in ("given out", "reached") else {"admin@firm.example.com"})


def test_a_lead_left_to_nobody_by_a_person_stays_so(app, browser, given, rows):
    manager = browser().sign_in(given(UserFactory, "manager"))
    lead = given(LeadFactory, assigned_to=given(UserFactory))
    put = {"json": {"user_id": None}}
    assert manager.put(f"/internal/leads/{lead.id}/assignee", **put).status_code == 200
    round_of_a_worker(app)
    assert rows(Lead)[0].assignee_id is None


def test_one_that_waits_can_be_left_to_nobody_too(app, browser, client, given, rows):
    manager = browser().sign_in(given(UserFactory, "manager"))
    lead = arrive(client, 1)
    assert manager.put(f"/internal/leads/{lead}/assignee", json={"user_id": None}).status_code == 200
    given(UserFactory)
    round_of_a_worker(app)
    assert (rows(Lead)[0].assignee_id, rows(Lead)[0].assignment_strategy) == (None, "manual")


def test_one_that_was_reached_or_deleted_waits_no_more(app, given, rows):
    given(LeadFactory, "reached_out")
    given(LeadFactory, "deleted")
    given(UserFactory)
    round_of_a_worker(app)
    assert [lead.assignee_id for lead in rows(Lead)] == [None, None]


def test_outside_working_hours_leads_wait_for_the_morning(app, client, given, rows):
    one = given(UserFactory)
    rule(app, hours=("mon-fri 09:00-17:00",), timezone="America/New_York")
    with time_machine.travel(SUNDAY):
        arrive(client, 1)
        assert rows(Lead)[0].assignment_reason == "Nobody can take it now: 1 outside working hours."
    with time_machine.travel(datetime(2026, 11, 23, 13, 59, tzinfo=UTC)):
        round_of_a_worker(app)
        assert rows(Lead)[0].assignee_id is None
    with time_machine.travel(datetime(2026, 11, 23, 14, 0, tzinfo=UTC)):  # 9 o'clock there
        round_of_a_worker(app)
        assert rows(Lead)[0].assignee_id == one.id


def test_a_full_desk_takes_the_next_once_a_prospect_was_reached(app, browser, client, given, rows):
    one = given(UserFactory)
    rule(app, attorneys={one.email: Terms(capacity=2)})
    ids = [arrive(client, number) for number in range(3)]
    assert [lead.assignee_id for lead in rows(Lead)] == [one.id, one.id, None]
    said = browser().sign_in(one).patch(f"/internal/leads/{ids[0]}", json={"status": "REACHED_OUT"})
    assert said.status_code == 200
    round_of_a_worker(app)
    assert [lead.assignee_id for lead in rows(Lead)] == [one.id] * 3


def test_enough_for_today_is_over_at_the_firms_midnight(app, client, given, rows):
    one = given(UserFactory)
    rule(app, per_day=1, timezone="America/New_York")
    with time_machine.travel(datetime(2026, 11, 23, 4, 58, tzinfo=UTC)) as clock:  # two minutes to midnight
        arrive(client, 1)
        arrive(client, 2)
        round_of_a_worker(app)
        assert [lead.assignee_id for lead in rows(Lead)] == [one.id, None]
        clock.shift(timedelta(minutes=3))
        round_of_a_worker(app)
    assert [lead.assignee_id for lead in rows(Lead)] == [one.id, one.id]


def test_the_one_that_can_be_given_out_does_not_wait_for_an_older_one_that_cannot(app, client, given, rows):
    one = given(UserFactory)
    rule(app, match_language="hard", attorneys={one.email: Terms(languages=("en",))})
    app.test_cli_runner().invoke(args=["users", "deactivate", one.email])
    arrive(client, 1, language="es")
    arrive(client, 2, language="en")
    app.test_cli_runner().invoke(args=["users", "activate", one.email])
    round_of_a_worker(app)
    assert [lead.assignee_id for lead in rows(Lead)] == [None, one.id]


def test_areas_and_languages_find_who_works_on_them(app, client, given, rows):
    family, spanish, both = (given(UserFactory) for _ in range(3))
    terms = {
        family.email: Terms(practice_areas=("family",), languages=("en",)),
        spanish.email: Terms(practice_areas=("immigration",), languages=("es",)),
        both.email: Terms(weight=1, practice_areas=("family", "immigration"), languages=("en", "es")),
    }
    rule(app, attorneys=terms, match_language="preferred", areas={"immigration": Area("round_robin")})
    for number in range(2):
        arrive(client, number, practice_area="family", language="es")
    arrive(client, 3, practice_area="immigration", language="es")
    arrive(client, 4, practice_area="immigration", language="es")
    arrive(client, 5, practice_area="criminal")
    assert [lead.assignee_id for lead in rows(Lead)] == [both.id, both.id, spanish.id, both.id, None]
    assert [lead.assignment_strategy for lead in rows(Lead)][2:4] == ["round_robin"] * 2


def test_many_that_wait_are_given_out_in_pieces_and_all_in_the_end(app, given, rows, monkeypatch):
    module = importlib.import_module(
        "leadintake.leads.distribution.handover"
    )  # the room has a service of that name
    monkeypatch.setattr(module, "MAX_AT_ONCE", 3)
    for _ in range(7):
        given(LeadFactory)
    one = given(UserFactory)
    for had in (3, 6, 7, 7):
        round_of_a_worker(app)
        assert sum(lead.assignee_id == one.id for lead in rows(Lead)) == had


def test_looking_whether_anybody_can_take_what_waits_asks_no_more_for_many_than_for_one(app, given):
    given(UserFactory, "busy")
    with app.app_context():
        asked: list[str] = []
        db.event.listen(db.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
    given(LeadFactory)
    asked.clear()
    round_of_a_worker(app)
    one = len(asked)
    for number in range(20):
        given(LeadFactory, created_at=now() - timedelta(hours=number))
    asked.clear()
    round_of_a_worker(app)
    assert len(asked) == one
    with app.app_context():
        assert attention.count_states() == {"waiting": 21, "pending": 21, "quarantined": 0}


def test_a_submission_asks_no_more_among_five_hundred_attorneys_than_among_five(app, client, given):
    with app.app_context():
        asked: list[str] = []

        def note(_connection, _cursor, statement, parameters, _context, many) -> None:
            asked.extend([statement] * (len(parameters) if many else 1))

        db.event.listen(db.engine, "before_cursor_execute", note)
    rule(app, strategy="round_robin", per_day=50)
    hashed = given(UserFactory).password_hash
    for _ in range(4):
        given(UserFactory, password_hash=hashed)
    arrive(client, 1)
    asked.clear()
    arrive(client, 2)
    few = len(asked)
    for _ in range(495):
        given(UserFactory, password_hash=hashed)
    arrive(client, 3)
    asked.clear()
    arrive(client, 4)
    assert len(asked) == few
