"""An address that its server refuses for good marks the lead: it does not work."""

from __future__ import annotations

import pytest

from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification, Status
from tests.factories import UserFactory
from tests.support.leads import thanks_for
from tests.support.mailserver import Script, mail_server, port, settings
from tests.support.outbox import deliver

__all__ = ["port", "settings"]

NO_MAILBOX = "550 5.1.1 <jane@gmial.com>: Recipient address rejected: User unknown"
SENTENCE = "does not work: mail to it was refused"


@pytest.fixture
def send(app, client, given, port):
    """Submit with a mistyped address, and deliver to a server that says this of it; who may read the lead."""

    def run(reply: str, stage: str = "rcpt"):
        given(UserFactory, email="amara@firm.example.com")
        client.submit(email="jane@gmial.com")
        with mail_server(Script(**{f"{stage} jane@gmial.com": reply}), port):
            deliver(app)
            deliver(app)
        return client.sign_in(given(UserFactory, "manager"))

    return run


def detail_of(reader, lead):
    return reader.get(f"/internal/leads/{lead.id}")


@pytest.mark.every_engine
def test_a_mailbox_that_is_refused_marks_the_lead_on_its_page_as_json_and_in_the_history(send, rows):
    reader = send(NO_MAILBOX)
    (lead,) = rows(Lead)
    assert detail_of(reader, lead).json["email_refused"] is True
    page = reader.get(f"/desk/leads/{lead.id}").text
    assert SENTENCE in page
    assert "found that the e-mail address does not work" in page
    (event,) = (one for one in rows(LeadEvent) if one.action == "email_refused")
    assert (event.actor, event.detail) == ("system", "jane@gmial.com")


@pytest.mark.parametrize(
    ("reply", "stage"),
    [
        ("550 5.7.1 No, thank you", "rcpt"),
        ("452 4.2.2 mailbox full", "rcpt"),
        ("550 5.7.1 Error: content rejected", "data"),
        ("250 OK", "rcpt"),
    ],
)
def test_another_answer_does_not_and_the_member_is_not_there(send, rows, reply, stage):
    reader = send(reply, stage)
    (lead,) = rows(Lead)
    assert "email_refused" not in detail_of(reader, lead).json
    assert SENTENCE not in reader.get(f"/desk/leads/{lead.id}").text
    assert "email_refused" not in [one.action for one in rows(LeadEvent)]


def test_an_open_page_hears_of_it_and_no_edit_fails_for_it(app, client, given, rows, port):
    amara = given(UserFactory, email="amara@firm.example.com")
    client.submit(email="jane@gmial.com")
    (lead,) = rows(Lead)
    before = detail_of(client.sign_in(amara), lead)
    with mail_server(Script(**{"rcpt jane@gmial.com": NO_MAILBOX}), port):
        deliver(app)
        deliver(app)
    tag = {"If-None-Match": before.headers["ETag"]}
    assert client.get(f"/internal/leads/{lead.id}", headers=tag).status_code == 200
    changed = client.patch(
        f"/internal/leads/{lead.id}",
        json={"status": "REACHED_OUT"},
        headers={"If-Match": before.headers["ETag"]},
    )
    assert (changed.status_code, changed.json["email_refused"]) == (200, True)


def test_correcting_the_address_takes_the_mark_away(app, client, send, rows):
    reader = send(NO_MAILBOX)
    (lead,) = rows(Lead)
    page = thanks_for(app, lead.reference)
    assert client.post(f"{page}/email", data={"email": "jane@gmail.com"}).status_code == 303
    assert "email_refused" not in detail_of(reader, lead).json
    refused, new = (one for one in rows(Notification) if one.kind == "prospect_confirmation")
    assert refused.deleted_at is not None
    assert (new.recipient, new.status) == ("jane@gmail.com", Status.QUEUED)


def test_a_message_that_is_tried_again_takes_it_away_until_the_answer(send, rows):
    reader = send(NO_MAILBOX)
    (lead,) = rows(Lead)
    (refused,) = (one for one in rows(Notification) if one.status is Status.FAILED)
    assert reader.post(f"/internal/notifications/{refused.id}/retry").status_code == 200
    assert "email_refused" not in detail_of(reader, lead).json
