"""Leads that the reader has not opened yet are bold, for that reader alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from leadintake.core.clock import now
from leadintake.leads.views.models import LeadRead
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.html import Page
from tests.support.statements import statements

LONG_AGO = datetime(2026, 3, 1, 12, tzinfo=UTC)


def unread(client, path: str = "/desk") -> list[str]:
    """The last names of the leads that are marked on the page."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.mistakes == []
    marked = [one.text for one in page.all("li") if "unread" in one["class"].split()]
    assert all("Unread: " in text for text in marked)
    return sorted(text.split()[2] for text in marked)


@pytest.mark.every_engine
def test_a_lead_is_unread_until_the_reader_opens_it_and_for_others_after_that(browser, given, amara, bruno):
    lead = given(LeadFactory, last_name="Doe", assigned_to=amara)
    given(LeadFactory, last_name="Roe", assigned_to=amara)
    hers, his = (browser().sign_in(person) for person in (amara, bruno))
    assert unread(hers) == ["Doe", "Roe"]
    for _ in range(2):
        assert hers.get(f"/desk/leads/{lead.reference}").status_code == 200
    assert unread(hers) == ["Roe"]
    assert unread(his) == ["Doe", "Roe"]


@pytest.mark.every_engine
def test_a_lead_that_comes_to_the_reader_is_unread_again(browser, given, amara, bruno, max_, rows):
    lead = given(LeadFactory, last_name="Doe", assigned_to=bruno)
    hers, his, manager = (browser().sign_in(person) for person in (amara, bruno, max_))
    for one in (hers, his, manager):
        one.get(f"/desk/leads/{lead.id}")
    assert unread(hers) == []
    with time_machine.travel(now() + timedelta(minutes=1)):
        manager.put(f"/internal/leads/{lead.id}/assignee", json={"user_id": str(amara.id)})
    with time_machine.travel(now() + timedelta(minutes=2)):
        assert [unread(one) for one in (hers, his, manager)] == [["Doe"], [], []]
        hers.get(f"/desk/leads/{lead.id}")
        assert unread(hers) == []
    assert len(rows(LeadRead)) == 3


def test_what_was_there_before_the_reader_counts_as_read(browser, given, amara):
    given(LeadFactory, assigned_to=amara, created_at=LONG_AGO, assigned_at=LONG_AGO)
    veteran = given(UserFactory, created_at=LONG_AGO, unread_since=now() + timedelta(days=1))
    given(LeadFactory, assigned_to=veteran, last_name="Doe")
    assert unread(browser().sign_in(amara)) == ["Doe"]
    assert unread(browser().sign_in(veteran)) == []


def test_a_lead_that_was_reached_is_not_unread(browser, given, amara):
    given(LeadFactory, "reached_out", assigned_to=amara)
    assert unread(browser().sign_in(amara)) == []


def test_opening_writes_once_and_what_a_page_loads_by_itself_writes_nothing(app, browser, given, amara, rows):
    lead = given(LeadFactory, assigned_to=amara)
    client = browser().sign_in(amara)
    path = f"/desk/leads/{lead.id}"
    client.get(path, headers={"HX-Request": "true", "HX-Trigger": "lead"})
    client.get(f"/internal/leads/{lead.id}")
    assert rows(LeadRead) == []
    client.get(path)
    (first,) = rows(LeadRead)
    with statements(app) as sent:
        client.get(path)
    assert [one for one in sent if "lead_reads" in one and not one.startswith("SELECT")] == []
    assert [one.seen_at for one in rows(LeadRead)] == [first.seen_at]


def test_the_list_asks_once_for_all_its_leads(app, browser, given, amara):
    for _ in range(5):
        given(LeadFactory, assigned_to=amara)
        given(LeadFactory)
    client = browser().sign_in(amara)
    with statements(app) as sent:
        assert len(unread(client)) == 10
    assert len([one for one in sent if "lead_reads" in one]) == 1


def test_nothing_is_noted_of_a_lead_that_the_reader_may_not_see(browser, given, amara, rows):
    lead = given(LeadFactory)
    given(ScreenFactory, lead_id=lead.id, user=amara)
    assert browser().sign_in(amara).get(f"/desk/leads/{lead.id}").status_code == 404
    assert rows(LeadRead) == []
