"""Every page a prospect or an invited person meets, in light and dark, on a phone and on a desk."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from leadintake.core import chores
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.browser import FORMS, NARROW, fill_in, scrolls_sideways, send, violations
from tests.support.links import link_in

SOME_ID = "0190f0c1-7b1e-7c3a-9d2e-0123456789ab"
LONG = "x" * 100
SMALLEST = 44
SIZES = """() => [...document.querySelectorAll("button, input, select, nav a, a.step")]
    .filter(one => one.checkVisibility() && one.type !== "hidden")
    .map(one => [one.outerHTML, one.getBoundingClientRect().height])"""


@pytest.fixture
def settings():
    return {"FIRM_NAME": "Haddad, Söhne & Partner Rechtsanwaltsgesellschaft", "ASK_PHONE": "optional"}


@pytest.fixture
def account(app, client, given, rows) -> str:
    """Where the link in a mail about a password leads."""
    given(UserFactory, email="amara@firm.example.com")
    client.post("/internal/password/forgotten", json={"email": "amara@firm.example.com"})
    with app.app_context():
        chores.run_worker_ticks(app)
    return link_in(app, rows(Notification)[0])


@pytest.fixture
def notice(client, rows) -> str:
    """Where the link in a confirmation leads."""
    client.submit()
    (confirmation,) = [one for one in rows(Notification) if one.recipient == "jane@example.com"]
    return f"/unsubscribe/{confirmation.id}"


def with_mistakes(page) -> None:
    """Send a form in which much is wrong."""
    fill_in(page, {"name": f"{LONG}.exe", "mimeType": "x/y", "buffer": b"x"}, first_name="", email=LONG)
    send(page)
    expect(page.locator("#email-error")).to_be_visible()


def with_a_slip(page) -> None:
    """Leave the field of the address with a slip in it."""
    page.locator("#email").fill(f"{LONG[:60]}@gmial.com")
    page.locator("#email").blur()
    expect(page.locator(".question button")).to_be_visible()


def while_sending(page) -> None:
    """Show what is shown while a file is on its way, and then not."""
    page.evaluate("document.getElementById('sending').hidden = false")


def with_different_passwords(page) -> None:
    """Choose two."""
    page.locator("#password").fill("one")
    page.locator("[type=submit]").click()
    expect(page.locator("#password-error")).to_be_visible()


def pressed(page) -> None:
    """Press the only button."""
    page.locator("[type=submit]").click()
    expect(page.locator("h1")).to_have_text("Done")


def with_routes(page) -> None:
    """Wait for the list of routes, which a script writes."""
    expect(page.locator(".opblock").first).to_be_visible()


def hold_up(page) -> None:
    """Ask the page that is open for everything that was promised."""
    assert violations(page) == []
    assert not scrolls_sideways(page)
    assert [one for one, height in page.evaluate(SIZES) if height < SMALLEST] == []


@pytest.fixture
def thanks(client) -> str:
    """The thank-you page of somebody who mistyped their address."""
    address: str = client.submit(accept="text/html", email="jane@gmial.com").headers["Location"]
    return address


def refused(page) -> None:
    """Correct the address to what is none."""
    page.locator("#email").fill(LONG)
    page.locator("[type=submit]").click()
    expect(page.locator("#email-error")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), FORMS)
def test_every_page_is_usable_by_everybody(site, visitor, account, notice, thanks, scheme, width):
    page = visitor(color_scheme=scheme, viewport={"width": width, "height": 800})
    for path, then in (
        ("/", None),
        ("/", with_mistakes),
        ("/", while_sending),
        ("/", with_a_slip),
        ("/?lang=es", with_mistakes),
        (f"/thanks/{SOME_ID}", None),
        (thanks, None),
        (f"{thanks}/email", None),
        (f"{thanks}/email", refused),
        ("/nothing/here", None),
        (notice, None),
        (notice, pressed),
        (account, None),
        (account, with_different_passwords),
        ("/docs", with_routes),
    ):
        page.goto(site + path)
        if then is not None:
            then(page)
        hold_up(page)


def test_without_a_script_the_messages_are_usable_by_everybody_too(site, visitor):
    # axe is a script itself: the page of the server's messages is asked for by a form that no script stops.
    page = visitor(viewport={"width": NARROW, "height": 800})
    page.goto(site)
    page.evaluate("document.querySelector('form').submit()")
    expect(page.locator("#summary")).to_be_focused()
    hold_up(page)


@pytest.mark.parametrize("then", [None, with_mistakes, while_sending])
def test_a_page_written_from_right_to_left_fits_as_well(site, visitor, then):
    page = visitor(viewport={"width": NARROW, "height": 800})
    page.goto(site + "/?lang=es")
    page.evaluate("document.documentElement.dir = 'rtl'")
    if then is not None:
        then(page)
    hold_up(page)
    label, field = (page.locator(one).bounding_box() for one in ("label[for=email]", "#email"))
    assert label["x"] + label["width"] == pytest.approx(field["x"] + field["width"], abs=2)


def test_a_page_with_colours_forced_upon_it_and_without_motion_is_whole(site, visitor):
    page = visitor(forced_colors="active", reduced_motion="reduce")
    page.goto(site)
    with_mistakes(page)
    assert violations(page) == []
    moves = """() => [...document.querySelectorAll("body *")]
        .filter(one => getComputedStyle(one).transitionProperty !== "none").map(one => one.outerHTML)"""
    assert page.evaluate(moves) == []
