"""The desk on a phone: what matters first, nothing that moves, nothing that is cut off."""

from __future__ import annotations

import io

import pytest
from playwright.sync_api import Page, expect

from leadintake.audit.models import AuditEntry
from tests.browser.test_desk import desk_of
from tests.documents.inspection.files import real
from tests.factories import LeadFactory, NotificationFactory
from tests.support.browser import NARROW, scrolls_sideways, violations

__all__ = ["desk_of"]
MAX_SHIFT = 0.05
PHONE = {"viewport": {"width": NARROW, "height": 740}, "has_touch": True}
MEASURE = """
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shift = (window.shift || 0) + entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def lead(client):
    """A lead with a resume of Word; the id."""
    return client.submit(resume_file=(io.BytesIO(real("illustrated.docx")), "resume.docx")).json["id"]


def top_of(page: Page, words: str) -> float:
    box = page.get_by_role("heading", name=words).bounding_box()
    assert box is not None
    return box["y"]


def test_the_resume_is_third_and_opens_as_text(desk_of, lead, amara, rows):
    page = desk_of(amara, f"/desk/leads/{lead}", **PHONE)
    assert top_of(page, "Jane Doe") < top_of(page, "Resume") < top_of(page, "What happened")
    assert top_of(page, "Resume") < top_of(page, "Work on it") < top_of(page, "What happened")
    assert top_of(page, "Resume") < 880
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator("#text")).to_contain_text("Public defender")
    assert rows(AuditEntry)[-1].action == "lead.downloaded"
    assert violations(page) == []
    page.get_by_role("link", name="Back to the lead").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jane Doe")


def test_the_preview_is_loaded_when_it_is_seen_and_only_then(desk_of, lead, amara, rows):
    page = desk_of(amara, f"/desk/leads/{lead}", **PHONE)
    expect(page.locator("#resume-text")).to_be_empty()
    page.locator("#resume-text").scroll_into_view_if_needed()
    expect(page.locator("#resume-text")).to_contain_text("Public defender")
    assert not page.title().startswith("Resume")
    assert [one.action for one in rows(AuditEntry)].count("lead.downloaded") == 1
    assert violations(page) == []


def test_without_javascript_there_is_the_link_alone(desk_of, lead, amara):
    page = desk_of(amara, f"/desk/leads/{lead}", java_script_enabled=False, **PHONE)
    expect(page.locator("#resume-text")).to_be_hidden()
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.locator("#text")).to_contain_text("Public defender")


def test_nothing_moves_and_nothing_is_cut_off(desk_of, site, given, lead, ada, amara):
    for number in range(30):
        given(LeadFactory, first_name=f"Jane {number}", assigned_to=amara)
    given(NotificationFactory, "failed", lead_id=given(LeadFactory, "quarantined").id)
    page = desk_of(ada, "/desk/account", **PHONE)
    page.add_init_script(MEASURE)
    found = []
    rooms = ("people", "messages", "absences", "report", "quarantine", "deleted")
    for path in ("", "?status=PENDING", f"/leads/{lead}", *(f"/{room}" for room in rooms)):
        page.goto(f"{site}/desk{path}", wait_until="networkidle")
        shift = page.evaluate("new Promise((done) => requestAnimationFrame(() => done(window.shift || 0)))")
        found += [f"{path}: shifts by {shift}"] if shift > MAX_SHIFT else []
        found += [f"{path}: wider than the window"] if scrolls_sideways(page) else []
        tables = page.locator(".wide").all()
        cut = any(one.evaluate("table => table.scrollWidth > table.clientWidth") for one in tables)
        found += [f"{path}: a table is cut off"] if cut else []
    assert found == []


def test_people_are_cards(desk_of, ada, amara):
    page = desk_of(ada, "/desk/people", **PHONE)
    card = page.get_by_role("row").filter(has_text=amara.email)
    card.locator("summary").click()
    expect(card.get_by_role("button", name=f"Change {amara.name}")).to_be_visible()
    assert page.locator("td").first.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Name"'
