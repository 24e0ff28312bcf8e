"""Which mails somebody gets, and whether single keys act: chosen on the account's page."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.auth.models import User
from leadintake.auth.people.preferences import CHOICES
from leadintake.core import chores
from leadintake.core.clock import now
from leadintake.notifications.messages import SUBJECTS
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, NotificationFactory
from tests.support.html import Page

PATH = "/desk/account/preferences"


def kinds(rows) -> list[str]:
    return [mail.kind for mail in rows(Notification)]


def test_everything_is_on_at_first_and_what_is_chosen_is_there_again(browser, amara, rows):
    client = browser().sign_in(amara)
    fields = Page(client.get("/desk/account").text).inputs()
    boxes = ["email_corrected", "leads_moved", "follow_up_due", "single_keys"]
    assert all("checked" in fields[name].attributes for name in boxes)
    assert "quarantine_digest" not in fields, "attorneys get none"
    assert client.post(PATH, data={"leads_moved": "1"}).status_code == 303
    page = Page(client.get("/desk/account").text)
    assert page.mistakes == []
    assert ["checked" in page.inputs()[name].attributes for name in boxes] == [False, True, False, False]
    client.post(PATH, data={"leads_moved": "1"})
    assert [one.action for one in rows(AuditEntry)].count("user.preferences_changed") == 1


def test_the_page_names_the_mails_that_always_come(browser, amara):
    text = browser().sign_in(amara).get("/desk/account").text
    assert "a new lead, of one without an attorney or of a failed message, and mails about your" in text


def test_what_one_is_not_offered_stays_as_it_is(browser, amara, rows):
    client = browser().sign_in(amara)
    client.post(PATH, data={})
    assert rows(User)[0].muted_mails == "email_corrected follow_up_due leads_moved"
    client.post(PATH, data=dict.fromkeys(CHOICES, "1"))
    assert rows(User)[0].muted_mails is None


@pytest.mark.parametrize("data", [{"attorney_alert": ""}, {"attorney_alert": "1"}, {"leads_moved": "x"}])
def test_nothing_else_can_be_switched_off(browser, amara, data, rows):
    answer = browser().sign_in(amara).post(PATH, data=data, headers={"Accept": "text/html"})
    assert (answer.status_code == 303) == (data == {"attorney_alert": ""})
    assert "attorney_alert" not in (rows(User)[0].muted_mails or "")


def test_only_known_kinds_of_mail_can_be_switched_off():
    alerts = {"attorney_alert", "returning_alert", "unassigned_alert", "left_to_nobody", "delivery_failed"}
    assert CHOICES.keys() <= SUBJECTS.keys() - alerts - {"account_notice", "invitation", "password_reset"}


@pytest.mark.parametrize("chosen", [{"leads_moved": "1"}, {}])
def test_who_wants_no_mail_of_moved_leads_gets_none_and_the_alert_all_the_same(
    browser, given, amara, bruno, max_, rows, chosen
):
    lead = given(LeadFactory, assigned_to=amara)
    given(NotificationFactory, "sent", kind="attorney_alert", lead_id=lead.id, recipient=amara.email)
    for person in (amara, bruno):
        browser().sign_in(person).post(PATH, data=chosen)
    manager = browser().sign_in(max_)
    manager.put(f"/internal/leads/{lead.id}/assignee", json={"user_id": str(bruno.id)})
    expected = ["attorney_alert", "attorney_alert", *(["leads_moved"] if chosen else [])]
    assert kinds(rows) == expected


def test_a_manager_who_wants_no_digest_of_the_quarantine_gets_none(app, browser, given, max_, ada, rows):
    given(LeadFactory, "quarantined", quarantined_at=now() - timedelta(hours=2))
    browser().sign_in(max_).post(PATH, data={})
    with app.app_context():
        chores.run_worker_ticks(app)
    digests = [mail.recipient for mail in rows(Notification) if mail.kind == "quarantine_digest"]
    assert digests == [ada.email]
    with time_machine.travel(now() + timedelta(hours=1)), app.app_context():
        chores.run_worker_ticks(app)
    assert len([mail for mail in rows(Notification) if mail.kind == "quarantine_digest"]) == 1
