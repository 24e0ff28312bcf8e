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


def page_of(answer, status: int = 200) -> Page:
    """A page that is well put together."""
    page = Page(answer.text)
    assert (answer.status_code, page.mistakes) == (status, [])
    return page


def do(client, lead, act: str, status: int = 200, **typed: object) -> Page:
    """Send the form of an act as the page does, and follow it."""
    return page_of(client.post(f"/desk/leads/{lead.id}/{act}", data=typed, follow_redirects=True), status)


def test_an_outcome_is_set_shown_and_taken_back(client, rows, lead):
    page = do(client, lead, "outcome", outcome="no_capacity", note="Full until May.")
    for words in ("Recorded: no capacity.", "No capacity", "Full until May.", "Take the outcome back"):
        assert words in page.source
    assert "No capacity" in page_of(client.get("/desk")).source
    assert "The outcome is taken back." in do(client, lead, "outcome", take_back="1").source
    assert (rows(Lead)[0].outcome, rows(Lead)[0].outcome_note) == (None, None)
    assert "Use one of: hired" in do(client, lead, "outcome", 422, outcome="lost").source


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
    do(client, lead, "follow-up", take_back="1")
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
    assert words in do(client, lead, "follow-up", 422, at=at, note="Ring her.").source
    assert rows(Lead)[0].follow_up_at is None


def test_tags_are_typed_with_commas_and_suggested(client, rows, given, lead):
    given(LeadFactory, tags=["Pro bono"])
    page = do(client, lead, "tags", tags=" vip, asylum,, ")
    assert rows(Lead)[0].tags == ["asylum", "vip"]
    assert page.inputs()["tags"]["value"] == "asylum, vip"
    assert "asylum, vip, Pro bono" in [one["value"] for one in page.all("option")]
    found = page_of(client.get("/desk?tag=VIP"))
    assert "Jane" in found.source
    assert do(client, lead, "tags", tags="").source
    assert rows(Lead)[0].tags == []
    assert "Write tags of 1 to 40 characters." in do(client, lead, "tags", 422, tags="x" * 41).source


FORMS = {
    "tags": {"tags": "vip, pelican"},
    "outcome": {"outcome": "hired", "note": "pelican"},
    "follow-up": {"at": "2026-03-10T08:15", "note": "pelican"},
    "decline": {"reason": "pelican"},
}


def test_the_forms_that_are_never_drawn_anew_name_no_version(client, lead):
    page = page_of(client.get(f"/desk/leads/{lead.id}"))
    work = page.source.partition('id="work"')[2].partition("</section>")[0]
    assert "/tags" in work
    assert 'name="version"' not in work


@pytest.mark.parametrize("act", FORMS)
def test_what_was_typed_stays_where_a_colleague_was_faster(client, rows, lead, act):
    do(client, lead, "tags", tags="first")
    page = do(client, lead, act, 412, version=1, **FORMS[act])
    assert "You changed this lead already. Nothing was recorded" in page.source
    assert "pelican" in page.by_id("main").text + str([one.attributes for one in page.all("input")])
    assert (rows(Lead)[0].tags, rows(Lead)[0].version) == (["first"], 2)


@pytest.mark.parametrize("act", FORMS)
def test_what_was_typed_stays_where_the_lead_went_to_another(client, browser, max_, given, rows, lead, act):
    other = given(UserFactory)
    browser().sign_in(max_).put(f"/internal/leads/{lead.id}/assignee", json={"user_id": str(other.id)})
    page = do(client, lead, act, 403, **FORMS[act])
    assert "pelican" in page.by_id("main").text + str([one.attributes for one in page.all("input")])


def test_a_wrong_value_is_named_beside_what_was_typed(client, lead):
    page = do(client, lead, "follow-up", 422, at="2026-03-01T08:00", note="pelican")
    assert (page.by_id("follow_up_note").text, page.by_id("follow_up_at")["value"]) == (
        "pelican",
        "2026-03-01T08:00",
    )
    assert "in the future" in page.by_id("at-error").text


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
