"""One lead on a page: everything about it, and the acts."""

from __future__ import annotations

from datetime import timedelta
from itertools import takewhile

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.core.clock import now
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.status import LeadStatus
from leadintake.notifications.models import Notification
from tests.factories import (
    AbsenceFactory,
    DocumentFactory,
    LeadFactory,
    NotificationFactory,
    ScreenFactory,
    UserFactory,
)
from tests.support.html import Page
from tests.support.outbox import alerted

WORK = {
    "Record the contact", "Save the note", "Save the outcome", "Save the next step", "Save the tags",
    "Tomorrow 9:00", "In 3 days", "Next Monday",
}  # fmt: skip


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, first_name="Jane", last_name="Doe", email="jane@example.com", assigned_to=amara)


def page_of(client, lead) -> Page:
    answer = client.get(f"/desk/leads/{lead.id}")
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.mistakes == []
    return page


def do(client, lead, act: str, **typed: object):
    """Send the form of an act as the page does, and follow it."""
    data = {"version": lead.version, **typed}
    return client.post(f"/desk/leads/{lead.id}/{act}", data=data, follow_redirects=True)


def buttons(page: Page) -> set[str]:
    return {one.text for one in page.all("button")} - {"Sign out", "Close", "Keyboard shortcuts"}


def options_of(page: Page, select: str) -> list[str]:
    """What a select offers."""
    later = page.elements[page.elements.index(page.by_id(select)) + 1 :]
    return [one.text for one in takewhile(lambda one: one.tag == "option", later)]


def test_the_page_tells_everything(browser, given, amara, lead):
    given(NotificationFactory, "sent", lead_id=lead.id, recipient=amara.email)
    given(NotificationFactory, "failed", lead_id=lead.id, kind="prospect_confirmation", recipient=lead.email)
    other = given(LeadFactory, email="jane@example.com")
    client = browser().sign_in(amara)
    client.post(f"/internal/leads/{other.id}/decline", json={"reason": "x"})
    page = page_of(client, lead)
    assigned = ("For the test.", "Amara Attorney (you)", "A new lead is waiting for you", amara.email)
    for told in (
        "Jane Doe",
        lead.email,
        lead.reference,
        str(lead.id),
        "resume.pdf",
        "550 no such user",
        *assigned,
    ):
        assert told in page.by_id("main").text, told
    assert f"/desk/leads/{other.id}" in [link["href"] for link in page.all("a")]
    assert [frame["src"] for frame in page.all("iframe")] == [
        f"/internal/leads/{lead.id}/resume?inline=1#navpanes=0&view=FitH"
    ]
    assert (
        client.get(page.all("iframe")[0]["src"].partition("#")[0])
        .headers["Content-Disposition"]
        .startswith("inline")
    )


def test_reading_is_on_record_once(browser, amara, lead, rows):
    client = browser().sign_in(amara)
    before = len(rows(AuditEntry))
    page_of(client, lead)
    (entry,) = rows(AuditEntry)[before:]
    assert (entry.action, entry.subject_id, entry.actor_id) == ("lead.read", lead.id, amara.id)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("amara", {"I reached out", "Decline", *WORK}),
        ("bruno", {"Save the note"}),
        ("max_", {"Mark as reached out for Amara Attorney", "Hand over", "Delete", *WORK}),
        ("viewer", set()),
    ],
)
def test_the_page_offers_what_one_may_do(browser, given, request, lead, who, expected):
    user = given(UserFactory, "viewer") if who == "viewer" else request.getfixturevalue(who)
    assert buttons(page_of(browser().sign_in(user), lead)) == expected


def test_one_reaches_out_and_it_is_in_the_history(browser, amara, lead, rows):
    client = browser().sign_in(amara)
    answer = do(client, lead, "reached-out")
    assert "Recorded: you reached out." in answer.text
    assert rows(Lead)[0].status is LeadStatus.REACHED_OUT
    assert [(one.actor, one.action) for one in rows(LeadEvent)] == [(amara.email, "reached_out")]
    assert buttons(Page(answer.text)) == {"Undo “reached out”", *WORK}
    assert "Taken back: this prospect waits again." in do(client, rows(Lead)[0], "reopen").text
    assert rows(Lead)[0].status is LeadStatus.PENDING


def test_a_second_click_is_no_colleague_s_act(browser, amara, lead, rows):
    client = browser().sign_in(amara)
    do(client, lead, "reached-out")
    again = do(client, lead, "reached-out")  # of the same page
    assert "You changed this lead already." in again.text
    assert "colleague" not in again.text
    assert [event.action for event in rows(LeadEvent)] == ["reached_out"]


def test_a_free_lead_is_taken(browser, given, bruno, rows):
    lead = given(LeadFactory)
    client = browser().sign_in(bruno)
    assert "Take it" in buttons(page_of(client, lead))
    assert "It is yours." in do(client, lead, "take").text
    assert rows(Lead)[0].assignee_id == bruno.id


def test_declining_needs_a_reason_and_leads_on(browser, amara, bruno, lead, rows):
    client = browser().sign_in(amara)
    refused = do(client, lead, "decline", reason=" ")
    assert "This field is required" in refused.text
    assert rows(Lead)[0].assignee_id == amara.id
    assert "went to the next" in do(client, lead, "decline", reason="A conflict.").text
    assert rows(Lead)[0].assignee_id == bruno.id
    assert alerted(rows) == [(bruno.email, lead.id)]


def test_a_manager_hands_over_to_those_who_can_take_it(browser, given, amara, bruno, max_, lead, rows, app):
    away, barred = given(UserFactory, name="Away"), given(UserFactory, name="Barred")
    given(UserFactory, "inactive", name="Gone")
    given(UserFactory, "viewer", name="Viewer")
    given(AbsenceFactory, user=away, first_day=now().date())
    given(ScreenFactory, lead_id=lead.id, user=barred)
    client = browser().sign_in(max_)
    page = page_of(client, lead)
    assert options_of(page, "user_id") == [
        "Nobody",
        "Amara Attorney",
        "Bruno Attorney",
        "Max Manager",
    ]
    assert page.chosen("user_id") == str(amara.id)
    assert "It is with Bruno Attorney now." in do(client, lead, "assign", user_id=str(bruno.id)).text
    assert rows(Lead)[0].assignee_id == bruno.id
    lead = rows(Lead)[0]
    assert "Choose somebody who is active" in do(client, lead, "assign", user_id=str(away.id)).text
    assert "It is with nobody now." in do(client, lead, "assign", user_id="").text


def test_what_a_page_asks_for_by_itself_uses_no_notice_up(browser, amara, lead):
    client = browser().sign_in(amara)
    client.post(f"/desk/leads/{lead.id}/reached-out")
    address = f"/desk/leads/{lead.id}"
    assert "Recorded" not in client.get(address, headers={"HX-Request": "true"}).text
    assert "Recorded" in client.get(address).text
    assert "Recorded" not in client.get(address).text


@pytest.mark.every_engine
def test_of_two_who_act_at_once_the_second_is_shown_what_the_first_did(
    browser, given, amara, max_, lead, rows
):
    first, second = browser().sign_in(amara), browser().sign_in(max_)
    assert do(first, lead, "reached-out").status_code == 200
    late = do(second, lead, "assign", user_id="")
    assert "A colleague changed this lead meanwhile" in late.text
    assert "Reached out" in Page(late.text).by_id("main").text
    assert rows(Lead)[0].assignee_id == amara.id


def test_what_was_refused_has_changed_nothing(browser, bruno, lead, rows):
    answer = do(browser().sign_in(bruno), lead, "reached-out")
    assert "somebody else" in answer.text
    assert rows(Lead)[0].status is LeadStatus.PENDING
    assert rows(LeadEvent) == []
    assert rows(Notification) == []


def test_a_file_that_is_no_pdf_is_offered_and_not_shown(browser, given, amara):
    text = given(DocumentFactory, filename="履歴書.txt", content_type="text/plain")
    lead = given(LeadFactory, resume_id=text.id, resume=text, assigned_to=amara)
    page = page_of(browser().sign_in(amara), lead)
    assert page.all("iframe") == []
    assert "履歴書.txt" in page.by_id("main").text


def test_the_page_asks_whether_it_is_out_of_date(browser, amara, lead, rows):
    client = browser().sign_in(amara)
    pulse = client.get(f"/desk/leads/{lead.id}/pulse")
    tag = {"If-None-Match": pulse.headers["ETag"]}
    before = len(rows(AuditEntry))
    unchanged = client.get(f"/desk/leads/{lead.id}/pulse", headers=tag)
    assert (unchanged.status_code, unchanged.headers.get("HX-Trigger")) == (304, None)
    assert len(rows(AuditEntry)) == before
    do(client, lead, "reached-out")
    changed = client.get(f"/desk/leads/{lead.id}/pulse", headers=tag)
    assert (changed.status_code, changed.headers["HX-Trigger"]) == (200, "lead-changed")


def test_the_alert_leads_to_the_page(client, browser, given, amara, rows):
    client.submit()
    alert = next(one for one in rows(Notification) if one.kind == "attorney_alert")
    address = f"/desk/leads/{rows(Lead)[0].id}"
    assert address in alert.text
    assert address in alert.html
    assert browser().sign_in(amara).get(address).status_code == 200


def test_a_lead_with_an_outcome_does_not_wait(browser, given, amara):
    lead = given(LeadFactory, assigned_to=amara, outcome="not_our_field", outcome_at=now())
    page = page_of(browser().sign_in(amara), lead)
    marks = [one.text for one in page.all("span") if "mark" in one["class"].split()]
    assert marks == ["Not our field"]
    (button,) = [one for one in page.all("button") if one["data-key"] == "r"]
    assert (button.text, button["class"]) == ("I reached out", "secondary")


def test_a_next_step_that_is_due_is_said_at_the_top(browser, given, amara):
    lead = given(LeadFactory, assigned_to=amara, follow_up_at=now() - timedelta(hours=1))
    top = page_of(browser().sign_in(amara), lead).by_id("lead").text.partition("Reference")[0]
    assert "Next step" in top
    assert "due" in top
