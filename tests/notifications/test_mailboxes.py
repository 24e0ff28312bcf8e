"""Confirmations go to strangers: nobody floods one through the form, and who wants none gets none."""

from __future__ import annotations

import json

import pytest

from leadintake.core.addresses import normalize_mailbox
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification, Suppression
from tests.factories import LeadFactory, NotificationFactory, UserFactory
from tests.support.outbox import at
from tests.support.waiting import all_at_once

CONFIRMATION, ALERT = "prospect_confirmation", "attorney_alert"


@pytest.fixture
def settings() -> dict[str, object]:
    return {"CONFIRMATIONS_PER_DAY": 2}


def owed(rows, kind: str = CONFIRMATION) -> int:
    return sum(message.kind == kind for message in rows(Notification))


@pytest.mark.parametrize(
    "address",
    ["jane@example.com", "Jane@Example.COM", "jane+forms@example.com", "jane+a+b@example.com"],
)
def test_spellings_of_one_mailbox_are_one(address):
    assert normalize_mailbox(address) == "jane@example.com"


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("j.a.ne+x@gmail.com", "jane@gmail.com"),
        ("j.a.ne@googlemail.com", "jane@gmail.com"),
        ("jane@me.com", "jane@icloud.com"),
        ("jane@pm.me", "jane@protonmail.com"),
        ("j.ane@example.com", "j.ane@example.com"),
        ("+jane@example.com", "+jane@example.com"),
        ("İ" * 64 + "@example.com", ("i̇" * 64 + "@example.com")),
    ],
)
def test_providers_are_known_and_what_may_be_two_mailboxes_stays_two(address, mailbox):
    assert normalize_mailbox(address) == mailbox


class TestTheBound:
    def test_a_mailbox_is_sent_no_more_than_its_share_a_day_whatever_is_posted(self, client, given, rows):
        given(UserFactory)
        for number, address in enumerate(["jane@example.com", "JANE@example.com", "jane+1@example.com"] * 2):
            answer = client.submit(email=address, first_name=f"Jane{number}", key=f"key-{number}")
            assert answer.status_code == 201
        assert len(rows(Lead)) == owed(rows, ALERT) + owed(rows, "returning_alert") == 6
        assert owed(rows) == 2

    def test_the_public_is_not_told(self, client, rows):
        answers = [client.submit() for _ in range(4)]
        assert len({answer.status_code for answer in answers}) == 1
        assert len({tuple(sorted(answer.json)) for answer in answers}) == 1
        assert owed(rows) == 2

    def test_it_is_counted_anew_after_a_day(self, client, rows):
        with at():
            for _ in range(3):
                client.submit()
        with at(hours=23, minutes=59):
            client.submit()
        assert owed(rows) == 2
        with at(hours=24, seconds=1):
            client.submit()
        assert owed(rows) == 3

    def test_other_mailboxes_have_their_own(self, client, rows):
        for name in ("jane", "joan", "june"):
            client.submit(email=f"{name}@example.com")
        assert owed(rows) == 3

    @pytest.mark.every_engine
    def test_many_at_once_get_no_further(self, browser, rows):
        clients = [browser() for _ in range(8)]
        answers = all_at_once(8, lambda number: clients[number].submit())
        assert {answer.status_code for answer in answers} == {201}
        assert owed(rows) == 2

    def test_a_deleted_lead_gives_no_share_back(self, client, browser, given, rows):
        manager = browser().sign_in(given(UserFactory, "manager"))
        for _ in range(2):
            manager.delete(f"/internal/leads/{client.submit().json['id']}")
        client.submit()
        assert owed(rows) == 2

    def test_the_history_says_why_there_was_none(self, client, browser, given):
        lead = [client.submit().json["id"] for _ in range(3)][-1]
        manager = browser().sign_in(given(UserFactory, "manager"))
        events = manager.get(f"/internal/leads/{lead}/history").json["items"]
        assert [one["detail"] for one in events if one["action"] == "not_confirmed"] == [
            "this address was sent 2 within a day"
        ]


class TestTheWayOut:
    @pytest.fixture
    def link(self, client, rows) -> str:
        client.submit()
        (message,) = [message for message in rows(Notification) if message.kind == CONFIRMATION]
        return f"/unsubscribe/{message.id}"

    def test_it_stands_in_the_mail(self, link, rows):
        (message,) = [message for message in rows(Notification) if message.kind == CONFIRMATION]
        assert f"http://127.0.0.1:8000{link}" in message.text
        assert f'href="http://127.0.0.1:8000{link}"' in message.html

    def test_opening_it_changes_nothing_yet(self, client, link, rows):
        page = client.get(link, headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "<button" in page.text
        assert "jane@example.com" not in page.text
        assert rows(Suppression) == []

    @pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "One-Click"}])
    def test_posting_to_it_ends_the_confirmations_to_every_spelling(self, client, link, rows, body):
        assert client.post(link, data=body).status_code == 200
        assert [one.mailbox for one in rows(Suppression)] == ["jane@example.com"]
        for address in ("jane@example.com", "Jane+again@example.com"):
            assert client.submit(email=address).status_code == 201
        assert owed(rows) == 1
        assert "this address asked for no mail" in {event.detail for event in rows(LeadEvent)}

    @pytest.mark.every_engine
    def test_twice_and_at_once_is_as_good_as_once(self, browser, link, rows):
        clients = [browser() for _ in range(6)]
        answers = all_at_once(6, lambda number: clients[number].post(link))
        assert {answer.status_code for answer in answers} == {200}
        assert browser().post(link).status_code == 200
        assert len(rows(Suppression)) == 1

    def test_it_still_works_when_the_lead_was_deleted(self, client, browser, given, rows, link):
        browser().sign_in(given(UserFactory, "manager")).delete(f"/internal/leads/{rows(Lead)[0].id}")
        assert client.post(link).status_code == 200
        assert len(rows(Suppression)) == 1

    def test_the_alert_to_an_attorney_of_that_address_still_goes_out(self, client, given, rows, link):
        given(UserFactory, email="jane@example.com")
        client.post(link)
        client.submit()
        assert [one.recipient for one in rows(Notification) if one.kind == ALERT] == ["jane@example.com"]
        assert owed(rows) == 1

    @pytest.mark.parametrize("kind", [ALERT, "unassigned_alert", "delivery_failed"])
    def test_there_is_none_out_of_alerts(self, client, given, rows, kind):
        message = given(NotificationFactory, kind=kind)
        assert client.post(f"/unsubscribe/{message.id}").status_code == 404
        assert rows(Suppression) == []

    def test_an_id_of_anything_else_is_no_key(self, client, given):
        lead = given(LeadFactory)
        for method in (client.get, client.post):
            assert method(f"/unsubscribe/{lead.id}").status_code == 404


class TestTheCommands:
    @pytest.fixture
    def run(self, app):
        return lambda *arguments: app.test_cli_runner().invoke(args=["outbox", *arguments])

    def test_an_operator_suppresses_and_allows_an_address(self, run, client, rows):
        assert run("suppress", "Jane+x@example.com").exit_code == 0
        client.submit()
        assert owed(rows) == 0
        listed = json.loads(run("suppressed", "--format", "json").output)
        assert [one["mailbox"] for one in listed] == ["jane@example.com"]
        assert run("allow", "jane@example.com").exit_code == 0
        client.submit()
        assert owed(rows) == 1

    def test_allowing_one_that_is_not_suppressed_says_so(self, run):
        answer = run("allow", "jane@example.com")
        assert answer.exit_code == 1
        assert answer.stderr.strip() == "Error: jane@example.com is not suppressed."
