"""A message that fails for good is not only a row: somebody who can do something is told, once."""

from __future__ import annotations

import pytest

from leadintake.core.db.database import db
from leadintake.core.hooks import When
from leadintake.leads.models import LeadEvent
from leadintake.notifications import leases
from leadintake.notifications.events import message_failed
from leadintake.notifications.models import Notification, Status
from tests.factories import LeadFactory, NotificationFactory, UserFactory
from tests.support.mailserver import OK, Script, mail_server, port, settings
from tests.support.outbox import at, deliver

__all__ = ["port", "settings"]

REFUSAL = "550 5.1.1 no such user"


def notices(rows) -> list[Notification]:
    return [message for message in rows(Notification) if message.kind == "delivery_failed"]


def test_every_manager_is_told_whom_to_reach_another_way_and_why(app, client, given, rows, port):
    for trait in ("manager", "admin"):
        given(UserFactory, trait, email=f"{trait}@firm.example.com")
    given(UserFactory, "viewer")
    given(UserFactory, email="amara@firm.example.com")
    script = Script(**{"rcpt jane@example.com": REFUSAL})
    with mail_server(script, port):
        lead = client.submit().json["id"]
        deliver(app)
        deliver(app)
    told = notices(rows)
    assert {one.recipient for one in told} == {"manager@firm.example.com", "admin@firm.example.com"}
    assert {one.status for one in told} == {Status.SENT}
    for words in (told[0].text, told[0].html):
        for fact in ("We received your information", "jane@example.com", REFUSAL, f"/desk/leads/{lead}"):
            assert fact in words
    (event,) = [one for one in rows(LeadEvent) if one.action == "message_failed"]
    (confirmation,) = (one for one in rows(Notification) if one.kind == "prospect_confirmation")
    assert event.detail == f"{confirmation.subject}, to jane@example.com: {REFUSAL}"


def test_a_notice_carries_the_id_of_the_request_that_owed_the_failed_message(app, client, given, rows, port):
    given(UserFactory, "manager")
    given(UserFactory)
    with mail_server(Script(**{"rcpt jane@example.com": REFUSAL}), port):
        answer = client.submit()
        deliver(app)
        given(NotificationFactory, recipient="jane@example.com")  # which no request began
        deliver(app)
    assert [one.request_id for one in notices(rows)] == [answer.headers["X-Request-Id"], None]


def test_a_hundred_failures_are_one_notice_until_it_has_arrived(app, given, rows, port):
    given(UserFactory, "manager", email="manager@firm.example.com")
    lead = given(LeadFactory)
    for _ in range(10):
        given(NotificationFactory, lead_id=lead.id, kind="prospect_confirmation")
    script = Script(**{"rcpt": REFUSAL, "rcpt manager@firm.example.com": ["451 later", OK]})
    with mail_server(script, port):
        deliver(app)
        assert len(notices(rows)) == 1


def test_a_notice_that_cannot_be_delivered_itself_brings_no_other(app, given, rows, port):
    given(UserFactory, "manager")
    given(NotificationFactory)
    with mail_server(Script(rcpt=REFUSAL), port):
        deliver(app)
        deliver(app)
    assert [one.status for one in notices(rows)] == [Status.FAILED]


def test_a_reply_full_of_tags_stays_words(app, client, given, rows, port):
    given(UserFactory, "manager")
    with mail_server(Script(**{"rcpt jane@example.com": "550 <script>alert(1)</script>"}), port):
        client.submit()
        deliver(app)
    assert "&lt;script&gt;" in notices(rows)[0].html
    assert "<script>" not in notices(rows)[0].html


def test_a_stranger_who_posts_wrong_addresses_does_not_flood_the_managers(app, given, rows, port):
    manager = given(UserFactory, "manager")
    with mail_server(Script(**{"rcpt": REFUSAL, f"rcpt {manager.email}": OK}), port):
        for minutes in range(0, 40, 4):
            with at(minutes=minutes):
                given(NotificationFactory, recipient="gone@example.com")
                deliver(app)
        assert len(notices(rows)) == 5
        with at(minutes=61):
            given(NotificationFactory, recipient="gone@example.com")
            deliver(app)
    assert len(notices(rows)) == 6


def test_a_failure_that_cannot_be_told_is_a_failure_on_record(app, given, rows, port, capfd):
    def stumble(_told):
        raise ZeroDivisionError

    message_failed.connect(app, stumble, when=When.IN_SAVEPOINT)
    given(UserFactory, "manager")
    given(NotificationFactory)
    with mail_server(Script(rcpt=REFUSAL), port):
        deliver(app)
    assert [one.status for one in rows(Notification) if one.kind == "attorney_alert"] == [Status.FAILED]
    assert len(notices(rows)) == 1  # the others were told
    assert "listener_failed" in capfd.readouterr().err


@pytest.mark.every_engine
def test_its_lead_is_locked_before_it_as_by_everybody_else(app, given):
    amara = given(UserFactory)
    lead = given(LeadFactory, assigned_to=amara)
    given(NotificationFactory, lead_id=lead.id, recipient=amara.email)
    with app.app_context():
        claimed = leases.claim("worker")
        db.session.commit()
        asked: list[str] = []
        db.event.listen(db.engine, "before_cursor_execute", lambda *said: asked.append(said[2]))
        leases.mark_failed(claimed, "550 no such user")
        db.session.commit()
    locked = next(number for number, one in enumerate(asked) if "FROM leads" in one)
    assert locked < next(number for number, one in enumerate(asked) if one.startswith("UPDATE notifications"))
