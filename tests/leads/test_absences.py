"""Absences: whoever is away or left keeps no lead that waits, and gets no alert."""

from __future__ import annotations

import importlib
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from leadintake.assignment.absences import absences
from leadintake.assignment.models import Absence, AssignmentDecision
from leadintake.audit.models import AuditEntry
from leadintake.auth.models import User
from leadintake.core.actor import OPERATOR
from leadintake.core.clock import now
from leadintake.core.db.transaction import transaction
from leadintake.leads.distribution.handover import handover
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import AbsenceFactory, LeadFactory, NotificationFactory, UserFactory
from tests.support.leads import together
from tests.support.outbox import alerted, delivered, round_of_a_worker

TODAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _at_noon():
    with time_machine.travel(NOON, tick=True):
        yield


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def bruno(given):
    return given(UserFactory, name="Bruno")


@pytest.fixture
def manager(browser, given):
    return browser().sign_in(given(UserFactory, "manager", email="max@firm.example.com"))


def set_away(client, user, *, until: date | None = None, since: date = TODAY, substitute=None):
    """Ask for an absence."""
    body = {"first_day": since.isoformat(), "last_day": until.isoformat() if until else None}
    body |= {"user_id": str(user.id)} if user else {}
    body |= {"substitute_id": str(substitute.id)} if substitute else {}
    return client.post("/internal/absences", json=body)


def owners(rows) -> list[object]:
    """Whose each lead is, in the order of their arrival."""
    return [lead.assignee_id for lead in rows(Lead)]


def test_who_is_set_away_hands_their_pending_leads_back_oldest_first(manager, given, rows, amara, bruno):
    chiara = given(UserFactory, name="Chiara")
    for _ in range(3):
        given(LeadFactory, assigned_to=chiara)
    given(LeadFactory, "reached_out", assigned_to=amara)
    given(LeadFactory, "deleted", assigned_to=amara)
    newer, older = (
        given(LeadFactory, assigned_to=amara, created_at=now() - timedelta(hours=hours)) for hours in (1, 2)
    )
    owed = given(NotificationFactory, lead_id=older.id, recipient=amara.email)
    answer = set_away(manager, amara, until=TODAY + timedelta(days=3))
    assert answer.status_code == 201
    assert answer.json["user"] == {"id": str(amara.id), "name": "Amara", "email": amara.email}
    assert (answer.json["first_day"], answer.json["last_day"]) == ("2026-11-25", "2026-11-28")
    found = {lead.id: lead for lead in rows(Lead)}
    assert found[older.id].assignee_id == found[newer.id].assignee_id == bruno.id
    assert [lead.assignee_id for lead in found.values()].count(amara.id) == 2, "what does not wait stays"
    assert found[older.id].assignment_reason.startswith("Amara is away until 2026-11-28. Bruno had 0 open")
    assert found[newer.id].assignment_reason.startswith("Amara is away until 2026-11-28. Bruno had 1 open")
    decided = rows(AssignmentDecision)
    assert [one.lead_id for one in decided] == [older.id, newer.id], "oldest first"
    assert {one.cause for one in decided} == {"handed_back"}
    assert alerted(rows) == [(bruno.email, older.id), (bruno.email, newer.id)]
    withdrawn = next(one for one in rows(Notification) if one.id == owed.id)
    assert (withdrawn.due_at, bool(withdrawn.deleted_at)) == (None, True)
    assert [event.action for event in rows(LeadEvent)] == ["assigned", "assigned"]
    entries = [entry.action for entry in rows(AuditEntry) if entry.action != "signed_in"]
    assert entries == ["absence.set", "lead.handed_on", "lead.handed_on"]


@pytest.mark.parametrize("how", ["command", "delete", "patch", "role"])
def test_who_is_deactivated_or_works_on_leads_no_more_hands_them_back_too(
    app, browser, given, rows, amara, bruno, how
):
    admin = browser().sign_in(given(UserFactory, "admin"))
    lead = given(LeadFactory, assigned_to=amara)
    given(NotificationFactory, lead_id=lead.id, recipient=amara.email)
    address = f"/internal/users/{amara.id}"
    if how == "command":
        done = app.test_cli_runner().invoke(args=["users", "deactivate", amara.email])
        assert done.exit_code == 0, done.output
    elif how == "delete":
        assert admin.delete(address).status_code == 204
    else:
        body = {"active": False} if how == "patch" else {"role": "viewer"}
        assert admin.patch(address, json=body).status_code == 200
    assert owners(rows) == [bruno.id]
    said = "works on leads no more" if how == "role" else "was deactivated"
    assert rows(Lead)[0].assignment_reason.startswith(f"Amara {said}. Bruno ")
    assert alerted(rows) == [(bruno.email, lead.id)]


def test_a_substitute_gets_the_leads_first(manager, given, rows, amara, bruno):
    given(UserFactory, name="Idle")
    given(LeadFactory, assigned_to=bruno)
    lead = given(LeadFactory, assigned_to=amara)
    assert set_away(manager, amara, substitute=bruno).json["substitute"]["name"] == "Bruno"
    found = {one.id: one for one in rows(Lead)}[lead.id]
    assert (found.assignee_id, found.assignment_strategy) == (bruno.id, "substitute")
    assert "until further notice" in found.assignment_reason
    assert "Bruno stands in for Amara." in found.assignment_reason


def test_nobody_away_gets_new_leads_and_back_they_do(app, client, manager, given, rows, amara):
    absence = set_away(manager, amara).json["id"]
    client.submit(email="one@example.com")
    assert owners(rows) == [None]
    assert rows(Lead)[0].assignment_reason == "Nobody can take it now: 1 away, 1 not taking leads."
    assert manager.delete(f"/internal/absences/{absence}").status_code == 204
    round_of_a_worker(app)
    assert owners(rows) == [amara.id]
    assert alerted(rows) == [(amara.email, rows(Lead)[0].id)]
    assert manager.get("/internal/absences").json == {"items": []}


def test_an_absence_begins_by_itself_with_its_first_day_and_ends_with_its_last(
    app, client, manager, given, rows, amara, bruno
):
    lead = given(LeadFactory, assigned_to=amara)
    assert set_away(manager, amara, since=date(2026, 11, 27), until=date(2026, 11, 28)).status_code == 201
    round_of_a_worker(app)
    assert owners(rows) == [amara.id], "not yet"
    with time_machine.travel(datetime(2026, 11, 27, 0, 0, 1, tzinfo=UTC)):
        round_of_a_worker(app)
        assert owners(rows) == [bruno.id]
        assert rows(Lead)[0].assignment_reason.startswith("Amara is away until 2026-11-28.")
        assert alerted(rows) == [(bruno.email, lead.id)]
    with time_machine.travel(datetime(2026, 11, 29, 0, 0, 1, tzinfo=UTC)):
        client.submit(email="other@example.com")
        assert owners(rows) == [bruno.id, amara.id]


def test_days_are_those_of_the_firms_clock(app, manager, given, rows, amara, bruno):
    given(LeadFactory, assigned_to=amara)
    with app.app_context():
        policy = app.extensions["leadintake.policy"]
    app.extensions["leadintake.policy"] = type(policy)(timezone="Pacific/Auckland")
    set_away(manager, amara, since=date(2026, 11, 26), until=date(2026, 11, 26))
    assert owners(rows) == [bruno.id], "at noon in Greenwich it is tomorrow there"


def test_an_alert_that_waits_does_not_go_to_somebody_whose_absence_has_begun(
    app, manager, given, rows, amara
):
    lead = given(LeadFactory, assigned_to=amara)
    given(NotificationFactory, lead_id=lead.id, recipient=amara.email)
    given(NotificationFactory, lead_id=lead.id, recipient=lead.email, kind="prospect_confirmation")
    set_away(manager, amara, since=date(2026, 11, 26))
    with time_machine.travel(datetime(2026, 11, 26, 0, 0, 1, tzinfo=UTC)):
        told = delivered(app, rounds=False)  # the message is looked at before any leads are
    assert [one.recipient for one in told] == [lead.email]


@pytest.mark.every_engine
@pytest.mark.parametrize("how", ["away", "deactivated"])
def test_while_submissions_arrive_who_leaves_is_not_alerted_and_keeps_none(
    app, browser, manager, given, rows, amara, bruno, how
):
    admin = browser().sign_in(given(UserFactory, "admin"))

    def leave() -> None:
        if how == "away":
            assert set_away(manager, amara).status_code == 201
        else:
            assert admin.delete(f"/internal/users/{amara.id}").status_code == 204

    posts = [lambda number=number: browser().submit(email=f"p{number}@example.com") for number in range(8)]
    answers = together(*posts[:4], leave, *posts[4:])
    assert [answer.status_code for answer in answers if answer] == [201] * 8
    assert set(owners(rows)) == {bruno.id}
    to_attorneys = [one for one in delivered(app) if one.kind == "attorney_alert"]
    assert {one.recipient for one in to_attorneys} == {bruno.email}
    assert len(to_attorneys) == 8


def test_an_attorney_says_when_they_are_away_themselves_and_not_when_others_are(
    browser, given, rows, amara, bruno
):
    mine = browser().sign_in(amara)
    assert set_away(mine, None, until=TODAY).json["user"]["name"] == "Amara"
    assert set_away(mine, amara, until=TODAY).status_code == 201
    assert set_away(mine, bruno, until=TODAY).status_code == 403
    theirs = browser().sign_in(bruno)
    assert theirs.get("/internal/absences").json == {"items": []}
    assert len(mine.get("/internal/absences").json["items"]) == 2
    absence = rows(Absence)[0].id
    assert theirs.delete(f"/internal/absences/{absence}").status_code == 404
    assert mine.delete(f"/internal/absences/{absence}").status_code == 204
    assert mine.delete(f"/internal/absences/{absence}").status_code == 404


def test_an_absence_that_makes_no_sense_is_422_and_says_why(manager, given, amara):
    viewer, gone = given(UserFactory, "viewer"), given(UserFactory, "inactive")
    yesterday, tomorrow = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
    for answer, field in (
        (set_away(manager, viewer), "user_id"),
        (set_away(manager, gone), "user_id"),
        (set_away(manager, amara, substitute=amara), "substitute_id"),
        (set_away(manager, amara, substitute=viewer), "substitute_id"),
        (set_away(manager, amara, since=yesterday, until=yesterday), "last_day"),
        (set_away(manager, amara, since=TODAY + timedelta(days=2), until=tomorrow), "last_day"),
        (manager.post("/internal/absences", json={"first_day": "soon"}), "first_day"),
        (manager.post("/internal/absences", json={"first_day": "0001-01-01"}), "first_day"),
        (manager.post("/internal/absences", json={}), "first_day"),
    ):  # fmt: skip
        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])


def test_nobody_away_is_given_a_lead_by_hand_either(manager, browser, given, rows, amara):
    lead = given(LeadFactory)
    set_away(manager, amara)
    put = {"json": {"user_id": str(amara.id)}}
    assert manager.put(f"/internal/leads/{lead.id}/assignee", **put).status_code == 422
    mine = browser().sign_in(amara)
    assert mine.put(f"/internal/leads/{lead.id}/assignee", **put).status_code == 422
    assert owners(rows) == [None]


def test_a_restored_lead_does_not_come_back_to_somebody_who_left(manager, given, rows, amara, bruno):
    lead = given(LeadFactory, assigned_to=amara)
    assert manager.delete(f"/internal/leads/{lead.id}").status_code == 204
    set_away(manager, amara)
    assert manager.post(f"/internal/leads/{lead.id}/restore").status_code == 200
    assert owners(rows) == [bruno.id]
    assert alerted(rows) == [(bruno.email, lead.id)]


def test_leads_of_somebody_who_left_before_absences_were_known_go_on_with_the_next_round(
    app, given, rows, bruno
):
    gone = given(UserFactory, "inactive", name="Gone")
    given(LeadFactory, assigned_to=gone)
    given(LeadFactory, "reached_out", assigned_to=gone)
    round_of_a_worker(app)
    assert owners(rows) == [bruno.id, gone.id]
    assert rows(Lead)[0].assignment_reason.startswith("Gone works on leads no more.")


def test_managers_away_are_spared_alerts_while_another_is_here(client, manager, given, rows):
    here = next(user for user in rows(User) if user.email == "max@firm.example.com")
    away = given(UserFactory, "manager")
    assert set_away(manager, away).status_code == 201
    client.submit()
    assert [one.recipient for one in rows(Notification) if one.kind == "unassigned_alert"] == [here.email]


def test_commands_say_who_is_away_and_back(app, given, rows, amara, bruno):
    def run(*arguments: str) -> object:
        return app.test_cli_runner().invoke(args=["assignment", *arguments])

    lead = given(LeadFactory, assigned_to=amara)
    assert "Nobody is away" in run("absences").output
    done = run("away", amara.email, "--until", "2026-12-01", "--substitute", bruno.email)
    assert done.output == f"{amara.email} is away from 2026-11-25 until 2026-12-01.\n"
    assert owners(rows) == [bruno.id]
    assert lead.id == rows(Lead)[0].id
    assert bruno.email in run("absences").output
    assert run("away", amara.email, "--from", "soon").exit_code == 2
    assert run("away", "nobody@x.example").exit_code == 1
    assert run("away", amara.email, "--until", "2026-01-01").exit_code == 1
    assert run("back", bruno.email).exit_code == 1
    assert "is back" in run("back", amara.email).output
    assert "Nobody is away" in run("absences").output


class TestTwoLeadsOfOneProspect:
    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"ATTORNEY_VISIBILITY": "own"}

    @pytest.mark.every_engine
    def test_they_stay_together_and_neither_is_in_the_others_way(self, manager, given, rows, amara, bruno):
        given(UserFactory)
        for _ in range(3):
            given(LeadFactory, assigned_to=amara, email="jane@example.com")
        assert set_away(manager, amara).status_code == 201
        (owner,) = set(owners(rows))
        assert owner not in (None, amara.id)


def at_most(monkeypatch, number: int) -> None:
    """Let so many leads change hands in one transaction."""
    module = importlib.import_module(
        "leadintake.leads.distribution.handover"
    )  # the room has a service of that name
    monkeypatch.setattr(module, "MAX_AT_ONCE", number)


def test_of_very_many_leads_workers_hand_on_what_is_left(
    app, manager, given, rows, amara, bruno, monkeypatch
):
    at_most(monkeypatch, 2)
    for minutes in range(5):
        given(LeadFactory, assigned_to=amara, created_at=now() - timedelta(hours=2, minutes=-minutes))
    assert set_away(manager, amara).status_code == 201
    assert owners(rows) == [bruno.id] * 2 + [amara.id] * 3
    for had in (4, 5, 5):
        round_of_a_worker(app)
        assert owners(rows) == [bruno.id] * had + [amara.id] * (5 - had)


def test_what_is_wrong_with_the_leads_of_one_keeps_those_of_others_from_nothing(
    app, given, rows, amara, bruno, monkeypatch, capfd
):
    chiara = given(UserFactory, name="Chiara")
    for gone in (amara, bruno):
        given(LeadFactory, assigned_to=gone)
        given(AbsenceFactory, user=gone, first_day=TODAY)
    whole = handover.hand_back

    def break_for_amara(user_id, why, actor):
        if user_id == amara.id:
            raise ZeroDivisionError
        whole(user_id, why, actor)

    monkeypatch.setattr(handover, "hand_back", break_for_amara)
    round_of_a_worker(app)
    assert owners(rows) == [amara.id, chiara.id]
    assert "hand_back_failed" in capfd.readouterr().err
    monkeypatch.undo()
    round_of_a_worker(app)
    assert owners(rows) == [chiara.id] * 2


def test_an_alert_that_was_kept_back_goes_out_if_they_are_back_before_the_lead_went_on(
    app, given, rows, amara
):
    lead = given(LeadFactory, assigned_to=amara)
    given(NotificationFactory, lead_id=lead.id, recipient=amara.email)
    absence = given(AbsenceFactory, user=amara, first_day=TODAY)
    assert delivered(app, rounds=False) == []
    assert [(one.status, one.attempts) for one in rows(Notification)] == [("queued", 1)]
    with app.app_context(), transaction():
        absences.end(absences.get(absence.id), actor=OPERATOR)
    with time_machine.travel(NOON + timedelta(minutes=1)):
        assert [one.recipient for one in delivered(app, rounds=False)] == [amara.email]


def test_back_ends_every_absence_of_today(app, given, amara):
    for days in (0, 3):
        given(AbsenceFactory, user=amara, first_day=TODAY, last_day=TODAY + timedelta(days=days))
    given(AbsenceFactory, user=amara, first_day=TODAY + timedelta(days=9))
    said = app.test_cli_runner().invoke(args=["assignment", "back", amara.email])
    assert said.exit_code == 0, said.output
    with app.app_context():
        assert absences.of(amara.id) is None
        assert len(absences.coming(amara.id)) == 1


def test_an_absence_ends_once(manager, given, rows, amara):
    address = f"/internal/absences/{set_away(manager, amara).json['id']}"
    assert [manager.delete(address).status_code for _ in range(2)] == [204, 404]
