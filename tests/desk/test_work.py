"""Outcome, next step and tags on the page of a lead, without JavaScript."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from leadintake.leads.models import Lead
from tests.factories import LeadFactory, UserFactory
from tests.support.html import Page

FRIDAY = datetime(2026, 3, 6, 23, 30, tzinfo=UTC)


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, first_name="Jane", assigned_to=amara)


@pytest.fixture
def client(browser, amara):
    with time_machine.travel(FRIDAY, tick=False):
        yield browser().sign_in(amara)


def page_of(answer) -> Page:
    """A page that is well put together."""
    page = Page(answer.text)
    assert (answer.status_code, page.mistakes) == (200, [])
    return page


def do(client, lead, act: str, version: int = 1, **typed: object) -> Page:
    """Send the form of an act as the page does, and follow it."""
    data = {"version": version, **typed}
    return page_of(client.post(f"/desk/leads/{lead.id}/{act}", data=data, follow_redirects=True))


def test_an_outcome_is_set_shown_and_taken_back(client, rows, lead):
    page = do(client, lead, "outcome", outcome="no_capacity", note="Full until May.")
    for words in ("Recorded: no capacity.", "No capacity", "Full until May.", "Take the outcome back"):
        assert words in page.source
    assert "No capacity" in page_of(client.get("/desk")).source
    assert "The outcome is taken back." in do(client, lead, "outcome", 2, take_back="1").source
    assert (rows(Lead)[0].outcome, rows(Lead)[0].outcome_note) == (None, None)
    assert "Use one of: hired" in do(client, lead, "outcome", 3, outcome="lost").source


@pytest.mark.parametrize(
    ("quick", "zone", "at"),
    [
        ("tomorrow", "UTC", "2026-03-07T09:00Z"),
        ("three_days", "UTC", "2026-03-09T09:00Z"),
        ("monday", "UTC", "2026-03-09T09:00Z"),
        ("tomorrow", "America/New_York", "2026-03-07T14:00Z"),
        ("monday", "America/New_York", "2026-03-09T13:00Z"),  # summer time began between
        ("tomorrow", "Asia/Tokyo", "2026-03-08T00:00Z"),  # where it is Saturday already
    ],
)
def test_a_next_step_is_chosen_with_one_press_by_the_readers_clock(client, rows, lead, quick, zone, at):
    client.post("/desk/account/time-zone", data={"timezone": zone})
    page = do(client, lead, "follow-up", quick=quick, note="Ring again.", at="")
    assert rows(Lead)[0].follow_up_at == datetime.fromisoformat(at)
    assert "09:00" in page.source
    assert "Ring again." in page.source


def test_a_next_step_is_typed_by_the_readers_clock_and_taken_back(client, rows, lead):
    client.post("/desk/account/time-zone", data={"timezone": "Europe/Madrid"})
    page = do(client, lead, "follow-up", at="2026-03-10T08:15")
    assert rows(Lead)[0].follow_up_at == datetime(2026, 3, 10, 7, 15, tzinfo=UTC)
    assert "The next step is due on 10 Mar 2026, 08:15." in page.source
    assert page.inputs()["at"]["value"] == "2026-03-10T08:15"
    assert "Europe/Madrid" in page.source
    assert "10 Mar 2026, 08:15" in page_of(client.get("/desk")).source
    do(client, lead, "follow-up", 2, take_back="1")
    assert rows(Lead)[0].follow_up_at is None


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("", "Choose a day and a time."),
        ("x", "Choose a day and a time."),
        ("2026-03-01T08:00", "in the future"),
    ],
)
def test_another_time_is_refused_on_the_page(client, rows, lead, at, words):
    assert words in do(client, lead, "follow-up", at=at).source
    assert rows(Lead)[0].follow_up_at is None


def test_tags_are_typed_with_commas_and_suggested(client, rows, given, lead):
    given(LeadFactory, tags=["Pro bono"])
    page = do(client, lead, "tags", tags=" vip, asylum,, ")
    assert rows(Lead)[0].tags == ["asylum", "vip"]
    assert page.inputs()["tags"]["value"] == "asylum, vip"
    assert "asylum, vip, Pro bono" in [one["value"] for one in page.all("option")]
    found = page_of(client.get("/desk?tag=VIP"))
    assert "Jane" in found.source
    assert do(client, lead, "tags", 2, tags="").source
    assert rows(Lead)[0].tags == []
    assert "Write tags of 1 to 40 characters." in do(client, lead, "tags", 3, tags="x" * 41).source


def test_an_outdated_page_changes_nothing(client, rows, lead):
    do(client, lead, "tags", tags="vip")
    for act, typed in (
        ("tags", {"tags": "x"}),
        ("outcome", {"outcome": "hired"}),
        ("follow-up", {"quick": "monday"}),
    ):
        assert "You changed this lead already." in do(client, lead, act, **typed).source
    assert (rows(Lead)[0].tags, rows(Lead)[0].version) == (["vip"], 2)


@pytest.mark.parametrize("who", ["other", "viewer"])
def test_a_reader_sees_them_without_forms(browser, given, amara, who):
    lead = given(LeadFactory, assigned_to=amara, outcome="hired", outcome_at=FRIDAY, tags=["vip"])
    user = given(UserFactory) if who == "other" else given(UserFactory, who)
    page = page_of(browser().sign_in(user).get(f"/desk/leads/{lead.id}"))
    assert "Hired" in page.source
    assert "vip" in page.source
    assert "Save the outcome" not in page.source


def test_the_report_counts_outcomes(browser, given, amara):
    given(LeadFactory, assigned_to=amara, outcome="withdrew")
    page = page_of(browser().sign_in(given(UserFactory, "manager")).get("/desk/report"))
    assert "Withdrew" in page.source
