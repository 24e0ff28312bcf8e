"""The timeline of a lead's page, and the forms beside it: what is there, and what of it is lost (nothing)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from leadintake.core.clock import now
from leadintake.core.db import rows as plain
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.leads.conversation import LeadContact, LeadNote
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.status import LeadStatus
from leadintake.leads.timeline import service as timeline
from leadintake.notifications.models import DeliveryAttempt
from tests.desk.test_finishing import HERE, end_sessions, hidden, press, sign_in
from tests.factories import LeadFactory, NotificationFactory, UserFactory
from tests.support.html import Page
from tests.support.statements import statements

__all__ = ["end_sessions"]
CALL = {"channel": "phone", "outcome": "left_message", "note": "With her sister."}


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, first_name="Jane", last_name="Doe", assigned_to=amara)


@pytest.fixture
def mine(browser, amara):
    """The attorney's client."""
    return browser().sign_in(amara)


def page_of(client, lead, query: str = "") -> Page:
    answer = client.get(f"/desk/leads/{lead.id}{query}")
    assert answer.status_code == 200, answer.text
    page = Page(answer.text)
    assert page.mistakes == []
    return page


def entries(page: Page) -> list[str]:
    return [one.text for one in page.all("li") if one["id"].startswith("entry-")]


def send(client, lead, path: str, **typed: str):
    return client.post(f"/desk/leads/{lead.id}/{path}", data=typed)


@pytest.fixture
def story(app, given, mine, lead) -> None:
    """Something of every kind."""
    message = given(NotificationFactory, "sent", lead_id=lead.id, recipient="amara@firm.example.com")
    with app.app_context(), transaction():
        plain.insert(DeliveryAttempt, notification_id=message.id, outcome="sent", reply="250 queued as 4F2A")
    send(mine, lead, "notes", text="First line\nsecond <b>line</b>")
    send(mine, lead, "contacts", **CALL)


class TestTimeline:
    def test_it_has_everything_newest_first(self, mine, lead, story):
        found = entries(page_of(mine, lead))
        expected = ("reached out", "With her sister.", "second <b>line</b>", "250 queued as 4F2A")
        assert len(found) == len(expected)
        for entry, words in zip(found, expected, strict=True):
            assert words in entry
        assert "left a message" in found[1]

    @pytest.mark.parametrize(
        ("kind", "words"),
        [("notes", "second"), ("contacts", "sister"), ("mails", "250 queued"), ("changes", "reached out")],
    )
    def test_a_link_shows_one_kind(self, mine, lead, story, kind, words):
        page = page_of(mine, lead, f"?show={kind}")
        (entry,) = entries(page)
        assert words in entry
        (current,) = [one for one in page.all("a") if one["aria-current"] == "true"]
        assert current.text.lower() == kind
        assert f"show={kind}" in page.by_id("lead")["hx-get"]

    @pytest.mark.parametrize(
        "query", ["?show=x", "?entry=x", "?entry=99999999999999999.%s" % ("0" * 32), "?show="]
    )
    def test_what_is_no_address_of_it_shows_everything(self, mine, lead, story, query):
        assert len(entries(page_of(mine, lead, query))) == 4

    @pytest.mark.every_engine
    def test_of_hundreds_there_is_a_page_and_the_way_to_the_others(self, app, mine, lead, monkeypatch):
        monkeypatch.setattr(timeline, "PAGE", 4)
        start = now()
        with app.app_context(), transaction():
            for number in range(10):  # two at each moment
                at = start + timedelta(seconds=number // 2)
                if number % 3:
                    row = LeadNote(
                        author_id=lead.assignee_id, text=f"N{number}.", search_text="", created_at=at
                    )
                else:
                    row = LeadEvent(at=at, actor="system", action="flagged", detail=f"N{number}.")
                row.lead_id = lead.id
                db.session.add(row)
                db.session.flush()
        seen, query = [], ""
        for _ in range(3):
            page = page_of(mine, lead, query)
            seen += [re.search(r"N\d", entry)[0] for entry in entries(page)]
            older = [one["href"] for one in page.all("a") if one["rel"] == "next" and one.text == "Older"]
            query = f"?{older[0].partition('?')[2]}" if older else ""
        assert seen == [f"N{number}" for number in range(9, -1, -1)]
        assert query == ""

    def test_the_time_of_an_entry_leads_to_it_however_many_follow(self, mine, lead, monkeypatch):
        monkeypatch.setattr(timeline, "PAGE", 3)
        send(mine, lead, "notes", text="Number 0")
        (first,) = [one["href"] for one in page_of(mine, lead).all("a") if "entry=" in one["href"]]
        for number in range(1, 6):
            send(mine, lead, "notes", text=f"Number {number}")
        address, _, anchor = first.partition("#")
        page = Page(mine.get(address).text)
        assert "Number 0" in page.by_id(anchor).text
        assert "Back to the newest" in page.by_id("story").text

    def test_a_deleted_note_is_gone_and_that_it_was_is_there(self, mine, lead, rows):
        send(mine, lead, "notes", text="Pelican")
        note = rows(LeadNote)[0]
        answer = send(mine, lead, f"notes/{note.id}/delete", version="1")
        assert answer.status_code == 303
        (entry,) = entries(page_of(mine, lead))
        assert "deleted a note" in entry
        assert mine.get(f"/desk/leads/{lead.id}/notes/{note.id}").status_code == 404

    def test_it_costs_as_many_statements_with_many_entries_as_with_few(self, app, mine, lead, story):
        page_of(mine, lead)  # the first look at what is new is stored
        with statements(app) as few:
            page_of(mine, lead)
        for number in range(5):
            send(mine, lead, "notes", text=f"Number {number}")
        page_of(mine, lead)
        with statements(app) as many:
            page_of(mine, lead)
        assert len(many) == len(few)

    def test_changes_are_told_in_words_and_in_the_readers_time(self, mine, lead):
        mine.post("/desk/account/time-zone", data={"timezone": "America/New_York"})
        send(mine, lead, "outcome", outcome="not_our_field", note="Tax: not ours.")
        send(mine, lead, "follow-up", at="2026-12-30T09:00", note="Ring: again.")
        send(mine, lead, "outcome", take_back="1")
        send(mine, lead, "contacts", **CALL)
        told = " ".join(entries(page_of(mine, lead)))
        for words in (
            "set the outcome: Not our field: Tax: not ours.",
            "took the outcome back: Not our field",
            "set the next step: 30 Dec 2026, 09:00: Ring: again.",
        ):
            assert words in told
        proof = Page(mine.get(f"/desk/leads/{lead.id}/proof").text).by_id("main").text
        assert "recorded a contact: Phone: Left a message" in proof
        for raw in ("not_our_field", "UTC:", "left_message"):
            assert raw not in told + proof

    def test_an_open_page_hears_of_a_note(self, mine, browser, bruno, lead):
        pulse = mine.get(f"/desk/leads/{lead.id}/pulse")
        tag = {"If-None-Match": pulse.headers["ETag"]}
        assert mine.get(f"/desk/leads/{lead.id}/pulse", headers=tag).status_code == 304
        send(browser().sign_in(bruno), lead, "notes", text="She called.")
        assert mine.get(f"/desk/leads/{lead.id}/pulse", headers=tag).status_code == 200


class TestForms:
    def test_a_note_leads_to_its_entry(self, mine, lead, rows):
        answer = send(mine, lead, "notes", text="Pelican")
        address, _, anchor = answer.location.partition("#")
        page = Page(mine.get(address).text)
        assert "Pelican" in page.by_id(anchor).text
        assert "Your note is there." in page.by_id("notices").text

    def test_a_contact_takes_three_choices_and_is_undone_like_the_button(self, mine, lead, rows):
        answer = send(mine, lead, "contacts", channel="phone", outcome="no_answer", note="")
        assert "Recorded: you reached out." in mine.get(answer.location).text
        assert rows(Lead)[0].status is LeadStatus.REACHED_OUT
        send(mine, lead, "reopen", version="2")
        assert rows(Lead)[0].status is LeadStatus.PENDING

    def test_a_refused_note_is_still_in_its_form(self, mine, lead, rows):
        answer = send(mine, lead, "notes", text="x" * 4001)
        assert answer.status_code == 422
        page = Page(answer.text)
        assert page.mistakes == []
        assert page.by_id("text").text.count("x") == 4001
        assert "at most 4,000 characters" in page.by_id("main").text

    def test_a_contact_without_its_outcome_is_asked_for_it(self, mine, lead, rows):
        answer = send(mine, lead, "contacts", channel="meeting", note="Typed with care")
        page = Page(answer.text)
        assert (answer.status_code, page.mistakes) == (422, [])
        assert "Choose what came of it." in page.by_id("main").text
        assert "Typed with care" in page.by_id("contact-note").text
        chosen = [one for one in page.all("input") if one["type"] == "radio" and "checked" in one.attributes]
        assert [one["value"] for one in chosen] == ["meeting"]
        assert rows(LeadContact) == []

    def test_a_contact_of_a_lead_that_went_to_another_is_shown_again(self, app, mine, bruno, lead, rows):
        with app.app_context(), transaction():
            db.session.execute(sa.update(Lead).values(assignee_id=bruno.id))
        answer = send(mine, lead, "contacts", **CALL)
        assert answer.status_code == 403
        assert CALL["note"] in Page(answer.text).by_id("contact-note").text
        assert rows(LeadContact) == []

    def test_of_two_who_change_a_note_the_second_sees_both_texts(self, mine, browser, max_, lead, rows):
        send(mine, lead, "notes", text="First")
        note = rows(LeadNote)[0]
        send(browser().sign_in(max_), lead, f"notes/{note.id}", text="By Max", version="1")
        answer = send(mine, lead, f"notes/{note.id}", text="By Amara", version="1")
        page = Page(answer.text)
        assert (answer.status_code, page.mistakes) == (412, [])
        assert "By Max" in page.by_id("main").text
        assert page.by_id("text").text == "By Amara"
        form = next(one for one in page.all("form") if one["action"].endswith(str(note.id)))
        version = next(one["value"] for one in page.all("input") if one["name"] == "version")
        assert mine.post(form["action"], data={"text": "By Amara", "version": version}).status_code == 303
        assert rows(LeadNote)[0].text == "By Amara"
        assert "2 earlier versions" in page_of(mine, lead).by_id("story").text

    def test_a_page_of_a_note_offers_its_change_to_whom_it_belongs(
        self, mine, browser, given, bruno, max_, lead, rows
    ):
        send(mine, lead, "notes", text="Pelican")
        address = f"/desk/leads/{lead.id}/notes/{rows(LeadNote)[0].id}"
        for user, may in ((bruno, False), (given(UserFactory, "viewer"), False), (max_, True)):
            client = browser().sign_in(user)
            page = Page(client.get(address).text)
            assert page.mistakes == []
            assert "Pelican" in page.by_id("main").text
            assert ("Save the note" in page.by_id("main").text) is may
            assert ("Change or delete" in page_of(client, lead).by_id("story").text) is may

    def test_a_note_typed_when_the_session_ends_is_saved_after_signing_in(
        self, browser, amara, lead, end_sessions, rows
    ):
        client = browser().sign_in(amara)
        form = hidden(client, f"/desk/leads/{lead.id}")
        client.csrf_token = None
        end_sessions()
        answer = client.post(
            f"/desk/leads/{lead.id}/notes", data={**form, "text": "a\r\nb " * 200}, headers=HERE
        )
        page = sign_in(client, answer, amara)
        assert "Save a note" in page.text
        assert press(client, Page(page.text)).status_code == 200
        assert rows(LeadNote)[0].text == ("a\nb " * 200).strip()

    def test_a_text_too_long_for_that_is_in_the_answer(self, browser, amara, lead, end_sessions, rows):
        client = browser().sign_in(amara)
        form = hidden(client, f"/desk/leads/{lead.id}")
        client.csrf_token = None
        end_sessions()
        answer = client.post(f"/desk/leads/{lead.id}/notes", data={**form, "text": "a" * 3_000}, headers=HERE)
        page = Page(answer.text)
        assert (answer.status_code, page.mistakes) == (401, [])
        assert page.by_id("text").text.strip() == "a" * 3_000
        assert rows(LeadNote) == []

    def test_a_contact_is_shown_in_words_after_signing_in(self, browser, amara, lead, end_sessions):
        client = browser().sign_in(amara)
        form = hidden(client, f"/desk/leads/{lead.id}")
        client.csrf_token = None
        end_sessions()
        answer = client.post(f"/desk/leads/{lead.id}/contacts", data={**form, **CALL}, headers=HERE)
        page = sign_in(client, answer, amara)
        assert "Left a message" in page.text
        assert "left_message" not in Page(page.text).by_id("main").text
