"""The quarantine: what is suspicious is kept, not announced, seen by managers, released or discarded."""

from __future__ import annotations

import pytest

from leadintake.assignment.models import AssignmentDecision, Turn
from leadintake.audit.models import AuditEntry
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.client import PDF
from tests.support.outbox import round_of_a_worker

TRAP = {"remarks": "https://spam.example"}


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def manager(given, browser):
    return browser().sign_in(given(UserFactory, "manager"))


def suspicious(client, rows, **changes) -> Lead:
    """Submit something that looks like spam."""
    assert client.submit(**TRAP, **changes).status_code == 201
    return rows(Lead)[-1]


def test_it_is_kept_like_any_other_and_nobody_is_told(app, client, rows, amara, manager):
    answer = client.submit(key="one", **TRAP)
    honest = client.submit(key="two")
    assert set(answer.json) == set(honest.json), "a program learns nothing"
    suspect, lead = rows(Lead)
    assert (suspect.quarantine_reason, suspect.assignee_id) == (
        "A field that nobody sees was filled in.",
        None,
    )
    assert lead.assignee_id == amara.id
    assert {one.lead_id for one in rows(Notification)} == {lead.id}
    assert {one.lead_id for one in rows(AssignmentDecision)} == {lead.id}
    assert [turn.number for turn in rows(Turn)] == [1]
    told = [(one.actor, one.action) for one in rows(LeadEvent) if one.lead_id == suspect.id]
    assert told == [("prospect", "submitted"), ("system", "quarantined")]
    assert ("lead.quarantined", suspect.id) in [(one.action, one.subject_id) for one in rows(AuditEntry)]
    assert manager.get(f"/internal/leads/{suspect.id}/resume").data == PDF


def test_a_replay_of_it_is_the_first_answer_again(client, rows, amara):
    first = client.submit(key="one", **TRAP)
    again = client.submit(key="one")
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(rows(Lead)) == 1


@pytest.mark.every_engine
def test_it_is_in_no_list_count_export_or_report(app, client, rows, amara, manager):
    suspect = suspicious(client, rows)
    twin = client.submit().json["id"]
    lists = ("/internal/leads", "/internal/leads.csv", "/desk")
    asked = (f"{one}?{about}" for one in lists for about in ("", "q=jane", "assigned_to=none"))
    for path in (f"/internal/leads/{twin}", *asked):
        assert str(suspect.id) not in manager.get(path).text, path
    assert manager.get("/internal/leads?count=true").json["total"] == 1
    assert manager.get("/internal/assignment/report").json["waiting"] == 0
    listed = app.test_cli_runner().invoke(args=["leads", "list", "--format", "json"]).stdout
    assert str(suspect.id) not in listed
    metrics = client.get("/metrics").text
    for state, number in (("waiting", 0), ("pending", 1), ("quarantined", 1)):
        assert f'leadintake_leads{{state="{state}"}} {number}.0' in metrics


def test_no_worker_gives_it_to_anybody(app, client, rows, amara):
    suspicious(client, rows)
    round_of_a_worker(app)
    assert rows(Lead)[0].assignee_id is None
    assert rows(Notification) == []


def test_managers_see_it_and_others_do_not(browser, client, rows, amara, manager):
    suspect = suspicious(client, rows)
    (item,) = manager.get("/internal/quarantine").json["items"]
    assert (item["id"], item["quarantine"]["reason"]) == (
        str(suspect.id),
        "A field that nobody sees was filled in.",
    )
    detail = manager.get(f"/internal/leads/{suspect.id}").json
    assert (detail["allowed"], detail["quarantine"]) == (["release", "discard"], item["quarantine"])
    assert manager.get(f"/internal/leads/{suspect.id}/history").json["items"][0]["action"] == "quarantined"
    hers = browser().sign_in(amara)
    assert hers.get("/internal/quarantine").status_code == 403
    for path in ("", "/resume", "/history", "/notifications"):
        assert hers.get(f"/internal/leads/{suspect.id}{path}").status_code == 404
    assert (
        hers.put(f"/internal/leads/{suspect.id}/assignee", json={"user_id": str(amara.id)}).status_code == 404
    )


def test_it_is_not_changed_before_it_is_let_in(client, rows, amara, manager):
    suspect = suspicious(client, rows)
    path = f"/internal/leads/{suspect.id}"
    for answer in (
        manager.patch(path, json={"status": "REACHED_OUT"}),
        manager.put(f"{path}/assignee", json={"user_id": str(amara.id)}),
        manager.delete(path),
        manager.post(f"{path}/decline", json={"reason": "x"}),
        manager.post(f"{path}/screens", json={"user_id": str(amara.id), "notice": "x"}),
    ):
        assert answer.status_code == 409
        assert "Release it first" in answer.json["detail"]


def test_what_is_let_in_is_assigned_and_told_as_if_it_arrived(client, rows, amara, manager):
    suspect = suspicious(client, rows)
    answer = manager.post(f"/internal/quarantine/{suspect.id}/release")
    assert answer.status_code == 200, answer.text
    assert "quarantine" not in answer.json
    assert answer.json["assigned_to"]["id"] == str(amara.id)
    assert answer.json["version"] > suspect.version
    assert {(one.kind, one.recipient) for one in rows(Notification)} == {
        ("attorney_alert", amara.email),
        ("prospect_confirmation", "jane@example.com"),
    }
    (decision,) = rows(AssignmentDecision)
    assert (decision.cause, decision.user_id) == ("released", amara.id)
    told = [one.action for one in rows(LeadEvent)]
    assert told == ["submitted", "quarantined", "released", "assigned"]
    assert manager.get("/internal/quarantine").json["items"] == []
    assert [one["id"] for one in manager.get("/internal/leads").json["items"]] == [str(suspect.id)]


def test_once_is_enough(client, rows, amara, manager):
    suspect = suspicious(client, rows)
    address = f"/internal/quarantine/{suspect.id}"
    assert manager.post(f"{address}/release").status_code == 200
    for act in ("release", "discard"):
        assert manager.post(f"{address}/{act}").status_code == 409
    assert len(rows(Notification)) == 2


def test_what_nobody_can_take_waits_once_it_is_let_in(client, rows, manager):
    suspect = suspicious(client, rows)
    answer = manager.post(f"/internal/quarantine/{suspect.id}/release")
    assert answer.json["assigned_to"] is None
    assert "unassigned_alert" in [one.kind for one in rows(Notification)]


def test_what_is_put_away_can_be_brought_back_into_quarantine(client, rows, amara, manager):
    suspect = suspicious(client, rows)
    assert manager.post(f"/internal/quarantine/{suspect.id}/discard").status_code == 204
    assert manager.get("/internal/quarantine").json["items"] == []
    assert manager.get(f"/internal/leads/{suspect.id}").status_code == 404
    assert manager.post(f"/internal/leads/{suspect.id}/restore").status_code == 200
    assert [one["id"] for one in manager.get("/internal/quarantine").json["items"]] == [str(suspect.id)]
    assert rows(Notification) == []


def test_pages_of_it_are_complete_newest_first(given, manager):
    made = [str(given(LeadFactory, "quarantined").id) for _ in range(5)]
    first = manager.get("/internal/quarantine?limit=3").json
    second = manager.get(f"/internal/quarantine?limit=3&cursor={first['next_cursor']}").json
    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


def test_a_wall_stands_in_quarantine_too(browser, given, client, rows, amara):
    barred = given(UserFactory, "admin")
    earlier = given(LeadFactory, email="jane@example.com")
    given(ScreenFactory, lead_id=earlier.id, user=barred)
    suspect = suspicious(client, rows)
    theirs = browser().sign_in(barred)
    assert theirs.get("/internal/quarantine").json["items"] == []
    assert theirs.get(f"/internal/leads/{suspect.id}").status_code == 404
    assert theirs.post(f"/internal/quarantine/{suspect.id}/release").status_code == 404
    assert "Quarantine (0)" in theirs.get("/desk").text


def test_an_operator_does_the_same_at_the_machine(app, client, rows, amara):
    first, second = suspicious(client, rows), suspicious(client, rows)
    run = app.test_cli_runner().invoke
    listed = run(args=["leads", "quarantine", "list", "--format", "json"])
    assert str(first.id) in listed.stdout
    released = run(args=["leads", "quarantine", "release", str(first.id)])
    assert (released.exit_code, amara.email in released.stdout) == (0, True), released.output
    assert run(args=["leads", "quarantine", "discard", str(second.id)]).exit_code == 0
    assert "Nothing is in quarantine" in run(args=["leads", "quarantine", "list"]).stdout
    again = run(args=["leads", "quarantine", "release", str(first.id)])
    assert (again.exit_code, "not in quarantine" in again.stderr) == (1, True)


class TestAtTheDesk:
    """The same on pages."""

    def test_it_is_listed_counted_let_in_and_put_away(self, client, rows, amara, manager):
        first, second = suspicious(client, rows), suspicious(client, rows)
        assert "Quarantine (2)" in manager.get("/desk").text
        page = manager.get("/desk/quarantine").text
        assert "A field that nobody sees was filled in." in page
        shown = manager.get(f"/desk/leads/{first.id}").text
        assert "In quarantine" in shown
        assert "Hand over" not in shown
        let_in = manager.post(f"/desk/quarantine/{first.id}/release", follow_redirects=True).text
        assert "It is a lead now, with Amara." in let_in
        assert "In quarantine" not in let_in
        away = manager.post(f"/desk/quarantine/{second.id}/discard", follow_redirects=True).text
        assert "It is discarded." in away
        assert "Nothing is in quarantine." in away
        late = manager.post(f"/desk/quarantine/{first.id}/discard", follow_redirects=True).text
        assert "not in quarantine any more" in late
