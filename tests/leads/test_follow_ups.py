"""PUT /internal/leads/{id}/follow_up: the next step, which snoozes the lead and reminds its attorney once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from leadintake.auth.models import User
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.follow_ups import reminders
from leadintake.leads.groups import Group, list_group
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.killed import Killed, killed_at
from tests.support.leads import together
from tests.support.outbox import BEGINNING, at, delivered, round_of_a_worker

TOMORROW = "2026-03-02T15:30:00+03:00"


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, assigned_to=amara)


@pytest.fixture
def attorney(browser, amara):
    """Signed in on the day before."""
    with at(minutes=0):
        yield browser().sign_in(amara)


def plan(client, lead, moment: object = TOMORROW, note: object = None, **headers: str):
    """Set the next step."""
    body = {"at": moment} | ({} if note is None else {"note": note})
    return client.put(f"/internal/leads/{lead.id}/follow_up", json=body, headers=headers)


def reminded(rows) -> list[str]:
    """Who was or will be reminded."""
    return [one.recipient for one in rows(Notification) if one.kind == reminders.KIND and not one.deleted_at]


def own(app, amara) -> list[str]:
    """Whose leads the attorney's queue has now."""
    with app.app_context():
        due = list_group(Group.DUE, db.session.get_one(User, amara.id))
        return [lead.last_name for lead in due.page(limit=50, cursor=None).items]


@pytest.mark.every_engine
def test_it_is_on_the_lead_and_in_the_list_in_utc(attorney, rows, lead, amara):
    answer = plan(attorney, lead, note=" Ask for the notice.\n", **{"If-Match": '"1"'})
    assert answer.status_code == 200
    told = answer.json
    assert told["follow_up_at"] == "2026-03-02T12:30:00Z"
    assert (told["follow_up_note"], told["version"]) == ("Ask for the notice.", 2)
    assert told == attorney.get(f"/internal/leads/{lead.id}").json
    (item,) = attorney.get("/internal/leads").json["items"]
    assert item["follow_up_at"] == told["follow_up_at"]
    (event,) = rows(LeadEvent)
    assert (event.actor, event.action) == (amara.email, "follow_up_set")
    assert event.detail == "2026-03-02 12:30 UTC: Ask for the notice."
    assert plan(attorney, lead, note="Ask for the notice.").json == told
    back = plan(attorney, lead, None)
    assert (back.json["follow_up_at"], back.json["follow_up_note"]) == (None, None)
    assert [event.action for event in rows(LeadEvent)] == ["follow_up_set", "follow_up_removed"]


@pytest.mark.parametrize(
    "moment",
    [
        "2026-03-02T12:30:00",  # without a zone
        "2026-03-01T12:00:00Z",  # now
        "2028-03-03T12:00:00Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "tomorrow",
        5,
    ],
)
def test_another_time_is_422(attorney, rows, lead, moment):
    answer = plan(attorney, lead, moment)
    assert (answer.status_code, [*answer.json["errors"]]) == (422, ["at"])
    assert rows(Lead)[0].follow_up_at is None


@pytest.mark.parametrize("who", ["other", "viewer"])
def test_nobody_else_may(browser, given, rows, lead, who):
    user = given(UserFactory) if who == "other" else given(UserFactory, who)
    with at(minutes=0):
        assert plan(browser().sign_in(user), lead).status_code == 403


@pytest.mark.every_engine
@pytest.mark.parametrize("visibility", ["all", "own"])
def test_until_then_the_lead_is_not_in_the_queue_but_in_the_list_below(
    app, attorney, lead, amara, given, visibility
):
    app.config["ATTORNEY_VISIBILITY"] = visibility
    given(LeadFactory, assigned_to=amara, last_name="Waiting")
    given(LeadFactory, assigned_to=amara, last_name="Ended", outcome="hired")
    given(LeadFactory, "reached_out", assigned_to=amara, last_name="Reached")
    plan(attorney, lead)
    assert own(app, amara) == ["Waiting"]
    page = attorney.get("/desk").text
    places = [page.index(f"{name}</bdi>") for name in ("Waiting", lead.last_name, "Reached", "Ended")]
    assert places == sorted(places)
    assert attorney.get(f"/desk/leads/{lead.id}").status_code == 200
    with time_machine.travel(datetime(2026, 3, 2, 12, 30, tzinfo=UTC), tick=False):
        assert set(own(app, amara)) == {"Waiting", lead.last_name}


class TestReminding:
    """One mail, once."""

    @pytest.mark.every_engine
    def test_its_attorney_is_reminded_once(self, app, attorney, rows, lead, amara):
        plan(attorney, lead, note="See www.example.com")
        round_of_a_worker(app)
        assert reminded(rows) == []
        version, changed = rows(Lead)[0].version, rows(Lead)[0].updated_at
        with at(hours=24.5):
            round_of_a_worker(app)
            round_of_a_worker(app)
            (mail,) = [one for one in delivered(app) if one.kind == reminders.KIND]
        assert (mail.recipient, mail.lead_id) == (amara.email, lead.id)
        assert mail.subject == f"A next step is due: {lead.reference}"
        assert f"/desk/leads/{lead.id}" in mail.text
        assert (rows(Lead)[0].version, rows(Lead)[0].updated_at) == (version, changed)

    def test_a_moved_one_reminds_again_and_the_unsent_mail_is_withdrawn(
        self, app, attorney, browser, rows, lead, amara
    ):
        plan(attorney, lead)
        with at(hours=25):
            round_of_a_worker(app)
            assert reminded(rows) == [amara.email]
            plan(browser().sign_in(amara), lead, "2026-03-04T12:00:00Z")
            assert reminded(rows) == []
        with at(hours=73):
            round_of_a_worker(app)
            assert reminded(rows) == [amara.email]

    @pytest.mark.every_engine
    def test_any_number_of_workers_enqueue_one(self, app, attorney, rows, lead, amara):
        plan(attorney, lead)
        with at(hours=25):
            together(*[lambda: round_of_a_worker(app)] * 4)
        assert reminded(rows) == [amara.email]

    def test_one_that_is_killed_at_any_statement_loses_and_doubles_none(
        self, app, attorney, rows, lead, amara
    ):
        plan(attorney, lead)
        with at(hours=25):
            for statement in range(1, 30):
                with app.app_context():
                    try:
                        with killed_at(statement):
                            reminders.run_worker_tick()
                    except Killed:
                        db.session.remove()
                        continue
                break
            assert statement > 3
        assert reminded(rows) == [amara.email]

    @pytest.mark.parametrize(
        "why", ["outcome", "deleted", "unassigned", "screened", "inactive", "taken back"]
    )
    def test_nobody_is_reminded_who_need_not_be(self, app, attorney, given, rows, lead, amara, why):
        plan(attorney, lead)
        with at(hours=25), app.app_context():
            with transaction():
                row = db.session.get_one(Lead, lead.id)
                if why == "outcome":
                    row.outcome = "hired"
                elif why == "deleted":
                    row.deleted_at = BEGINNING
                elif why == "unassigned":
                    row.assigned_to = None
                elif why == "inactive":
                    db.session.get_one(User, amara.id).active = False
                elif why == "taken back":
                    row.follow_up_at = None
            if why == "screened":
                given(ScreenFactory, lead_id=lead.id, user_id=amara.id)
            assert reminders.run_worker_tick() is (why in ("screened", "inactive"))
            assert reminders.run_worker_tick() is False
        assert reminded(rows) == []

    @pytest.mark.parametrize("why", ["outcome", "handed over", "screened"])
    def test_a_reminder_that_waits_is_not_sent_to_who_need_not_have_it(
        self, app, attorney, given, rows, lead, amara, why
    ):
        other = given(UserFactory)
        plan(attorney, lead)
        with at(hours=25):
            round_of_a_worker(app)
            assert reminded(rows) == [amara.email]
            with app.app_context(), transaction():
                row = db.session.get_one(Lead, lead.id)
                if why == "outcome":
                    row.outcome = "hired"
                elif why == "handed over":
                    row.assignee_id = other.id
            if why == "screened":
                given(ScreenFactory, lead_id=lead.id, user_id=amara.id)
            assert [one for one in delivered(app) if one.kind == reminders.KIND] == []

    @pytest.mark.parametrize("is_sent", [False, True], ids=["waits", "sent"])
    def test_who_gets_the_lead_before_the_reminder_left_is_reminded_instead(
        self, app, attorney, browser, given, rows, lead, amara, is_sent
    ):
        other, boss = given(UserFactory), given(UserFactory, "manager")
        plan(attorney, lead)
        with at(hours=25):
            round_of_a_worker(app)
            if is_sent:
                assert [one.recipient for one in delivered(app) if one.kind == reminders.KIND] == [
                    amara.email
                ]
        with at(hours=26):
            body = {"user_id": str(other.id)}
            path = f"/internal/leads/{lead.id}/assignee"
            assert browser().sign_in(boss).put(path, json=body).status_code == 200
            round_of_a_worker(app)
        assert reminded(rows) == [amara.email if is_sent else other.email]

    @pytest.mark.every_engine
    def test_a_lead_without_attorney_is_reminded_of_once_it_has_one(
        self, app, attorney, given, rows, lead, amara
    ):
        other = given(UserFactory)
        plan(attorney, lead)
        for hour, user_id, expected in ((25, None, []), (26, other.id, [other.email])):
            with at(hours=hour), app.app_context():
                with transaction():
                    db.session.get_one(Lead, lead.id).assignee_id = user_id
                reminders.run_worker_tick()
                assert reminded(rows) == expected


def test_two_years_ahead_is_the_last(attorney, lead):
    last = BEGINNING + timedelta(days=731)
    assert plan(attorney, lead, last.isoformat()).status_code == 200


def test_a_note_is_one_line_in_which_a_tab_is_a_blank(attorney, lead):
    answer = plan(attorney, lead, note="Ask\tagain")
    assert answer.json["follow_up_note"] == "Ask again"
    answer = plan(attorney, lead, note="Ask\nagain")
    assert (answer.status_code, answer.json["errors"]) == (422, {"note": ["Write this in one line."]})
