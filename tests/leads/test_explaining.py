"""Why a lead went where it went: the stored decision, the command that tells it, and the short form."""

from __future__ import annotations

import json

import pytest

from leadintake.assignment import types
from leadintake.assignment.engine import decide
from leadintake.assignment.models import AssignmentDecision
from leadintake.assignment.policy import Policy, Terms
from leadintake.audit.models import AuditEntry
from tests.factories import LeadFactory, UserFactory


@pytest.fixture
def people(app, given):
    """Amara takes two thirds, Bruno one; Chiara is busy, Dan full, Eve gone."""
    found = {name: given(UserFactory, name=name) for name in ("Amara", "Bruno", "Dan")}
    found |= {
        "Chiara": given(UserFactory, "busy", name="Chiara"),
        "Eve": given(UserFactory, "inactive", name="Eve"),
    }
    terms = {found["Amara"].email: Terms(weight=2), found["Dan"].email: Terms(capacity=1)}
    app.extensions["leadintake.policy"] = Policy(strategy="round_robin", attorneys=terms)
    given(LeadFactory, assigned_to=found["Dan"])
    given(UserFactory, "viewer")
    return found


def explained(app, lead: object, *more: str):
    done = app.test_cli_runner().invoke(args=["leads", "explain", str(lead), *more])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.every_engine
def test_a_decision_is_kept_with_everybody_and_decides_the_same_again(app, client, people, rows):
    ids = [client.submit(email=f"p{number}@example.com").json["id"] for number in range(6)]
    decided = rows(AssignmentDecision)
    assert [str(one.lead_id) for one in decided] == ids
    assert len({one.policy for one in decided}) == 1
    for one in decided:
        kept = types.read(one.record)
        assert {each.name for each in kept.situation.candidates} == set(people)
        assert kept.decision.excluded == {
            people["Chiara"].id: "takes no new leads",
            people["Dan"].id: "has 1 open lead, and takes 1",
            people["Eve"].id: "is deactivated",
        }
        again = decide(kept.situation)
        assert (again.user_id, again.reason) == (one.user_id, one.reason)


def test_the_command_tells_every_decision_and_everybody_it_was_between(app, browser, client, people, given):
    lead = client.submit().json["id"]
    mine = browser().sign_in(people["Amara"])
    assert mine.post(f"/internal/leads/{lead}/decline", json={"reason": "Busy."}).status_code == 204
    (told,) = json.loads(explained(app, lead, "--format", "json"))
    assert told["assigned_to"] == people["Bruno"].email
    arrival, declined = told["decisions"]
    assert (arrival["cause"], declined["cause"]) == ("arrival", "declined")
    assert (arrival["to"], declined["to"]) == (people["Amara"].email, people["Bruno"].email)
    assert arrival["strategy"] == "round_robin"
    assert arrival["candidates"][0] == {
        "name": "Amara", "verdict": "chosen", "open_leads": 0, "weight": 2, "last_turn": 0,
        "score": "+0.00 leads behind", "tie_break": "",
    }  # fmt: skip
    assert [one["verdict"] for one in arrival["candidates"]] == [
        "chosen", "eligible", "has 1 open lead, and takes 1", "takes no new leads", "is deactivated",
    ]  # fmt: skip
    assert "declined it" in [one["verdict"] for one in declined["candidates"]]
    table = explained(app, lead)
    for word in ("Amara", "Chiara", "takes no new leads", "round_robin", arrival["policy"]):
        assert word in table


def test_what_a_person_decided_is_told_too(app, browser, given, people):
    lead = given(LeadFactory)
    manager = browser().sign_in(given(UserFactory, "manager", email="max@firm.example.com"))
    put = {"json": {"user_id": str(people["Bruno"].id)}}
    assert manager.put(f"/internal/leads/{lead.id}/assignee", **put).status_code == 200
    (told,) = json.loads(explained(app, lead.id, "--format", "json"))
    (only,) = told["decisions"]
    assert (only["cause"], only["reason"], only["candidates"]) == (
        "manual",
        "Decided by max@firm.example.com.",
        [],
    )
    assert "A person decided." in explained(app, lead.id)


def test_a_lead_from_before_decisions_were_kept_is_told_in_short(app, given, people, rows):
    lead = given(LeadFactory, assigned_to=people["Bruno"])
    assert "For the test." in explained(app, lead.id)
    assert rows(AuditEntry)[-1].action == "lead.read"


def test_the_detail_carries_the_short_form(browser, client, people, rows):
    lead = client.submit().json["id"]
    detail = browser().sign_in(people["Amara"]).get(f"/internal/leads/{lead}").json
    (decision,) = rows(AssignmentDecision)
    assert detail["assignment"] == {
        "strategy": "round_robin",
        "reason": "It was the turn of Amara, one of 2. "
        "Left out: 1 deactivated, 1 not taking leads, 1 with a full desk.",
        "decided_at": decision.created_at.isoformat().replace("+00:00", "Z"),
    }


def test_which_policy_the_service_runs_by_is_on_record_when_it_changes(app, rows):
    from leadintake.assignment.service import assignment

    with app.app_context():
        assert assignment.note_policy(lambda: False) == {"changed": True}
        assert assignment.note_policy(lambda: False) == {"changed": False}
        app.extensions["leadintake.policy"] = Policy(strategy="random")
        assert assignment.note_policy(lambda: False) == {"changed": True}
    entries = [entry for entry in rows(AuditEntry) if entry.action == "assignment.policy_changed"]
    assert [json.loads(entry.detail)["policy"] for entry in entries] == [
        Policy().hash,
        Policy(strategy="random").hash,
    ]


def test_the_doctor_names_terms_for_somebody_who_is_not_here(app, given):
    known = given(UserFactory)
    app.extensions["leadintake.policy"] = Policy(
        attorneys={known.email: Terms(), "typo@firm.example.com": Terms()}
    )
    done = app.test_cli_runner().invoke(args=["doctor", "--format", "json"])
    said = {one["part"]: one for one in json.loads(done.stdout)}["policy"]
    assert "ASSIGNMENT_POLICY has terms for nobody here: typo@firm.example.com" in str(said)
