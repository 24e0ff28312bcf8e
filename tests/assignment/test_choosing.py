"""Who gets a lead that arrives: the decision with real people, real leads and every engine."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import timedelta

import pytest
import time_machine

from leadintake.core.clock import now
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, UserFactory
from tests.support.leads import together


@pytest.fixture
def arrive(client, rows):
    """A lead of a new prospect arrives; who has it now?"""
    numbers = itertools.count()

    def submit() -> object:
        answer = client.submit(email=f"prospect{next(numbers)}@example.com")
        assert answer.status_code == 201
        return {str(lead.id): lead for lead in rows(Lead)}[answer.json["id"]].assignee_id

    return submit


@pytest.mark.every_engine
def test_the_one_with_fewest_open_leads_gets_it(given, arrive, rows):
    busy, free, busier = given(UserFactory), given(UserFactory, name="Free"), given(UserFactory)
    for owner, number in ((busy, 2), (free, 1), (busier, 3)):
        for _ in range(number):
            given(LeadFactory, assigned_to=owner)
    assert arrive() == free.id
    lead = rows(Lead)[-1]
    assert (lead.assignment_strategy, lead.assignment_reason) == (
        "least_open",
        "Free had 1 open lead, the lightest load of 3.",
    )


def test_those_who_waited_longest_come_first_among_equals(given, arrive, rows):
    people = [given(UserFactory) for _ in range(3)]
    assert [arrive() for _ in range(7)] == [people[number % 3].id for number in range(7)]


def test_reached_out_and_deleted_leads_weigh_nothing(given, arrive):
    done, free = given(UserFactory), given(UserFactory)
    for trait in ("reached_out", "deleted"):
        for _ in range(3):
            given(LeadFactory, trait, assigned_to=done)
    given(LeadFactory, assigned_to=free)
    assert arrive() == done.id


@pytest.mark.parametrize("traits", [("inactive",), ("busy",), ("inactive", "busy"), ("viewer",)])
def test_who_is_inactive_or_takes_no_leads_is_never_chosen(given, arrive, traits):
    given(UserFactory, *traits)
    one = given(UserFactory)
    for _ in range(3):
        given(LeadFactory, assigned_to=one)
    assert [arrive() for _ in range(2)] == [one.id] * 2


def test_who_stops_taking_leads_gets_no_more_and_keeps_the_old_ones(browser, given, arrive, rows):
    first, second = given(UserFactory), given(UserFactory)
    assert arrive() == first.id
    admin = browser().sign_in(given(UserFactory, "admin"))
    assert admin.patch(f"/internal/users/{first.id}", json={"can_intake": False}).status_code == 200
    assert [arrive() for _ in range(2)] == [second.id] * 2
    assert rows(Lead)[0].assignee_id == first.id


def test_a_manager_who_takes_leads_is_chosen_like_everybody(given, arrive):
    manager = given(UserFactory, "manager", can_intake=True)
    assert arrive() == manager.id


def test_with_nobody_to_take_it_the_lead_is_kept_and_the_managers_are_told(client, given, rows):
    told = [given(UserFactory, "manager"), given(UserFactory, "admin")]
    given(UserFactory, "manager", "inactive")
    given(UserFactory, "busy")
    given(UserFactory, "viewer")
    assert client.submit().status_code == 201
    (lead,) = rows(Lead)
    said = "Nobody can take it now: 1 deactivated, 3 not taking leads."
    assert (lead.assignee_id, lead.assignment_reason) == (None, said)
    assert sorted((owed.kind, owed.recipient) for owed in rows(Notification)) == sorted(
        [("prospect_confirmation", "jane@example.com"), *(("unassigned_alert", one.email) for one in told)]
    )
    assert [(event.actor, event.action) for event in rows(LeadEvent)] == [
        ("prospect", "submitted"),
        ("system", "left_unassigned"),
    ]


def test_with_nobody_at_all_the_lead_is_kept_all_the_same(client, rows):
    assert client.submit().status_code == 201
    assert len(rows(Lead)) == 1
    assert [owed.kind for owed in rows(Notification)] == ["prospect_confirmation"]


def test_the_alert_goes_to_the_one_chosen_alone_and_leads_to_the_lead(client, given, rows):
    given(UserFactory, "manager")
    chosen = given(UserFactory)
    for _ in range(2):
        given(LeadFactory, assigned_to=given(UserFactory))
    client.submit(first_name="Zoë", last_name="山田")
    alert = next(owed for owed in rows(Notification) if owed.kind == "attorney_alert")
    assert alert.recipient == chosen.email
    assert "Zoë 山田" in alert.text
    assert f"http://127.0.0.1:8000/desk/leads/{rows(Lead)[-1].id}" in alert.text
    assert sum(owed.kind == "attorney_alert" for owed in rows(Notification)) == 1


def test_a_lead_a_day_closed_at_once_goes_round_evenly(browser, given, rows):
    people = [given(UserFactory) for _ in range(3)]
    manager = given(UserFactory, "manager")
    start = now()
    for day in range(30):
        with time_machine.travel(start + timedelta(days=day), tick=False):
            lead = browser().submit(email=f"day{day}@example.com").json["id"]
            said = browser().sign_in(manager).patch(f"/internal/leads/{lead}", json={"status": "REACHED_OUT"})
            assert said.status_code == 200
    assert Counter(lead.assignee_id for lead in rows(Lead)) == {one.id: 10 for one in people}


def test_a_clock_that_goes_backwards_changes_no_turn(given, browser, rows):
    people = [given(UserFactory) for _ in range(2)]
    start = now()
    for hours in (0, -5, -10, -15):
        with time_machine.travel(start + timedelta(hours=hours), tick=False):
            browser().submit(email=f"early{-hours}@example.com")
    assert Counter(lead.assignee_id for lead in rows(Lead)) == {one.id: 2 for one in people}


def test_a_submission_that_is_refused_takes_nobodys_turn(client, given, arrive):
    first, second = given(UserFactory), given(UserFactory)
    client.submit(email="no")
    assert arrive() == first.id
    client.submit(key="k")
    client.submit(key="k")
    assert arrive() == first.id
    assert arrive() == second.id


def test_leads_that_arrive_while_others_are_closed_stay_spread(browser, given, rows):
    people = [given(UserFactory) for _ in range(3)]
    manager = browser().sign_in(given(UserFactory, "manager"))
    old = [given(LeadFactory, assigned_to=one) for one in people for _ in range(2)]

    def close() -> None:
        for lead in old:
            said = manager.patch(f"/internal/leads/{lead.id}", json={"status": "REACHED_OUT"})
            assert said.status_code == 200

    new = [lambda number=number: browser().submit(email=f"new{number}@example.com") for number in range(9)]
    answers = together(close, *new)
    assert [answer.status_code for answer in answers[1:]] == [201] * 9
    arrived = Counter(lead.assignee_id for lead in rows(Lead) if lead.status == "PENDING")
    assert sum(arrived.values()) == 9
    assert set(arrived) == {one.id for one in people}
