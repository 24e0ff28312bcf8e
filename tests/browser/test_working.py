"""A lead is worked at the desk in Chromium: contacts, notes, the timeline; without JavaScript, too."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from leadintake.leads.conversation import LeadContact, LeadNote
from leadintake.leads.models import Lead
from leadintake.leads.status import LeadStatus
from tests.browser.test_desk import POLL, desk_of
from tests.browser.test_desk_on_a_phone import PHONE
from tests.factories import LeadFactory, NoteFactory, NotificationFactory
from tests.support.browser import NARROW, scrolls_sideways, violations

__all__ = ["desk_of"]


@pytest.fixture
def lead(given, amara):
    lead = given(LeadFactory, first_name="Jane", last_name="Doe", assigned_to=amara)
    given(NotificationFactory, "sent", lead_id=lead.id, recipient=amara.email)
    return lead


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_a_call_is_recorded_in_three_taps_and_a_note_added(desk_of, lead, amara, rows, scripts):
    page = desk_of(amara, f"/desk/leads/{lead.id}", java_script_enabled=scripts, **PHONE)
    page.get_by_text("Record a call or contact").tap()
    page.get_by_text("Spoke with them").tap()
    chip = page.locator(".chips label").filter(has_text="No answer").bounding_box()
    assert chip is not None
    assert chip["height"] >= 44
    page.get_by_role("button", name="Record the contact").tap()
    expect(page.locator("#notices")).to_contain_text("Recorded: you reached out.")
    assert rows(Lead)[0].status is LeadStatus.REACHED_OUT
    assert [(one.channel, one.outcome) for one in rows(LeadContact)] == [("phone", "spoke")]
    page.get_by_text("Write a note").tap()
    page.get_by_label("Note, for those").fill("Call again on Tuesday.\nBring the papers.")
    page.get_by_role("button", name="Save the note").tap()
    expect(page.locator(".timeline li:target")).to_contain_text("Bring the papers.")
    page.get_by_role("link", name="Contacts", exact=True).tap()
    expect(page.locator(".timeline li")).to_have_count(1)
    assert not scrolls_sideways(page)


@pytest.mark.parametrize(("scheme", "width"), [("light", NARROW), ("dark", 1280)])
def test_axe_finds_nothing_in_what_is_open(desk_of, given, lead, amara, scheme, width):
    given(NoteFactory, lead_id=lead.id, author=amara, text="Call on Tuesday.")
    settings = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}}
    page = desk_of(amara, f"/desk/leads/{lead.id}", **settings)
    for words in ("Record a call or contact", "Write a note"):
        page.get_by_text(words).click()
    assert violations(page) == []
    assert not scrolls_sideways(page)
    page.get_by_role("link", name="Change or delete").click()
    page.locator("#text").fill("Call on Wednesday.")
    page.get_by_role("button", name="Save the note").click()
    page.get_by_text("1 earlier version").click()
    expect(page.locator(".timeline")).to_contain_text("Call on Tuesday.")
    assert violations(page) == []
    page.get_by_role("link", name="Change or delete").click()
    assert violations(page) == []
    assert not scrolls_sideways(page)


def test_what_is_typed_stays_while_a_colleague_writes(desk_of, browser, lead, amara, max_, rows):
    page = desk_of(amara, f"/desk/leads/{lead.id}")
    page.get_by_text("Write a note").click()
    page.get_by_label("Note, for those").fill("Half a sen")
    browser().sign_in(max_).post(f"/internal/leads/{lead.id}/notes", json={"text": "Pelican"})
    page.clock.fast_forward(POLL)
    expect(page.locator("#story")).to_contain_text("Pelican")
    expect(page.get_by_label("Note, for those")).to_have_value("Half a sen")
    assert len(rows(LeadNote)) == 1
