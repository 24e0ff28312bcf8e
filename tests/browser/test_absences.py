"""Setting somebody away, and the first day of who was invited, in Chromium without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.browser import FORMS, scrolls_sideways, violations
from tests.support.client import PASSWORD
from tests.support.links import link_in

GOOD = "quite different words"


@pytest.mark.parametrize(("scheme", "width"), FORMS)
def test_it_asks_says_what_it_did_and_is_undone(
    visitor, site, client, given, amara, max_, scheme, width, rows
):
    for number in range(2):
        client.submit(email=f"jane{number}@example.com")
    given(UserFactory, name="Chiara Conti")
    page = visitor(color_scheme=scheme, viewport={"width": width, "height": 800}, java_script_enabled=False)
    page.goto(f"{site}/desk/absences")
    page.get_by_label("E-mail").fill(max_.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Who", exact=True)).to_have_value("")
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#user_id-error")).to_contain_text("Choose who is away")
    page.get_by_label("Who", exact=True).select_option("Amara Attorney")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Set Amara Attorney away?")
    expect(page.locator("main")).to_contain_text("2 leads go to Chiara Conti.")
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Set away").click()
    expect(page.locator("#notices")).to_contain_text("2 leads went to Chiara Conti.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#notices")).to_contain_text("Amara Attorney is not away. 2 leads came back.")


@pytest.mark.parametrize(("scheme", "width"), FORMS)
def test_nothing_is_wrong_with_the_question(visitor, site, browser, app, client, amara, max_, scheme, width):
    client.submit()
    page = visitor(color_scheme=scheme, viewport={"width": width, "height": 800})
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser().sign_in(max_).get_cookie(name).value
    page.context.add_cookies([{"name": name, "value": cookie, "url": site}])
    page.goto(f"{site}/desk/absences")
    page.get_by_label("Who", exact=True).select_option("Amara Attorney")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Set Amara Attorney away?")
    assert violations(page) == []
    assert not scrolls_sideways(page)


def test_an_invitation_ends_at_the_desk_and_its_link_leads_to_a_new_one(
    app, visitor, site, browser, ada, rows
):
    person = {"email": "chiara@firm.example.com", "name": "Chiara Conti", "role": "attorney"}
    browser().sign_in(ada).post("/internal/users", json=person)
    link = link_in(app, rows(Notification)[0])
    page = visitor(java_script_enabled=False)
    page.goto(site + link)
    page.locator("#password").fill(GOOD)
    page.locator("#again").fill(GOOD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    expect(page.get_by_role("link", name="Chiara Conti")).to_be_visible()
    page.goto(site + link)
    page.get_by_role("button", name="Ask for a new link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Forgotten password")
