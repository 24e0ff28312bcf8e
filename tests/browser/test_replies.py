"""From the alert's link to the answer, on a phone: how many taps and how long."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Page, expect

from leadintake.leads.replies import service
from leadintake.leads.replies.models import Reply
from leadintake.notifications.models import Notification, Status
from tests.browser.test_desk import desk_of
from tests.support.browser import FORMS, NARROW, scrolls_sideways, violations
from tests.support.outbox import deliver

__all__ = ["desk_of"]
PHONE = {"viewport": {"width": NARROW, "height": 740}, "has_touch": True}
MAX_TAPS, MAX_SECONDS = 4, 40


@pytest.fixture
def lead(client, amara):
    return client.submit(language="es").json["id"]


def link_in_alert(rows) -> str:
    """The path that the alert's button opens."""
    (alert,) = [message for message in rows(Notification) if message.kind == "attorney_alert"]
    found = re.search(r"https?://[^/\s]+(/desk/leads/\S+)", alert.text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("with_script", [True, False])
def test_alert_to_answer_takes_four_taps_on_a_phone(
    desk_of, site, lead, amara, rows, app, monkeypatch, with_script
):
    monkeypatch.setattr(service, "UNDO_SECONDS", 0)  # nobody waits for it: it leaves by itself
    page = desk_of(amara, "/desk", java_script_enabled=with_script, **PHONE)
    start, taps = time.monotonic(), 1
    page.goto(f"{site}{link_in_alert(rows)}")
    for role, name in (("button", "Reply"), ("button", "Primer contacto"), ("button", "Send")):
        page.get_by_role(role, name=name, exact=True).tap()
        taps += 1
    expect(page.get_by_role("heading", level=1)).to_have_text("Jane Doe")
    expect(page.locator("#held")).to_contain_text("Su consulta")
    assert taps <= MAX_TAPS
    assert time.monotonic() - start < MAX_SECONDS
    deliver(app)
    (reply,) = [message for message in rows(Notification) if message.kind == "reply"]
    assert reply.status is Status.SENT
    assert len(rows(Reply)) == 1


def test_undo_is_in_reach_and_the_notice_follows(desk_of, lead, amara, rows):
    page = desk_of(amara, f"/desk/leads/{lead}/replies", **PHONE)
    page.get_by_label("Subject").fill("A call")
    page.get_by_label("Text").fill("May I?")
    page.get_by_role("button", name="Send", exact=True).tap()
    expect(page.locator("#held")).to_contain_text("Sent in ten seconds: A call")
    assert scrolls_sideways(page) is False
    page.locator("#held").get_by_role("button").tap()
    expect(page.locator("#notices")).to_contain_text("nothing was sent")
    expect(page.locator("#held")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width"), FORMS)
def test_its_pages_are_accessible_in_both_schemes(desk_of, lead, max_, site, scheme, width):
    view = {"width": width, "height": 740}
    page = desk_of(max_, f"/desk/leads/{lead}/replies", viewport=view, color_scheme=scheme)
    found = look_at(page)
    page.get_by_role("button", name="Primer contacto").click()
    found += look_at(page)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#held")).to_be_visible()
    found += look_at(page)
    for path in ("", "/new"):
        page.goto(f"{site}/desk/replies/templates{path}")
        found += look_at(page)
    page.get_by_label("Name").fill("Fees")
    page.get_by_label("Subject").fill("Fees, {reference}")
    page.get_by_label("Text").fill("Dear {first_name}, {frist_name}")
    page.get_by_role("button", name="Preview").click()
    found += look_at(page)
    page.get_by_label("Text").fill("Dear {first_name},")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("Dear Jane,")).to_be_visible()
    assert found + look_at(page) == []


def look_at(page: Page) -> list[str]:
    sideways = [f"{page.url} scrolls sideways"] if scrolls_sideways(page) else []
    return [f"{page.url}: {one}" for one in violations(page)] + sideways
