"""A lead on paper: letterhead, facts and history, and nothing to press."""

from __future__ import annotations

import pikepdf
import pytest
from playwright.sync_api import expect

from leadintake.leads.models import Lead
from tests.browser.test_desk import desk_of
from tests.factories import LeadFactory
from tests.support.outbox import deliver
from tests.support.pdf import text_of

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


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_a_proof_sheet_becomes_a_pdf_named_by_the_reference(
    app, client, desk_of, rows, amara, max_, paper, tmp_path
):
    client.submit()
    deliver(app)
    (lead,) = rows(Lead)
    page = desk_of(max_, f"/desk/leads/{lead.id}")
    page.get_by_role("link", name="Proof sheet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Proof sheet {lead.reference}")
    assert page.title().startswith(lead.reference)
    file = tmp_path / "sheet.pdf"
    page.pdf(path=file, format=paper, prefer_css_page_size=False)
    with pikepdf.open(file) as pdf:
        assert len(pdf.pages) >= 1
        assert str(pdf.docinfo.Title).startswith(lead.reference)
        width = float(pdf.pages[0].mediabox[2])
    assert round(width) == {"A4": 596, "Letter": 612}[paper]
    text = text_of(file)
    for words in (
        "Our Law Firm", lead.reference, lead.resume.sha256, "Received and stored", "Why this attorney",
        "What was sent", "Who read what", "flask audit verify", "1 / ",
    ):  # fmt: skip
        assert words in text, words
    for words in ("Sign out", "Keyboard shortcuts", "Back to the lead"):
        assert words not in text
