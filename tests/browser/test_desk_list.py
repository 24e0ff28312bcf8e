"""The list that says what to do, in Chromium: groups, numbers in the title, chips, views, keys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from leadintake.core.clock import now
from tests.browser.test_desk import POLL, desk_of
from tests.factories import LeadFactory
from tests.support.browser import ALL_FORMS, scrolls_sideways, violations

__all__ = ["desk_of"]
WIDTHS = (*ALL_FORMS, ("light", 768), ("dark", 768))


@pytest.fixture
def leads(given, amara, bruno):
    """Leads of every group."""
    kinds = (
        {"assigned_to": amara, "practice_area": "immigration", "language": "es", "tags": ["urgent"]},
        {"assigned_to": amara, "last_name": "W" * 60},
        {},
        {"assigned_to": amara, "follow_up_at": now() + timedelta(days=2), "tags": ["call", "urgent"]},
        {"assigned_to": bruno},
    )
    return [given(LeadFactory, **facts) for facts in kinds] + [given(LeadFactory, "reached_out")]


@pytest.mark.parametrize(("scheme", "width"), WIDTHS)
def test_everybody_can_use_it(desk_of, site, leads, amara, scheme, width):
    page = desk_of(amara, color_scheme=scheme, viewport={"width": width, "height": 800})
    chips = "?q=doe&age=today&outcome=none&language=es&assigned_to=me"
    found = []
    for path in (chips, "?group=snoozed", "", "/views"):
        page.goto(f"{site}/desk{path}")
        if path == chips:
            page.get_by_text("Save this view").click()
            page.get_by_label("Name, such as").fill("My Spanish leads")
            page.get_by_role("button", name="Save", exact=True).click()
            expect(page.locator("#notices")).to_contain_text("Saved as")
        found += [f"{path}: {one}" for one in violations(page)]
        found += [f"{path}: wider than the window"] if scrolls_sideways(page) else []
    assert found == []


def test_the_title_says_how_many_are_due_and_follows_what_happens(desk_of, browser, leads, amara, max_):
    page = desk_of(amara)
    assert page.title().startswith("(2) Leads")
    manager = browser().sign_in(max_)
    manager.put(f"/internal/leads/{leads[2].id}/assignee", json={"user_id": str(amara.id)})
    page.clock.fast_forward(POLL)
    expect(page.locator(".groups").first).to_contain_text("Due 3")
    assert page.title().startswith("(3) Leads")


def test_a_name_of_a_view_that_is_typed_is_not_swept_away(desk_of, browser, leads, amara, max_):
    page = desk_of(amara, "/desk?assigned_to=me")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name, such as").fill("Those of")
    browser().sign_in(max_).delete(f"/internal/leads/{leads[0].id}")
    with page.expect_response("**/pulse"):
        page.clock.fast_forward(POLL)
    expect(page.get_by_label("Name, such as")).to_have_value("Those of")


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_view_is_saved_opened_and_a_chip_taken_away(desk_of, leads, amara, scripts):
    page = desk_of(amara, java_script_enabled=scripts)
    if page.get_by_label("Language").is_hidden():
        page.get_by_text("More filters").click()
    page.get_by_label("Language").select_option("es")
    if not scripts:
        page.get_by_role("button", name="Filter").click()
    expect(page.locator(".lead")).to_have_count(1)
    page.get_by_text("Save this view").click()
    page.get_by_label("Name, such as").fill("Spanish")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="Leads", exact=True).click()
    expect(page.locator(".lead")).to_have_count(len(leads))
    page.get_by_role("link", name="Spanish").click()
    expect(page.locator(".lead")).to_have_count(1)
    page.get_by_role("link", name="Remove: Language").click()
    expect(page.locator(".lead")).to_have_count(len(leads))


def test_keys_that_are_off_in_the_account_are_off_in_every_browser(desk_of, browser, leads, amara):
    browser().sign_in(amara).post("/desk/account/preferences", data={"leads_moved": "1"})
    page = desk_of(amara)
    page.keyboard.press("j")
    expect(page.locator(".lead .name:focus")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_contain_text("switched off in your account")
    assert violations(page) == []
