"""Many leads at once in Chromium: handed over in a few clicks, ticks by range, and what axe finds."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from leadintake.leads.models import Lead
from tests.factories import LeadFactory
from tests.support.browser import FORMS, NARROW, scrolls_sideways, violations


@pytest.fixture
def desk_of(visitor, site, browser, app):
    """A page at somebody's desk: desk_of(max_, "/desk")."""

    def open_page(user, path: str = "/desk", **settings) -> Page:
        page = visitor(**settings)
        client = browser().sign_in(user)
        name = app.config["SESSION_COOKIE_NAME"]
        page.context.add_cookies([{"name": name, "value": client.get_cookie(name).value, "url": site}])
        page.goto(site + path)
        return page

    return open_page


@pytest.fixture
def many(given, amara):
    return [given(LeadFactory, assigned_to=amara) for _ in range(100)]


def owned_by(user, rows) -> int:
    return sum(lead.assignee_id == user.id for lead in rows(Lead))


@pytest.mark.parametrize("scripts", [True, False])
def test_a_hundred_leads_are_handed_over_in_five_clicks(desk_of, many, amara, bruno, max_, rows, scripts):
    page = desk_of(max_, java_script_enabled=scripts)
    page.get_by_role("checkbox", name="All leads").click()  # 1
    page.get_by_label("Hand over to").select_option("Bruno Attorney")  # 2 and 3: open it, choose
    page.get_by_role("button", name="Hand over …").click()  # 4
    expect(page.get_by_role("heading", level=1)).to_have_text("Hand over 100 leads to Bruno Attorney?")
    expect(page.get_by_text("100 are with Amara Attorney")).to_be_visible()
    page.get_by_role("button", name="Hand over 100 leads").click()  # 5
    expect(page.get_by_role("heading", level=1)).to_have_text("100 handed over to Bruno Attorney")
    assert owned_by(bruno, rows) == 100


def test_a_range_is_ticked_deleted_and_restored(desk_of, many, max_, rows):
    page = desk_of(max_, "/desk?sort=created_at")
    ticks = page.locator(".tick input")
    ticks.nth(1).click()
    ticks.nth(4).click(modifiers=["Shift"])
    expect(page.locator("[data-ticked]")).to_have_text("4 selected")
    page.get_by_label("All on this page").check()
    expect(page.locator("[data-ticked]")).to_have_text("25 selected")
    page.get_by_label("All on this page").uncheck()
    ticks.nth(1).click()
    ticks.nth(3).click(modifiers=["Shift"])
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("button", name="Delete 3 leads").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("3 deleted")
    assert sum(lead.deleted_at is not None for lead in rows(Lead)) == 3
    page.get_by_role("button", name="Undo: restore 3").click()
    expect(page.locator("#notices")).to_contain_text("3 restored.")
    assert not any(lead.deleted_at for lead in rows(Lead))


@pytest.mark.parametrize("scripts", [True, False])
def test_an_attorney_ends_and_tags_their_own(desk_of, given, amara, rows, scripts):
    mine = [given(LeadFactory, assigned_to=amara) for _ in range(2)]
    page = desk_of(amara, java_script_enabled=scripts)
    expect(page.get_by_role("button", name="Delete …")).to_have_count(0)
    for act, fill, heading in (
        ("Change the tags …", ("Tags instead of theirs", "asylum, vip"), "2 have these tags now"),
        ("Write the note …", ("Note on each", "Wrote to both."), "The note is on 2 now"),
        ("Set the outcome …", ("Outcome", "Hired"), "2 have this outcome now"),
    ):
        for tick in page.locator(".tick input").all():
            tick.check()
        page.get_by_text("More for those selected").click()
        box = page.locator("#bulk").get_by_label(fill[0])
        box.select_option(fill[1]) if act.startswith("Set") else box.fill(fill[1])
        page.get_by_role("button", name=act).click()
        page.get_by_role("button", name="Do it for 2 leads").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        page.get_by_role("link", name="Back to the leads").click()
    assert [(lead.outcome, lead.tags) for lead in rows(Lead)] == [("hired", ["asylum", "vip"])] * len(mine)


def test_enter_in_a_field_does_nothing(desk_of, many, max_):
    page = desk_of(max_)
    page.locator(".tick input").first.check()
    page.get_by_text("More for those selected").click()
    tags = page.locator("#bulk").get_by_label("Tags")
    tags.fill("vip")
    tags.press("Enter")
    expect(tags).to_have_value("vip")
    expect(page.get_by_role("heading", level=1)).to_have_text("Leads")


@pytest.mark.parametrize("use", ["all", "person", "tick"])
def test_a_list_in_use_is_renewed_afterwards(desk_of, many, browser, bruno, max_, use):
    page = desk_of(max_, "/desk?sort=created_at")
    everything = page.get_by_role("checkbox", name="All leads")
    person, tick = page.get_by_label("Hand over to"), page.locator(".tick input").first
    if use == "person":
        person.select_option("Bruno Attorney")
    else:
        (everything if use == "all" else tick).check()
    manager = browser().sign_in(max_)
    assert manager.patch(f"/internal/leads/{many[3].id}", json={"status": "REACHED_OUT"}).status_code == 200
    with page.expect_response(lambda answer: "/pulse" in answer.url and answer.status == 200):
        pass
    expect(page.locator(".lead .mark").nth(3)).to_have_text("Waiting")
    if use == "person":
        expect(person).to_have_value(str(bruno.id))
        person.select_option("Choose …")
    else:
        expect(everything if use == "all" else tick).to_be_checked()
        (everything if use == "all" else tick).uncheck()
    expect(page.locator(".lead .mark").nth(3)).to_have_text("Reached out")


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_the_acts_take_no_room_until_something_is_ticked(desk_of, many, max_, scripts):
    page = desk_of(max_, viewport={"width": NARROW, "height": 740}, java_script_enabled=scripts)
    acts, first = page.locator("#bulk"), page.locator(".tick input").first
    expect(acts).to_be_hidden()
    first.check()
    expect(acts).to_be_in_viewport()
    expect(first).to_be_in_viewport()
    first.uncheck()
    expect(acts).to_be_hidden()


@pytest.mark.parametrize(("scheme", "width"), FORMS)
def test_the_pages_are_usable_by_everybody(desk_of, many, bruno, max_, scheme, width):
    page = desk_of(max_, color_scheme=scheme, viewport={"width": width, "height": 800})

    def hold_up(_name: str) -> None:
        assert violations(page) == []
        assert not scrolls_sideways(page)

    page.locator(".tick input").first.check()
    hold_up("list")
    page.get_by_label("Hand over to").select_option("Bruno Attorney")
    page.get_by_role("button", name="Hand over …").click()
    hold_up("ask")
    page.go_back()
    page.locator(".tick input").first.check()
    page.get_by_label("Hand over to").select_option("Choose …")
    page.get_by_role("button", name="Hand over …").click()
    expect(page.get_by_text("Choose who shall have them.")).to_be_visible()
    hold_up("refused")
    page.get_by_label("Hand over to").select_option("Bruno Attorney")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Hand over 1 lead").click()
    hold_up("done")
    page.goto(page.url.partition("/desk")[0] + "/desk/leads/new")
    assert page.locator("label[for=email], label[for=phone]").all_text_contents() == ["E-mail", "Phone"]
    hold_up("new")
    page.get_by_role("button", name="Add the lead").click()
    expect(page.locator("#phone-error")).to_be_visible()
    hold_up("wrong")
