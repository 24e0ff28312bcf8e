"""Times at the desk: the firm's, or of who reads; in UTC for programs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from leadintake.assignment import policy
from leadintake.audit.models import AuditEntry
from leadintake.auth.models import User
from leadintake.core.clock import zone_names
from tests.factories import LeadFactory
from tests.support.html import Page

ARRIVAL = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)


@pytest.fixture
def settings() -> dict[str, object]:
    return {"TIMEZONE": "America/New_York"}


@pytest.fixture
def lead(given):
    return given(LeadFactory, created_at=ARRIVAL)


def choose(client, name: str):
    return client.post("/desk/account/time-zone", data={"timezone": name})


def test_times_are_the_firms_and_those_of_programs_are_utc(browser, amara, lead):
    client = browser().sign_in(amara)
    assert "25 Nov 2026, 18:30" in client.get(f"/desk/leads/{lead.id}").text
    assert client.get(f"/internal/leads/{lead.id}").json["created_at"] == "2026-11-25T23:30:00Z"
    assert "2026-11-25T23:30:00Z" in client.get("/internal/leads.csv").text


def test_ones_own_time_zone_wins_also_in_filters_by_day(browser, amara, bruno, lead, rows):
    client = browser().sign_in(amara)
    assert choose(client, "Pacific/Auckland").status_code == 303
    assert "26 Nov 2026, 12:30" in client.get(f"/desk/leads/{lead.id}").text
    assert "26 Nov 2026" in client.get("/desk?created_from=2026-11-26&created_to=2026-11-26").text
    assert "18:30" in browser().sign_in(bruno).get(f"/desk/leads/{lead.id}").text
    assert Page(client.get("/desk/account").text).chosen("timezone") == "Pacific/Auckland"
    assert "user.timezone_changed" in [entry.action for entry in rows(AuditEntry)]
    choose(client, "")
    assert rows(User)[0].timezone is None
    assert "18:30" in client.get(f"/desk/leads/{lead.id}").text


@pytest.mark.parametrize("name", ["Mars/Base", "../../etc/passwd", "America", "x" * 65])
def test_a_time_zone_that_there_is_not_is_refused(browser, amara, name, rows):
    answer = choose(browser().sign_in(amara), name)
    assert answer.status_code == 422
    assert Page(answer.text).by_id("timezone-error").text
    assert rows(User)[0].timezone is None


def test_a_zone_that_is_no_more_is_no_reason_to_fail(app, browser, given, lead):
    from tests.factories import UserFactory

    client = browser().sign_in(given(UserFactory, timezone="Nowhere/City"))
    assert "18:30" in client.get(f"/desk/leads/{lead.id}").text


def test_there_is_a_list_to_choose_from():
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} <= set(zone_names())
    assert len(zone_names()) < 500


def test_working_days_follow_the_firms_clock_unless_the_policy_has_one(app, tmp_path):
    with app.app_context():
        assert policy.current().zone().key == "America/New_York"
        rules = tmp_path / "policy.toml"
        rules.write_text('timezone = "Europe/Berlin"')
        found = policy.read(rules, practice_areas=(), languages=()).with_time_zone("America/New_York")
    assert found.zone().key == "Europe/Berlin"


class TestOfThePolicy:
    """A firm that named its clock in ASSIGNMENT_POLICY before there was the setting."""

    @pytest.fixture
    def settings(self, tmp_path) -> dict[str, object]:
        rules = tmp_path / "policy.toml"
        rules.write_text('timezone = "Europe/Berlin"')
        return {"ASSIGNMENT_POLICY": str(rules)}

    def test_it_counts_at_the_desk(self, app, browser, amara, lead):
        assert app.config["TIMEZONE"] == "Europe/Berlin"
        assert "26 Nov 2026, 00:30" in browser().sign_in(amara).get(f"/desk/leads/{lead.id}").text
