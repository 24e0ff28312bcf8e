"""The desk in Chromium: from signing in to REACHED_OUT, undo, two at once, keys, and what axe finds."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
import time_machine
from playwright.sync_api import Page, Response, expect

from leadintake.audit.models import AuditEntry
from leadintake.auth.models import SignedInSession
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead
from leadintake.leads.status import LeadStatus
from tests.factories import LeadFactory, NotificationFactory
from tests.support.browser import FORMS, NARROW, scrolls_sideways, violations
from tests.support.client import PASSWORD

POLL = 5_000
MAX_BYTES = 60 * 1024


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, first_name="Jane", last_name="Doe", email="jane@example.com", assigned_to=amara)


@pytest.fixture
def desk_of(visitor, site, browser, app):
    """A page at somebody's desk: desk_of(amara, "/desk")."""

    def open_page(user, path: str = "/desk", **settings) -> Page:
        page = visitor(**settings)
        if settings.get("java_script_enabled", True):
            page.clock.install()
        client = browser().sign_in(user)
        name = app.config["SESSION_COOKIE_NAME"]
        page.context.add_cookies([{"name": name, "value": client.get_cookie(name).value, "url": site}])
        page.goto(site + path)
        return page

    return open_page


def status_of(rows) -> LeadStatus:
    return rows(Lead)[0].status


def test_from_signing_in_to_reached_out(visitor, site, lead, amara, rows):
    page = visitor()
    page.clock.install()
    page.goto(f"{site}/desk/leads/{lead.id}")
    page.get_by_label("E-mail").fill(amara.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Jane Doe")
    page.get_by_role("link", name="Back to the leads").click()
    page.get_by_role("link", name="Jane Doe").click()
    page.get_by_role("button", name="I reached out").click()
    expect(page.locator("#notices")).to_contain_text("Recorded: you reached out.")
    expect(page.locator("#lead .mark")).to_contain_text("Reached out")
    assert status_of(rows) is LeadStatus.REACHED_OUT
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_it_is_recorded_at_once_and_can_be_undone(desk_of, lead, amara, rows):
    page = desk_of(amara, f"/desk/leads/{lead.id}")
    page.get_by_role("button", name="I reached out").click()
    expect(page.locator("#notices")).to_contain_text("Recorded: you reached out.")
    assert status_of(rows) is LeadStatus.REACHED_OUT
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#notices")).to_contain_text("Taken back")
    expect(page.locator("#lead .mark")).to_have_text("Waiting")
    assert status_of(rows) is LeadStatus.PENDING


def test_after_a_colleague_s_act_it_is_a_manager_who_reopens(desk_of, browser, lead, amara, max_, rows):
    page = desk_of(amara, f"/desk/leads/{lead.id}")
    page.get_by_role("button", name="I reached out").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    act = {"user_id": str(max_.id)}
    manager = browser().sign_in(max_)
    for owner in (act, {"user_id": str(amara.id)}):
        assert manager.put(f"/internal/leads/{lead.id}/assignee", json=owner).status_code == 200
    page.clock.fast_forward(POLL)
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    page = desk_of(max_, f"/desk/leads/{lead.id}")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#lead .mark")).to_have_text("Waiting")


def test_a_manager_marks_it_for_its_attorney(desk_of, lead, amara, max_, rows):
    page = desk_of(max_, f"/desk/leads/{lead.id}")
    page.get_by_role("button", name="Mark as reached out for Amara Attorney").click()
    expect(page.locator("#notices")).to_contain_text("Recorded: reached out for Amara Attorney.")
    assert status_of(rows) is LeadStatus.REACHED_OUT


@pytest.mark.parametrize("path", ["/desk/leads/{}", "/desk"])
def test_a_page_left_open_for_twenty_minutes_does_nothing(desk_of, lead, max_, rows, path):
    page = desk_of(max_, path.format(lead.id))
    asked: list[Response] = []
    page.on("response", lambda answer: asked.append(answer) if "/desk" in answer.url else None)
    page.evaluate("addEventListener('htmx:afterSwap', () => { document.title = 'swapped' })")
    form = page.locator("details").first
    form.evaluate("one => { one.open = true }")
    (session,), before = rows(SignedInSession), len(rows(AuditEntry))
    for _ in range(240):
        with page.expect_response("**/pulse"):
            page.clock.run_for(POLL)
    assert len(asked) >= 240
    assert {(answer.status, answer.headers.get("hx-trigger")) for answer in asked} == {(304, None)}
    assert "swapped" not in page.title()
    assert form.evaluate("one => one.open")
    assert len(rows(AuditEntry)) == before
    assert rows(SignedInSession)[0].last_seen_at == session.last_seen_at


def test_what_a_colleague_does_keeps_nobody_signed_in(desk_of, browser, lead, amara, max_, rows):
    page = desk_of(amara, f"/desk/leads/{lead.id}")
    page.wait_for_load_state("networkidle")  # the resume is loaded lazily, and counts
    (session,) = rows(SignedInSession)
    with time_machine.travel(now() + timedelta(minutes=20)):
        manager = browser().sign_in(max_)
        assert manager.patch(f"/internal/leads/{lead.id}", json={"status": "REACHED_OUT"}).status_code == 200
        page.clock.fast_forward(POLL)
        expect(page.locator("#lead .mark")).to_contain_text("Reached out")
    assert rows(SignedInSession)[0].last_seen_at == session.last_seen_at


def test_of_two_who_act_at_once_the_second_sees_what_the_first_did(desk_of, lead, amara, max_, rows):
    hers, his = (desk_of(one, f"/desk/leads/{lead.id}") for one in (amara, max_))
    his.get_by_text("Hand it over").click()
    his.get_by_label("To", exact=True).select_option("Max Manager")
    hers.get_by_role("button", name="I reached out").click()
    expect(hers.locator("#lead .mark")).to_contain_text("Reached out")
    his.get_by_role("button", name="Hand over").click()
    expect(his.locator("#notices")).to_contain_text("A colleague changed this lead meanwhile")
    expect(his.locator("#lead .mark")).to_contain_text("Reached out")
    assert rows(Lead)[0].assignee_id == amara.id


def test_an_open_page_shows_what_a_colleague_does(desk_of, browser, lead, amara, max_):
    page, queue = desk_of(amara, f"/desk/leads/{lead.id}"), desk_of(amara)
    frame = page.locator("iframe").element_handle()
    manager = browser().sign_in(max_)
    assert manager.patch(f"/internal/leads/{lead.id}", json={"status": "REACHED_OUT"}).status_code == 200
    for one in (page, queue):
        one.clock.fast_forward(POLL)
    expect(page.locator("#lead .mark")).to_contain_text("Reached out")
    expect(page.locator("#story")).to_contain_text("reached out")
    expect(page.locator("#notices")).to_contain_text("This lead was changed just now.")
    assert frame.evaluate("one => one.isConnected"), "the resume one reads is not loaded anew"
    expect(queue.locator(".lead .mark")).to_have_text("Reached out")


def test_what_one_types_is_not_swept_away(desk_of, browser, lead, amara, max_):
    page = desk_of(amara, f"/desk/leads/{lead.id}")
    page.get_by_text("Decline it").click()
    page.get_by_label("Why?").fill("A conflict of")
    manager = browser().sign_in(max_)
    assert manager.patch(f"/internal/leads/{lead.id}", json={"status": "REACHED_OUT"}).status_code == 200
    page.clock.fast_forward(POLL)
    expect(page.locator("#notices")).to_contain_text("This lead changed meanwhile")
    expect(page.get_by_label("Why?")).to_have_value("A conflict of")


def test_a_page_whose_session_ended_says_so(desk_of, app, lead, amara):
    page = desk_of(amara, expected=("Response Status Error Code 401",))
    expect(page.locator("#signed-out")).to_be_hidden()
    with app.app_context(), transaction():
        db.session.execute(db.update(SignedInSession).values(created_at=now() - timedelta(days=2)))
    page.clock.fast_forward(POLL)
    expect(page.locator("#signed-out")).to_be_visible()
    page.get_by_role("link", name="Sign in again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_one_finds_while_typing_and_the_address_says_what(desk_of, given, lead, amara):
    given(LeadFactory, first_name="Zoë", last_name="Zimmer")
    page = desk_of(amara)
    expect(page.locator(".lead")).to_have_count(2)
    page.get_by_label("Search").press_sequentially("zimm")
    expect(page.locator(".lead .name")).to_have_text(["Zoë Zimmer"])
    expect(page).to_have_url(re.compile(r"/desk\?q=zimm$"))
    page.get_by_label("Search").fill("nobody at all")
    expect(page.locator(".empty")).to_contain_text("No lead fits")
    page.go_back()
    expect(page.locator(".lead .name")).to_have_text(["Zoë Zimmer"])


def test_the_keyboard_alone_is_enough(visitor, site, lead, amara, rows):
    page = visitor()
    page.clock.install()
    page.goto(f"{site}/desk")
    page.keyboard.type(amara.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Leads")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Jane Doe")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Jane Doe")
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.press("u")
    expect(page.locator("#notices")).to_contain_text("Taken back")
    page.keyboard.press("r")
    expect(page.locator("#notices")).to_contain_text("Recorded")
    assert status_of(rows) is LeadStatus.REACHED_OUT
    page.keyboard.press("q")
    expect(page.get_by_role("heading", level=1)).to_have_text("Leads")
    page.keyboard.press("/")
    expect(page.get_by_label("Search")).to_be_focused()


def test_without_single_keys_tab_and_enter_do_it_too(desk_of, lead, amara, rows):
    page = desk_of(amara)
    page.keyboard.press("?")
    page.get_by_label("Single keys do this").press("Space")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.get_by_role("link", name="Jane Doe")).not_to_be_focused()
    tab_to(page, "Jane Doe")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Jane Doe")
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    tab_to(page, "I reached out")
    page.keyboard.press("Enter")
    page.clock.fast_forward(POLL)
    expect(page.locator("#notices")).to_contain_text("Recorded")


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what says `words` has the focus."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == words:
            return
    raise AssertionError(f"Tab never comes to {words}")


@pytest.mark.parametrize(("scheme", "width"), FORMS)
def test_nothing_is_wrong_with_any_page(desk_of, visitor, site, given, lead, amara, ada, scheme, width):
    given(NotificationFactory, "failed", lead_id=lead.id)
    held = given(LeadFactory, "quarantined", last_name="W" * 100)
    worked = given(
        LeadFactory,
        "reached_out",
        last_name="W" * 100,
        assigned_to=amara,
        reached_at=now(),
        outcome="not_our_field",
        outcome_note="W" * 100,
        outcome_at=now(),
        follow_up_at=now(),
        tags=["W" * 40, "vip"],
    )
    look = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    page = visitor(**look)
    found = []
    for path in ("/desk/sign-in", "/desk/forgotten"):
        page.goto(site + path)
        found += [f"{path}: {one}" for one in violations(page)]
    page = desk_of(ada, **look)
    leads = (f"/leads/{one.id}" for one in (lead, held, worked))
    rooms = ("absences", "report", "quarantine", "messages", "people", "deleted", "account")
    rooms += tuple(f"leads/{lead.id}/{part}" for part in ("screens", "explanation", "proof", "resume/text"))
    for path in ("", "?q=nothing", "?sort=none", *leads, *(f"/{room}" for room in rooms)):
        page.goto(f"{site}/desk{path}")
        for details in page.locator("details").all():
            details.evaluate("details => { details.open = true; }")
        found += [f"{path}: {one}" for one in violations(page)]
        found += [f"{path}: wider than the window"] if scrolls_sideways(page) else []
    page.goto(f"{site}/desk")
    page.keyboard.press("?")
    found += [f"shortcuts: {one}" for one in violations(page)]
    page.goto(f"{site}/desk/account")
    page.get_by_role("button", name="Set up an app").click()
    found += [f"app: {one}" for one in violations(page)]
    secret = page.locator("pre").text_content()
    page.get_by_label("The code it shows now").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Use it from now on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Keep these recovery codes")
    found += [f"recovery codes: {one}" for one in violations(page)]
    assert found == []


@pytest.mark.parametrize(("scheme", "width"), FORMS)
def test_nothing_is_wrong_with_the_page_before_there_is_anybody(visitor, site, scheme, width):
    page = visitor(color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto(f"{site}/desk")
    expect(page.get_by_role("code")).to_contain_text("flask users add")
    assert violations(page) == []
    assert not scrolls_sideways(page)


def test_on_a_phone_the_leads_come_before_the_filters(desk_of, site, lead, amara):
    page = desk_of(amara, viewport={"width": NARROW, "height": 640})
    expect(page.get_by_role("link", name="Jane Doe")).to_be_in_viewport()
    expect(page.get_by_label("State")).to_be_hidden()
    page.get_by_text("Filter and order").click()
    page.get_by_label("State").select_option("Reached out")
    expect(page.locator(".lead")).to_have_count(0)
    page.goto(f"{site}/desk?status=REACHED_OUT")
    expect(page.get_by_label("State")).to_be_visible()


def test_the_list_is_light(desk_of, given, lead, amara):
    for number in range(40):
        given(LeadFactory, first_name=f"Jane Anne {number}", assigned_to=amara if number % 2 else None)
    page = desk_of(amara)
    session = page.context.new_cdp_session(page)
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.reload(wait_until="networkidle")
    expect(page.locator(".lead")).to_have_count(10 + 5)
    assert len(received) >= 3
    assert sum(received) <= MAX_BYTES


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_one_walks_from_lead_to_lead_and_back_to_the_same_place(desk_of, given, amara, bruno, scripts):
    for number in range(30):
        given(LeadFactory, first_name="Jane", last_name=f"{number:02}", assigned_to=bruno)
    settings = {"viewport": {"width": 1280, "height": 500}, "java_script_enabled": scripts}
    page = desk_of(amara, "/desk?sort=last_name&status=PENDING", **settings)
    heading = page.get_by_role("heading", level=1)
    page.get_by_role("link", name="Jane 19").click()
    for key, words, name in (
        ("j", "Next lead", "20"),
        ("j", "Next lead", "21"),
        ("k", "Previous lead", "20"),
    ):
        if scripts:
            page.wait_for_load_state()  # till then nobody listens to keys
            page.keyboard.press(key)
        else:
            page.get_by_role("link", name=words).click()
        expect(heading).to_have_text(f"Jane {name}")
    page.get_by_role("link", name="Back to the leads").click()
    expect(page.get_by_label("State")).to_have_value("PENDING")
    expect(page.get_by_role("link", name="Jane 20")).to_be_in_viewport()
    expect(page.get_by_role("link", name="Jane 00")).not_to_be_in_viewport()
