"""A prospect who wrote before goes to the attorney who has them already, if that one is still eligible."""

from __future__ import annotations

import pytest

from leadintake.assignment.policy import Policy
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, ScreenFactory, UserFactory


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def bruno(given):
    return given(UserFactory, name="Bruno")


def test_they_go_to_who_has_them_with_an_alert_that_says_so(client, given, rows, amara, bruno):
    given(LeadFactory, "reached_out", email="jane@example.com", assigned_to=amara)
    for _ in range(3):
        given(LeadFactory, assigned_to=amara)
    assert client.submit(email="JANE@Example.com").status_code == 201
    lead = rows(Lead)[-1]
    assert (lead.assignee_id, lead.assignment_strategy) == (amara.id, "returning")
    assert lead.assignment_reason == "Amara has an earlier lead of this prospect."
    (alert,) = (owed for owed in rows(Notification) if owed.recipient == amara.email)
    assert (alert.kind, alert.subject) == (
        "returning_alert",
        f"A prospect of yours wrote again: {lead.reference}",
    )
    assert "wrote to Our Law Firm again" in alert.text
    assert str(lead.id) in alert.text


def test_the_one_they_wrote_to_last_comes_before_earlier_ones(client, given, rows, amara, bruno):
    for owner in (amara, bruno):
        given(LeadFactory, "reached_out", email="jane@example.com", assigned_to=owner)
    client.submit()
    assert rows(Lead)[-1].assignee_id == bruno.id


@pytest.mark.parametrize("traits", [("inactive",), ("busy",), ("viewer",)])
def test_who_cannot_have_them_any_more_does_not(client, given, rows, amara, traits):
    gone = given(UserFactory, *traits)
    given(LeadFactory, "reached_out", email="jane@example.com", assigned_to=gone)
    client.submit()
    assert (rows(Lead)[-1].assignee_id, rows(Lead)[-1].assignment_strategy) == (amara.id, "least_open")


def test_whoever_is_screened_from_them_does_not(client, given, rows, amara, bruno):
    earlier = given(LeadFactory, "reached_out", email="jane@example.com", assigned_to=amara)
    given(ScreenFactory, lead_id=earlier.id, user=amara)
    client.submit()
    assert rows(Lead)[-1].assignee_id == bruno.id


def test_a_deleted_lead_binds_nobody(client, given, rows, amara, bruno):
    given(LeadFactory, "deleted", email="jane@example.com", assigned_to=bruno)
    given(LeadFactory, assigned_to=bruno)
    client.submit()
    assert rows(Lead)[-1].assignee_id == amara.id


def test_a_place_in_the_rotation_is_not_lost_for_it(app, client, given, rows, amara, bruno):
    app.extensions["leadintake.policy"] = Policy(strategy="round_robin")
    given(LeadFactory, "reached_out", email="jane@example.com", assigned_to=amara)
    owners = []
    for name in ("a", "jane", "jane", "b", "c", "d"):
        client.submit(email=f"{name}@example.com")
        owners.append(rows(Lead)[-1].assignee_id)
    assert owners == [amara.id, amara.id, amara.id, bruno.id, amara.id, bruno.id]
