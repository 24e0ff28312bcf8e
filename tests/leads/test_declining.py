"""POST /internal/leads/{id}/decline: it goes to the next, with a reason, and never back by itself."""

from __future__ import annotations

import pytest

from leadintake.assignment.models import AssignmentDecision
from leadintake.audit.models import AuditEntry
from leadintake.leads.models import Decline, Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, NotificationFactory, ScreenFactory, UserFactory
from tests.support.leads import WORK
from tests.support.outbox import alerted, delivered, round_of_a_worker


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def bruno(given):
    return given(UserFactory, name="Bruno")


def decline(client, lead, reason: object = "A conflict of interest.", **headers: str):
    """Decline it."""
    return client.post(f"/internal/leads/{lead.id}/decline", json={"reason": reason}, headers=headers)


def test_it_goes_to_the_next_who_is_told_and_the_reason_stays(browser, given, rows, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    given(NotificationFactory, lead_id=lead.id, recipient=amara.email)
    mine = browser().sign_in(amara)
    assert mine.get(f"/internal/leads/{lead.id}").json["allowed"] == ["change_status", "decline", *WORK]
    answer = decline(mine, lead, "  Represented her husband.  ", **{"If-Match": '"1"'})
    assert (answer.status_code, answer.data) == (204, b"")
    (now_is,) = rows(Lead)
    assert (now_is.assignee_id, now_is.version) == (bruno.id, 2)
    assert now_is.assignment_reason == (
        "Amara declined it. Bruno had 0 open leads, the lightest load of 1. Left out: 1 declined it."
    )
    assert alerted(rows) == [(bruno.email, lead.id)], "the first owner's pending alert is cancelled"
    assert [(event.actor, event.action, event.detail) for event in rows(LeadEvent)] == [
        (amara.email, "declined", "Represented her husband."),
        ("system", "assigned", f"to {bruno.email}: {now_is.assignment_reason}"),
    ]
    assert (rows(AuditEntry)[-1].action, rows(AuditEntry)[-1].actor_id) == ("lead.declined", amara.id)
    assert [one.cause for one in rows(AssignmentDecision)] == ["declined"]


def test_it_never_comes_back_by_itself_to_whoever_declined_it(app, browser, given, rows, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    given(UserFactory, "manager")
    for _ in range(5):
        given(LeadFactory, assigned_to=bruno)
    assert decline(browser().sign_in(amara), lead).status_code == 204
    assert decline(browser().sign_in(bruno), lead).status_code == 204
    found = next(one for one in rows(Lead) if one.id == lead.id)
    assert found.assignee_id is None
    assert found.assignment_reason.endswith("Nobody can take it now: 2 declined it, 1 not taking leads.")
    round_of_a_worker(app)
    assert next(one for one in rows(Lead) if one.id == lead.id).assignee_id is None
    assert [one.kind for one in rows(Notification)][-1] == "unassigned_alert"
    newcomer = given(UserFactory)
    round_of_a_worker(app)
    assert next(one for one in rows(Lead) if one.id == lead.id).assignee_id == newcomer.id


def test_a_person_may_still_give_it_back(browser, given, rows, amara):
    lead = given(LeadFactory, assigned_to=amara)
    mine = browser().sign_in(amara)
    assert decline(mine, lead).status_code == 204
    put = {"json": {"user_id": str(amara.id)}}
    assert mine.put(f"/internal/leads/{lead.id}/assignee", **put).status_code == 200
    assert decline(mine, lead).status_code == 204
    assert len(rows(Decline)) == 1
    assert rows(Lead)[0].assignee_id is None


def test_what_was_declined_goes_to_nobody_who_is_screened(browser, given, rows, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    given(ScreenFactory, lead_id=lead.id, user=bruno)
    assert decline(browser().sign_in(amara), lead).status_code == 204
    assert rows(Lead)[0].assignee_id is None
    assert rows(Lead)[0].assignment_reason.endswith("1 declined it, 1 screened from it.")


def test_only_who_has_it_may_decline_and_only_while_it_waits(browser, given, rows, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    manager = browser().sign_in(given(UserFactory, "manager"))
    assert decline(browser().sign_in(bruno), lead).status_code == 403
    assert decline(manager, lead).status_code == 403
    assert decline(manager, given(LeadFactory)).status_code == 403
    mine = browser().sign_in(amara)
    assert decline(mine, given(LeadFactory, "reached_out", assigned_to=amara)).status_code == 409
    assert decline(mine, lead, **{"If-Match": '"7"'}).status_code == 412
    assert rows(Decline) == []


@pytest.mark.parametrize("reason", ["", " \t ", "\u200b", "x" * 501, "a\x00b", "a\u202eb", 1, None])
def test_a_reason_is_asked_for(browser, given, rows, amara, reason):
    answer = decline(browser().sign_in(amara), given(LeadFactory, assigned_to=amara), reason)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["reason"])
    assert rows(Decline) == []


def test_an_alert_in_the_queue_follows_the_lead(app, browser, client, given, amara, bruno):
    given(LeadFactory, assigned_to=bruno)
    lead = client.submit().json["id"]
    mine = browser().sign_in(amara)
    assert mine.post(f"/internal/leads/{lead}/decline", json={"reason": "Busy."}).status_code == 204
    told = [(one.kind, one.recipient) for one in delivered(app)]
    assert sorted(told) == [("attorney_alert", bruno.email), ("prospect_confirmation", "jane@example.com")]
