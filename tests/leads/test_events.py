"""What listeners hear of a lead: its arrival, whose it becomes, how far it is, whatever the way."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from leadintake.assignment.absences import absences
from leadintake.core.actor import OPERATOR
from leadintake.core.db.transaction import transaction
from leadintake.core.hooks import When
from leadintake.leads.events import (
    LeadAssigned,
    LeadCreated,
    LeadGateChanged,
    LeadStatusChanged,
    lead_assigned,
    lead_created,
    lead_gate_changed,
    lead_outcome_changed,
    lead_status_changed,
)
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.status import Gate, LeadStatus
from tests.factories import AbsenceFactory, LeadFactory, UserFactory
from tests.support.outbox import round_of_a_worker
from tests.support.statements import statements

EVENTS = (lead_created, lead_assigned, lead_status_changed, lead_gate_changed, lead_outcome_changed)
STATEMENTS = 12
"""Of a submission with one attorney on SQLite, a reader's `BEGIN` included, a writer's and `COMMIT` not."""


@pytest.fixture
def heard(app):
    """All that is told of leads, once it is durable."""
    told = []
    for event in EVENTS:
        event.connect(app, told.append, when=When.AFTER_COMMIT)
    return told


def assigned(heard) -> list[LeadAssigned]:
    return [one for one in heard if isinstance(one, LeadAssigned)]


def last(heard) -> tuple[object, ...]:
    """To whom, from whom, by what, by whom the last one went."""
    told = assigned(heard)[-1]
    return told.assignee_id, told.former_id, told.strategy, told.actor


@pytest.mark.every_engine
def test_a_submission_is_heard_once_however_often_it_is_sent(client, rows, heard, amara):
    assert [client.submit(key="one").status_code for _ in range(2)] == [201, 201]
    (lead,) = rows(Lead)
    assert heard == [
        LeadCreated(lead.id, Gate.OPEN),
        LeadAssigned(lead.id, amara.id, None, "least_open", "system"),
    ]


def test_one_that_nobody_can_take_is_heard_as_nobodys(client, rows, heard):
    client.submit()
    (lead,) = rows(Lead)
    assert heard[0] == LeadCreated(lead.id, Gate.OPEN)
    assert (heard[1].lead_id, heard[1].assignee_id) == (lead.id, None)


def test_one_in_quarantine_says_so_and_is_heard_as_assigned_once_released(
    client, browser, given, rows, heard, amara, max_
):
    client.submit(remarks="https://spam.example")
    (lead,) = rows(Lead)
    assert heard == [LeadCreated(lead.id, Gate.QUARANTINE)]
    browser().sign_in(max_).post(f"/internal/quarantine/{lead.id}/release")
    assert heard[1] == LeadGateChanged(lead.id, Gate.QUARANTINE, Gate.OPEN, max_.email)
    assert last(heard) == (amara.id, None, "least_open", "system")


def test_a_submission_refused_or_forgotten_is_not_heard(app, client, rows, heard, amara):
    def stumble(_told: LeadAssigned) -> None:
        raise ZeroDivisionError

    assert client.submit(email="nobody").status_code == 422
    lead_assigned.connect(app, stumble, when=When.IN_TRANSACTION)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.submit().status_code == 500
    assert (heard, rows(Lead), rows(LeadEvent)) == ([], [], [])


def test_a_listener_that_fails_after_the_commit_changes_no_answer(app, client, rows, heard, amara, capfd):
    def stumble(_told: LeadCreated) -> None:
        raise ZeroDivisionError

    lead_created.connect(app, stumble, when=When.AFTER_COMMIT)
    assert client.submit().status_code == 201
    assert len(heard) == 2
    assert len(rows(Lead)) == 1
    assert "listener_failed" in capfd.readouterr().err


def test_an_attorney_takes_one_and_a_manager_hands_it_over_and_to_nobody(
    browser, given, heard, amara, bruno, max_
):
    lead = given(LeadFactory)
    put = f"/internal/leads/{lead.id}/assignee"
    browser().sign_in(amara).put(put, json={"user_id": str(amara.id)})
    assert last(heard) == (amara.id, None, "manual", amara.email)
    manager = browser().sign_in(max_)
    manager.put(put, json={"user_id": str(bruno.id)})
    assert last(heard) == (bruno.id, amara.id, "manual", max_.email)
    manager.put(put, json={"user_id": None})
    assert last(heard) == (None, bruno.id, "manual", max_.email)
    manager.put(put, json={"user_id": None})
    assert len(heard) == 3, "what changes nothing is not heard"


def test_an_operator_hands_one_over(app, given, heard, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    app.test_cli_runner().invoke(args=["leads", "reassign", str(lead.id), bruno.email])
    assert last(heard) == (bruno.id, amara.id, "manual", "operator")


def test_one_that_was_declined_goes_on(browser, given, heard, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    browser().sign_in(amara).post(f"/internal/leads/{lead.id}/decline", json={"reason": "A conflict."})
    assert last(heard) == (bruno.id, amara.id, "least_open", "system")


@pytest.mark.parametrize("change", [{"active": False}, {"role": "viewer"}])
def test_those_of_somebody_who_left_go_on(browser, given, heard, amara, bruno, ada, change):
    given(LeadFactory, assigned_to=amara)
    browser().sign_in(ada).patch(f"/internal/users/{amara.id}", json=change)
    assert last(heard) == (bruno.id, amara.id, "least_open", "system")


def test_those_of_somebody_set_away_go_on(app, given, heard, amara, bruno):
    given(LeadFactory, assigned_to=amara)
    with app.app_context(), transaction():
        absences.set(amara.id, absences.today(), None, actor=OPERATOR)
    assert last(heard) == (bruno.id, amara.id, "least_open", "system")


def test_a_worker_takes_back_and_gives_out(app, given, heard, amara, bruno):
    adrift = given(LeadFactory, assigned_to=amara)
    given(AbsenceFactory, user=amara, first_day=datetime.now(UTC).date())
    waits = given(LeadFactory)
    round_of_a_worker(app)
    assert {(one.lead_id, one.assignee_id, one.former_id) for one in assigned(heard)} == {
        (adrift.id, bruno.id, amara.id),
        (waits.id, bruno.id, None),
    }


def test_one_restored_to_somebody_who_left_goes_on(browser, given, heard, bruno, max_):
    gone = given(UserFactory, "inactive")
    lead = given(LeadFactory, "deleted", assigned_to=gone)
    browser().sign_in(max_).post(f"/internal/leads/{lead.id}/restore")
    assert last(heard) == (bruno.id, gone.id, "least_open", "system")


def test_reaching_out_is_heard_once(browser, given, heard, amara):
    lead = given(LeadFactory, assigned_to=amara)
    attorney = browser().sign_in(amara)
    for _ in range(2):
        attorney.patch(f"/internal/leads/{lead.id}", json={"status": "REACHED_OUT"})
    changed = LeadStatusChanged(lead.id, LeadStatus.PENDING, LeadStatus.REACHED_OUT, amara.email)
    assert heard == [changed]


def test_reaching_out_at_the_desk_is_heard(browser, given, heard, amara):
    lead = given(LeadFactory, assigned_to=amara)
    desk = browser().sign_in(amara)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', desk.get(f"/desk/leads/{lead.id}").text)[0]
    desk.post(f"/desk/leads/{lead.id}/reached-out", data={"csrf_token": token, "version": "1"})
    assert [(one.lead_id, one.after) for one in heard] == [(lead.id, LeadStatus.REACHED_OUT)]


def test_events_cost_a_submission_no_statement(app, client, amara):
    for number in range(2):  # what is read once a process has been
        client.submit(email=f"early{number}@example.com")
    with statements(app) as alone:
        client.submit(email="first@example.com")
    for event in EVENTS:
        event.connect(app, lambda _told: None, when=When.IN_TRANSACTION)
        event.connect(app, lambda _told: None, when=When.AFTER_COMMIT)
    with statements(app) as heard_of:
        client.submit(email="second@example.com")
    assert len(heard_of) == len(alone) == STATEMENTS
