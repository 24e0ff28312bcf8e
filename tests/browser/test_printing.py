"""A lead on paper: letterhead, facts and history, and nothing to press."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.test_desk import desk_of
from tests.factories import LeadFactory

__all__ = ["desk_of"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_lead_prints_as_a_sheet_for_the_file(desk_of, given, amara, max_, scheme):
    lead = given(LeadFactory, first_name="Jane", last_name="Doe", assigned_to=amara)
    page = desk_of(max_, f"/desk/leads/{lead.id}", color_scheme=scheme)
    page.emulate_media(media="print")
    for words in ("Our Law Firm", "Jane Doe", lead.reference, "What happened", "resume.pdf"):
        expect(page.get_by_text(words, exact=True).first).to_be_visible()
    expect(page.get_by_text("printed by Max Manager")).to_be_visible()
    for one in page.locator("nav, button, form, summary, iframe, footer, [role=button], .off-paper").all():
        expect(one).to_be_hidden()
    grounds = page.evaluate(
        "[...document.querySelectorAll('html, body, header, main, .card')]"
        ".map((one) => getComputedStyle(one).backgroundColor)"
    )
    assert set(grounds) == {"rgba(0, 0, 0, 0)"}
    page.emulate_media(media="screen")
    expect(page.get_by_text("printed by Max Manager")).to_be_hidden()
