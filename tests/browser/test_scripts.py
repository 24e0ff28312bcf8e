"""What an answer or a page can make our scripts do in Chromium, and what stays behind in it."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.test_intake import RESUME
from tests.factories import LeadFactory
from tests.support.browser import fill_in, send
from tests.support.client import PASSWORD

EVERY_OBJECT = (
    "() => [Object, Array, String, Function].map((kind) => Object.getOwnPropertyNames(kind.prototype))"
)
POISON = {"polluted": "yes", "toString": "yes"}
HOSTILE = json.dumps(
    {
        "errors": {
            "constructor": {"prototype": POISON},
            "email": ["Wrong."],
            "toString": ["Wrong."],
        },
        "constructor": {"prototype": POISON},
    }
).replace('"errors": {', '"__proto__": {"polluted": "yes"}, "errors": {"__proto__": {"polluted": "yes"}, ')


def test_no_answer_changes_what_every_object_has(site, visitor):
    page = visitor()
    page.route("**/public/leads", lambda route: route.fulfill(status=422, json=None, body=HOSTILE))
    page.goto(site)
    before = page.evaluate(EVERY_OBJECT)
    fill_in(page, RESUME)
    send(page)
    expect(page.locator("#email-error")).to_have_text("Wrong.")
    assert page.evaluate(EVERY_OBJECT) == before
    assert page.evaluate("() => [{}.polluted, [].polluted, ({}).toString()]") == [
        None,
        None,
        "[object Object]",
    ]
    assert page.evaluate("() => Object.keys(localStorage).concat(Object.keys(sessionStorage))") == []


def test_of_a_lead_nothing_but_what_was_looked_for_stays_until_signing_out(site, visitor, given, amara):
    lead = given(LeadFactory, first_name="Jane", assigned_to=amara)
    page = visitor()
    page.goto(f"{site}/desk")
    before = page.evaluate(EVERY_OBJECT)
    page.get_by_label("E-mail").fill(amara.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Search").fill("jane")
    expect(page).to_have_url(f"{site}/desk?q=jane")
    page.get_by_role("link", name="Jane Doe").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Jane")
    page.go_back()
    expect(page.locator("#queue")).to_contain_text(lead.email)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.locator("#keys-on").click()
    assert page.evaluate("() => ({...localStorage})") == {"keys": "off"}
    kept = page.evaluate("() => ({...sessionStorage})")
    assert set(kept) <= {"htmx-current-path-for-history"}, "the address, with what was looked for"
    assert page.evaluate("async () => (await indexedDB.databases()).length") == 0
    assert page.evaluate("() => document.cookie") == ""
    assert page.evaluate(EVERY_OBJECT) == before
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    left = page.evaluate("() => ({...localStorage, ...sessionStorage})")
    assert left in ({}, {"htmx-current-path-for-history": "/desk/sign-in"})
