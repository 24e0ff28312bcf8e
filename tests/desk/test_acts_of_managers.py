"""What only managers do with one lead: delete and restore it, hide it from somebody, and ask why."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.core.clock import now
from leadintake.leads.models import Lead, Screen
from leadintake.leads.status import LeadStatus
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.html import Page


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, first_name="Jane", last_name="Doe", email="jane@example.com", assigned_to=amara)


@pytest.fixture
def manager(browser, max_):
    return browser().sign_in(max_)


def read(answer) -> Page:
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.mistakes == []
    return page


def form_of(page: Page, end: str) -> str:
    """The address of the only form that ends so."""
    (found,) = {one["action"] for one in page.all("form") if one["action"].partition("?")[0].endswith(end)}
    return found


def delete(client, lead):
    page = read(client.get(f"/desk/leads/{lead.id}?list=status%3DPENDING"))
    version = page.inputs()["version"]["value"]
    return client.post(form_of(page, "/delete"), data={"version": version})


@pytest.mark.every_engine
def test_a_lead_is_deleted_listed_apart_and_restored(manager, lead, max_, rows):
    answer = delete(manager, lead)
    assert answer.location == "/desk?status=PENDING"
    page = read(manager.get(answer.location))
    assert "It is deleted." in page.by_id("notices").text
    assert "Jane Doe" not in page.by_id("queue").text
    assert manager.get(f"/desk/leads/{lead.id}").status_code == 404
    (link,) = [one["href"] for one in page.all("a") if one.text == "Deleted leads"]
    deleted = read(manager.get(link))
    for told in ("Jane Doe", lead.reference, f"deleted just now by {max_.name}"):
        assert told in deleted.by_id("main").text
    restored = manager.post(form_of(deleted, "/restore"), follow_redirects=True)
    assert "It is restored." in restored.text
    assert "Nothing is deleted." in manager.get(link).text
    acts = [one.action for one in rows(AuditEntry) if one.subject_id == lead.id]
    assert [act for act in acts if act != "lead.read"] == ["lead.deleted", "lead.restored"]


def test_the_question_comes_before_the_act(manager, lead):
    page = read(manager.get(f"/desk/leads/{lead.id}"))
    button = next(one for one in page.all("button") if one.text == "Delete")
    assert "details" in button.around


def test_who_deletes_an_outdated_page_is_shown_the_lead_as_it_is(manager, lead, rows):
    data = {"version": lead.version + 1}
    answer = manager.post(f"/desk/leads/{lead.id}/delete", data=data, follow_redirects=True)
    assert "Here is how it is now." in answer.text
    assert rows(Lead)[0].deleted_at is None


def test_a_lead_that_was_deleted_twice_is_listed_once(manager, lead):
    delete(manager, lead)
    with time_machine.travel(now() + timedelta(minutes=5)):
        manager.post(f"/desk/deleted/{lead.id}/restore")
    with time_machine.travel(now() + timedelta(minutes=10)):
        delete(manager, lead)
        assert manager.get("/desk/deleted").text.count("Jane Doe</bdi>,") == 1


def test_what_was_discarded_from_quarantine_is_listed_and_goes_back_there(manager, given, max_, rows):
    spam = given(LeadFactory, "quarantined", first_name="Spam", last_name="Bot")
    assert manager.post(f"/desk/quarantine/{spam.id}/discard").location == "/desk/quarantine"
    deleted = read(manager.get("/desk/deleted"))
    for told in ("Spam Bot", spam.reference, f"discarded from quarantine just now by {max_.name}"):
        assert told in deleted.by_id("main").text
    restored = manager.post(form_of(deleted, "/restore"), follow_redirects=True)
    assert "It is in quarantine again." in restored.text
    assert "Spam Bot" in manager.get("/desk/quarantine").text
    assert "Nothing is deleted." in manager.get("/desk/deleted").text
    (lead,) = rows(Lead)
    assert (lead.deleted_at, lead.in_quarantine, lead.assignee_id) == (None, True, None)


def test_of_a_discarded_submission_the_screened_manager_knows_nothing(browser, manager, given):
    spam, other = given(LeadFactory, "quarantined"), given(UserFactory, "manager")
    given(ScreenFactory, lead_id=spam.id, user=other)
    manager.post(f"/desk/quarantine/{spam.id}/discard")
    client = browser().sign_in(other)
    assert "Nothing is deleted." in client.get("/desk/deleted").text
    assert client.post(f"/desk/deleted/{spam.id}/restore").status_code == 404


def test_deleted_leads_are_paged(manager, given):
    for number in range(26):
        lead = given(LeadFactory, last_name=f"{number:02}")
        with time_machine.travel(now() + timedelta(minutes=number)):
            delete(manager, lead)
    page = read(manager.get("/desk/deleted"))
    (more,) = [one["href"] for one in page.all("a") if one["rel"] == "next"]
    assert " 25," in page.by_id("main").text
    assert " 00," not in page.by_id("main").text
    assert " 00," in read(manager.get(more)).by_id("main").text


def test_of_a_deleted_lead_the_screened_manager_knows_nothing(browser, manager, given, lead):
    other = given(UserFactory, "manager")
    given(ScreenFactory, lead_id=lead.id, user=other)
    delete(manager, lead)
    client = browser().sign_in(other)
    assert "Nothing is deleted." in client.get("/desk/deleted").text
    assert client.post(f"/desk/deleted/{lead.id}/restore").status_code == 404


def test_attorneys_see_neither_link_nor_act(browser, amara, lead):
    page = read(browser().sign_in(amara).get(f"/desk/leads/{lead.id}"))
    for words in ("Delete it", "Ethical wall", "Why this attorney?"):
        assert words not in page.source


class TestEthicalWall:
    """The page that hides a lead from somebody."""

    def test_somebody_is_barred_with_a_reason_and_let_in_again(
        self, manager, browser, given, lead, amara, rows
    ):
        given(UserFactory)  # who gets it next
        page = read(manager.get(f"/desk/leads/{lead.id}?list=sort%3Demail"))
        (link,) = [one["href"] for one in page.all("a") if one.text == "Ethical wall"]
        page = read(manager.get(link))
        assert "It is hidden from nobody." in page.by_id("main").text
        typed = {"user_id": amara.id, "notice": "Her <sister>."}
        page = read(manager.post(form_of(page, "/screens"), data=typed, follow_redirects=True))
        assert f"For {amara.name} this lead does not exist any more." in page.by_id("notices").text
        assert "Her <sister>." in page.by_id("main").text
        assert rows(Lead)[0].assignee_id != amara.id
        assert browser().sign_in(amara).get(f"/desk/leads/{lead.id}").status_code == 404
        lift = form_of(page, "/lift")
        page = read(manager.post(lift, follow_redirects=True))
        assert "may know of this lead again" in page.by_id("notices").text
        assert rows(Screen) == []
        assert "is screened from this lead" in manager.post(lift, follow_redirects=True).text
        (back,) = [one["href"] for one in page.all("a") if one.text == "Back to the lead"]
        assert back == f"/desk/leads/{lead.id}?list=sort%3Demail"

    def test_what_was_typed_stays_where_something_is_missing(self, manager, lead, rows):
        answer = manager.post(f"/desk/leads/{lead.id}/screens", data={"notice": "Her sister."})
        assert answer.status_code == 422
        assert "Her sister." in Page(answer.text).by_id("notice").text
        assert rows(Screen) == []

    def test_who_bars_themselves_is_led_to_the_list(self, manager, lead, max_):
        typed = {"user_id": max_.id, "notice": "My sister."}
        assert manager.post(f"/desk/leads/{lead.id}/screens", data=typed).location == "/desk"

    def test_reading_it_is_on_record(self, manager, lead, rows):
        manager.get(f"/desk/leads/{lead.id}/screens")
        assert [one.action for one in rows(AuditEntry)][-1] == "lead.screens_read"


def test_why_this_attorney_tells_every_decision_and_everybody_it_was_between(
    manager, client, given, amara, browser
):
    given(UserFactory, "busy", name="Chiara")
    given(UserFactory, name="Dan")
    lead = client.submit().json["id"]
    page = read(manager.get(f"/desk/leads/{lead}"))
    (link,) = [one["href"] for one in page.all("a") if one.text == "Why this attorney?"]
    told = read(manager.get(link)).by_id("main").text
    for words in ("It came", "chosen", "eligible", "Chiara: takes no new leads", "0 open"):
        assert words in told, words
    manager.post(f"/desk/leads/{lead}/assign", data={"user_id": amara.id})
    manager.post(f"/desk/leads/{lead}/assign", data={"user_id": ""})
    assert "A person decided" in manager.get(link).text


def test_a_lead_from_before_decisions_were_kept_has_its_reason(manager, lead, rows):
    assert rows(Lead)[0].status is LeadStatus.PENDING
    told = read(manager.get(f"/desk/leads/{lead.id}/explanation")).by_id("main").text
    assert "No decision is on record." in told
    assert lead.assignment_reason in told
