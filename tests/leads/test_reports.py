"""The report: per attorney received, open, reached, the median time to reach, declined, for a period."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.core.clock import now
from leadintake.leads.status import Outcome
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.outbox import round_of_a_worker

MORNING = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def amara(given):
    return given(UserFactory, name="Amara")


@pytest.fixture
def bruno(given):
    return given(UserFactory, name="Bruno")


@pytest.fixture
def manager(browser, given):
    return browser().sign_in(given(UserFactory, "manager", name="Max"))


def lines(answer) -> dict[str, tuple[object, ...]]:
    """The lines of a report by name."""
    assert answer.status_code == 200, answer.text
    numbers = ("received", "open", "reached", "median_seconds_to_reach", "declined")
    return {one["user"]["name"]: tuple(one[number] for number in numbers) for one in answer.json["items"]}


@pytest.mark.every_engine
def test_it_counts_what_each_got_and_did(app, browser, client, manager, given, amara, bruno):
    given(UserFactory, "viewer", name="Vera")
    with time_machine.travel(MORNING, tick=False) as clock:
        mine, theirs = browser().sign_in(amara), browser().sign_in(bruno)
        ids = [client.submit(email=f"p{number}@example.com").json["id"] for number in range(6)]
        for minutes, number in ((5, 0), (5, 2), (20, 4)):
            clock.shift(timedelta(minutes=minutes))
            said = mine.patch(f"/internal/leads/{ids[number]}", json={"status": "REACHED_OUT"})
            assert said.status_code == 200
        assert theirs.post(f"/internal/leads/{ids[1]}/decline", json={"reason": "Busy."}).status_code == 204
        boss = browser().sign_in(given(UserFactory, "manager", name="Boss"))
        report = boss.get("/internal/assignment/report")
    assert report.json["created_to"] == "2026-11-02T09:30:00Z"
    assert report.json["created_from"] == "2026-10-03T09:30:00Z"
    assert report.json["waiting"] == 0
    assert lines(report) == {"Amara": (4, 1, 3, 600.0, 0), "Bruno": (3, 2, 0, None, 1)}


def test_who_reached_a_prospect_did_whoever_has_the_lead_afterwards(browser, client, manager, given, amara):
    with time_machine.travel(MORNING, tick=False) as clock:
        mine, boss = browser().sign_in(amara), browser().sign_in(given(UserFactory, "manager", name="Boss"))
        lead = client.submit().json["id"]
        clock.shift(timedelta(minutes=5))
        assert mine.patch(f"/internal/leads/{lead}", json={"status": "REACHED_OUT"}).status_code == 200
        for user in (given(UserFactory, name="Chiara").id, None):
            clock.shift(timedelta(minutes=5))
            said = boss.put(f"/internal/leads/{lead}/assignee", json={"user_id": user and str(user)})
            assert said.status_code == 200
        found = lines(boss.get("/internal/assignment/report"))
    assert found == {"Amara": (1, 0, 1, 300.0, 0), "Chiara": (1, 0, 0, None, 0)}


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize("field", ["created_from", "created_to"])
def test_a_moment_that_no_calendar_reaches_is_422(manager, field, moment):
    answer = manager.get(f"/internal/assignment/report?{field}={moment}")
    assert (answer.status_code, set(answer.json["errors"])) == (422, {field})


@pytest.mark.parametrize("words", [["--from", "0001-01-01"], ["--to", "9999-12-31"]])
def test_the_command_refuses_it_too(app, words):
    answer = app.test_cli_runner().invoke(args=["assignment", "report", *words])
    assert answer.exit_code == 2
    assert "out of reach" in answer.output


def test_a_period_is_of_leads_that_arrived_in_it(manager, given, amara):
    for day in (1, 10, 20):
        given(LeadFactory, assigned_to=amara, created_at=MORNING.replace(day=day))
    address = "/internal/assignment/report"
    whole = {"created_from": "2026-11-01T00:00:00Z", "created_to": "2026-12-01T00:00:00Z"}
    some = {"created_from": "2026-11-10T09:00:00Z", "created_to": "2026-11-20T09:00:00Z"}
    assert lines(manager.get(address, query_string=whole))["Amara"][0] == 3
    assert lines(manager.get(address, query_string=some))["Amara"][0] == 1
    assert manager.get(address, query_string={"created_from": "yesterday"}).status_code == 422
    assert manager.get(address, query_string={"since": "2026-11-10"}).status_code == 422


def test_a_lead_somebody_is_screened_from_is_in_no_number_of_theirs(browser, given, amara):
    boss = given(UserFactory, "manager", name="Max")
    lead = given(LeadFactory, assigned_to=amara)
    given(LeadFactory)
    address, reader = "/internal/assignment/report", browser().sign_in(boss)
    assert lines(reader.get(address))["Amara"][0] == 1
    given(ScreenFactory, lead_id=lead.id, user=boss)
    assert lines(reader.get(address))["Amara"] == (0, 0, 0, None, 0)


def test_who_left_is_in_it_as_long_as_they_had_something(app, browser, manager, given, amara, bruno, client):
    for number in range(2):
        client.submit(email=f"p{number}@example.com")
    assert app.test_cli_runner().invoke(args=["users", "deactivate", amara.email]).exit_code == 0
    given(UserFactory, "inactive", name="Long gone")
    round_of_a_worker(app)
    assert lines(manager.get("/internal/assignment/report")) == {
        "Amara": (1, 0, 0, None, 0),
        "Bruno": (2, 2, 0, None, 0),
    }


def test_that_it_was_read_is_on_record(manager, rows):
    manager.get("/internal/assignment/report")
    assert rows(AuditEntry)[-1].action == "leads.reported"


def test_the_command_prints_it_with_its_dates(app, client, given, amara):
    client.submit()
    done = app.test_cli_runner().invoke(args=["assignment", "report"])
    assert done.exit_code == 0, done.output
    assert f"to {now():%Y-%m-%d}" in done.stdout
    assert "0 of them wait" in done.stdout
    assert amara.email in done.stdout
    told = app.test_cli_runner().invoke(
        args=["assignment", "report", "--from", "2020-01-01", "--to", "2020-12-31", "--format", "json"]
    )
    assert json.loads(told.stdout) == [
        {"email": amara.email, "received": 0, "open": 0, "reached": 0, "median_hours_to_reach": None,
         "declined": 0, **dict.fromkeys(Outcome, 0)}
    ]  # fmt: skip
