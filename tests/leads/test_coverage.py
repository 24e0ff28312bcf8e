"""Absences foretold, told and undone, and former attorneys who hear that a lead is somebody else's now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import time_machine

from leadintake.assignment.models import Absence, AssignmentDecision, Rotation, Turn
from leadintake.audit.models import AuditEntry
from leadintake.auth.models import User
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.distribution import coverage, handover
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification
from tests.factories import ScreenFactory, UserFactory
from tests.support.html import Page
from tests.support.outbox import delivered, round_of_a_worker

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
TODAY = "2026-11-25"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=True) as traveller:
        yield traveller


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara", email="amara@firm.example.com")


@pytest.fixture
def others(given):
    return [given(UserFactory, "busy", name=name) for name in ("Bruno", "Chiara")]


@pytest.fixture
def manager(browser, max_):
    return browser().sign_in(max_)


@pytest.fixture
def seven(app, client, amara, others):
    """Seven leads of Amara's, of which she was told; then two colleagues take leads, too."""
    for number in range(7):
        client.submit(email=f"jane{number}@example.com")
    delivered(app)
    with app.app_context(), transaction():
        for one in others:
            db.session.get(User, one.id).can_intake = True


def follow(app, strategy: str) -> None:
    """Have the firm's leads given out by this strategy."""
    rules = app.extensions["leadintake.policy"]
    app.extensions["leadintake.policy"] = msgspec.structs.replace(rules, strategy=strategy)


def question(user, **more: str) -> str:
    more = {"first_day": TODAY, "last_day": "", "substitute_id": "", "user_id": str(user.id), **more}
    return "/desk/absences?" + "&".join(f"{name}={value}" for name, value in more.items())


def set_away(client, user, **more: str):
    data = {"first_day": TODAY, "user_id": str(user.id), **more}
    return client.post("/desk/absences", data=data, follow_redirects=True)


def moved(rows) -> list[Notification]:
    return [mail for mail in rows(Notification) if mail.kind == "leads_moved"]


@pytest.mark.parametrize("strategy", ["least_open", "round_robin"])
def test_the_question_says_to_whom_leads_go_writes_nothing_and_is_right(
    app, manager, rows, amara, others, seven, strategy
):
    follow(app, strategy)
    before = [len(rows(table)) for table in (AssignmentDecision, Rotation, Turn, Absence, Notification)]
    page = Page(manager.get(question(amara)).text)
    assert page.mistakes == []
    shares = page.all("strong")[0].text
    assert shares == "7 leads go to others: 4 to Bruno, 3 to Chiara."
    assert [len(rows(one)) for one in (AssignmentDecision, Rotation, Turn, Absence, Notification)] == before
    answer = manager.post(
        "/desk/absences",
        data={name: one["value"] for name, one in page.inputs().items() if one["value"]},
        follow_redirects=True,
    )
    assert "7 leads went to others: 4 to Bruno, 3 to Chiara. For an hour this can be undone." in answer.text


def test_a_day_to_come_moves_nothing_now_and_chance_is_said(app, manager, amara, seven):
    assert "Nothing moves now" in manager.get(question(amara, first_day="2026-12-24")).text
    follow(app, "random")
    assert "About 7 leads go to others" in manager.get(question(amara)).text


def test_of_very_many_leads_it_says_no_more_than_it_knows(manager, amara, seven, monkeypatch):
    monkeypatch.setattr(coverage, "MAX_FORECAST", 5)
    monkeypatch.setattr(handover, "MAX_AT_ONCE", 5)
    page = Page(manager.get(question(amara)).text)
    assert "Very many leads go to others. Of those that wait longest:" in page.by_id("main").text
    assert page.all("strong")[0].text.startswith("5 leads go to others")
    typed = {name: one["value"] for name, one in page.inputs().items() if one["value"]}
    done = manager.post("/desk/absences", data=typed, follow_redirects=True)
    assert "5 leads went to others" in done.text
    assert "The others follow within minutes." in done.text


def test_a_manager_chooses_somebody_first(manager, amara):
    page = Page(manager.get("/desk/absences").text)
    assert page.chosen("user_id") == ""
    answer = manager.get(f"/desk/absences?first_day={TODAY}&user_id=")
    assert answer.status_code == 422
    assert "Choose who is away" in Page(answer.text).by_id("user_id-error").text
    assert manager.post("/desk/absences", data={"first_day": TODAY}).status_code == 422


def test_who_is_screened_is_not_told_of_that_lead(given, manager, max_, rows, amara, seven):
    given(ScreenFactory, lead_id=rows(Lead)[0].id, user=max_)
    assert "6 leads go to others" in manager.get(question(amara)).text
    assert "6 leads went to others" in set_away(manager, amara).text


def test_undo_gives_back_what_nobody_acted_on_and_is_on_record(browser, manager, rows, amara, others, seven):
    set_away(manager, amara)
    worked_on = rows(Lead)[0]
    owner = next(one for one in others if one.id == worked_on.assignee_id)
    busy = browser().sign_in(owner)
    assert busy.patch(f"/internal/leads/{worked_on.id}", json={"status": "REACHED_OUT"}).status_code == 200
    (absence,) = rows(Absence)
    assert "Undo" in manager.get("/desk/absences").text
    answer = manager.post(f"/desk/absences/{absence.id}/undo", follow_redirects=True)
    assert "Amara is not away. 6 leads came back." in answer.text
    assert [lead.assignee_id == amara.id for lead in rows(Lead)].count(True) == 6
    assert rows(Absence)[0].deleted_at is not None
    entry = next(one for one in rows(AuditEntry) if one.action == "absence.undone")
    assert '"leads":6' in entry.detail
    assert manager.post(f"/desk/absences/{absence.id}/undo").status_code == 404


def test_undo_finds_what_was_moved_after_they_are_renamed(app, manager, rows, amara, others, seven):
    set_away(manager, amara)
    (absence,) = rows(Absence)
    assert {one.absence_id for one in rows(AssignmentDecision) if one.cause == "handed_back"} == {absence.id}
    with app.app_context(), transaction():
        db.session.get(User, amara.id).name = "Amara Married"
    answer = manager.post(f"/desk/absences/{absence.id}/undo", follow_redirects=True)
    assert "Amara Married is not away. 7 leads came back." in answer.text
    assert [lead.assignee_id == amara.id for lead in rows(Lead)] == [True] * 7


def test_undo_of_very_many_goes_on_in_steps(app, manager, rows, amara, others, seven, monkeypatch):
    monkeypatch.setattr(coverage, "MAX_RETURNED", 3)
    set_away(manager, amara)
    (absence,) = rows(Absence)
    answer = manager.post(f"/desk/absences/{absence.id}/undo", follow_redirects=True)
    assert "3 leads came back. The others follow." in answer.text
    round_of_a_worker(app)
    assert [lead.assignee_id == amara.id for lead in rows(Lead)].count(True) == 6
    round_of_a_worker(app)
    assert [lead.assignee_id == amara.id for lead in rows(Lead)].count(True) == 7
    with app.app_context():
        assert coverage.run_worker_tick() is False


@pytest.mark.parametrize("is_away", [False, True])
def test_nothing_more_comes_back_to_who_is_gone_or_away_again_and_the_worker_rests(
    app, manager, rows, amara, others, seven, monkeypatch, is_away
):
    monkeypatch.setattr(coverage, "MAX_RETURNED", 3)
    set_away(manager, amara)
    manager.post(f"/desk/absences/{rows(Absence)[0].id}/undo")
    if is_away:
        set_away(manager, amara)
    else:
        with app.app_context(), transaction():
            db.session.get(User, amara.id).active = False
    with app.app_context():
        assert coverage.run_worker_tick() is False
    assert min(rows(Absence), key=lambda one: one.id).undone_by is None


def test_an_absence_that_is_only_ended_gives_nothing_back_later(app, manager, rows, amara, seven):
    set_away(manager, amara)
    manager.post(f"/desk/absences/{rows(Absence)[0].id}/end")
    round_of_a_worker(app)
    assert not any(lead.assignee_id == amara.id for lead in rows(Lead))


def test_after_an_hour_an_absence_is_ended_not_undone(browser, max_, rows, amara, seven, clock):
    set_away(browser().sign_in(max_), amara)
    clock.shift(timedelta(hours=1, minutes=1))
    manager = browser().sign_in(max_)
    assert "Undo" not in Page(manager.get("/desk/absences").text).by_id("main").text
    answer = manager.post(f"/desk/absences/{rows(Absence)[0].id}/undo", follow_redirects=True)
    assert "more than an hour ago" in answer.text
    assert rows(Absence)[0].deleted_at is None


def test_the_former_owner_hears_once_of_all_leads(manager, rows, amara, seven):
    set_away(manager, amara)
    (mail,) = moved(rows)
    assert (mail.recipient, mail.subject) == (amara.email, "A change in your leads: 7 leads")
    assert mail.text.count("\n- ") == 7
    assert "Amara is away until further notice." in mail.text
    assert rows(Lead)[0].reference in mail.text
    assert "Jane" not in mail.text


@pytest.mark.parametrize("how", ["screened", "deleted"])
def test_a_lead_that_is_hidden_before_the_mail_leaves_is_not_in_it(app, manager, rows, amara, seven, how):
    set_away(manager, amara)
    hidden, other = rows(Lead)[:2]
    if how == "screened":
        body = {"user_id": str(amara.id), "notice": "Her sister."}
        assert manager.post(f"/internal/leads/{hidden.id}/screens", json=body).status_code == 201
    else:
        assert manager.delete(f"/internal/leads/{hidden.id}").status_code == 204
    (mail,) = [one for one in delivered(app) if one.kind == "leads_moved"]
    assert (mail.recipient, mail.subject) == (amara.email, "A change in your leads: 6 leads")
    assert other.reference in mail.text
    assert hidden.reference not in mail.text + mail.html


def test_a_mail_of_whose_leads_none_is_left_does_not_leave(app, manager, rows, amara, seven):
    set_away(manager, amara)
    for lead in rows(Lead):
        manager.delete(f"/internal/leads/{lead.id}")
    assert [one for one in delivered(app) if one.kind == "leads_moved"] == []


def test_nobody_is_mailed_about_their_own_act(browser, rows, amara, seven):
    client = browser().sign_in(amara)
    data = {"first_day": TODAY}
    assert "7 leads went to others" in client.post("/desk/absences", data=data, follow_redirects=True).text
    assert moved(rows) == []
    client.post(f"/desk/absences/{rows(Absence)[0].id}/undo")
    assert amara.email not in [mail.recipient for mail in moved(rows)]


def test_a_lead_that_a_manager_moves_is_told_to_whom_was_alerted_of_it(
    app, client, browser, given, manager, rows, amara
):
    client.submit()
    (lead,) = rows(Lead)
    bruno = given(UserFactory, name="Bruno")
    address = f"/internal/leads/{lead.id}/assignee"
    assert manager.put(address, json={"user_id": str(bruno.id)}).status_code == 200
    assert moved(rows) == [], "the alert never left, and is withdrawn"
    assert manager.put(address, json={"user_id": str(amara.id)}).status_code == 200
    delivered(app)
    assert manager.put(address, json={"user_id": str(bruno.id)}).status_code == 200
    (mail,) = moved(rows)
    assert (mail.recipient, mail.lead_id) == (amara.email, lead.id)
    assert f"- {lead.reference}: Bruno" in mail.text
    delivered(app)
    declining = browser().sign_in(bruno)
    assert declining.post(f"/internal/leads/{lead.id}/decline", json={"reason": "No time"}).status_code == 204
    assert len(moved(rows)) == 1, "who declines knows"


def test_who_left_the_firm_or_is_screened_hears_nothing(app, client, browser, ada, rows, given, amara):
    client.submit()
    delivered(app)
    admin, (lead,) = browser().sign_in(ada), rows(Lead)
    body = {"user_id": str(amara.id), "notice": "Acts for the other side."}
    assert admin.post(f"/internal/leads/{lead.id}/screens", json=body).status_code in (200, 201)
    assert rows(Lead)[0].assignee_id is None
    assert moved(rows) == []
    bruno = given(UserFactory, name="Bruno")
    client.submit(email="other@example.com")
    delivered(app)
    assert admin.delete(f"/internal/users/{bruno.id}").status_code == 204
    assert moved(rows) == []
