"""Contacts with a prospect: each marks the lead as reached out to, as the button does."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.core.clock import now
from leadintake.leads.conversation import LeadContact
from leadintake.leads.models import Lead, LeadEvent
from leadintake.leads.status import LeadStatus
from tests.factories import LeadFactory, ScreenFactory, UserFactory
from tests.support.leads import together

CALL = {"channel": "phone", "outcome": "spoke", "note": "Wants to come on Monday."}


@pytest.fixture
def lead(given, amara):
    return given(LeadFactory, assigned_to=amara)


@pytest.fixture
def mine(browser, amara):
    """The attorney's client."""
    return browser().sign_in(amara)


def log(client, lead, headers=None, **changes):
    body = {name: value for name, value in {**CALL, **changes}.items() if value is not None}
    return client.post(f"/internal/leads/{lead.id}/contacts", json=body, headers=headers)


def actions(rows) -> list[str]:
    return [event.action for event in rows(LeadEvent)]


def test_a_contact_reaches_out(mine, amara, lead, rows):
    answer = log(mine, lead)
    assert answer.status_code == 201
    contact = answer.json
    assert {name: contact[name] for name in CALL} == CALL
    assert contact["author"]["email"] == amara.email
    assert mine.get(f"/internal/leads/{lead.id}/contacts").json == {"items": [contact], "next_cursor": None}
    (row,) = rows(Lead)
    assert (row.status, row.version) == (LeadStatus.REACHED_OUT, 2)
    assert row.reached_at is not None
    assert actions(rows) == ["contacted", "reached_out"]
    assert rows(LeadEvent)[0].detail == "phone: spoke"
    trail = [one for one in rows(AuditEntry) if one.action in ("lead.contacted", "lead.reached_out")]
    assert [one.action for one in trail] == ["lead.contacted", "lead.reached_out"]
    assert trail[0].detail == (f'{{"contact":"{contact["id"]}","channel":"phone","outcome":"spoke"}}')


def test_another_contact_leaves_the_lead_as_it_is(mine, lead, rows):
    log(mine, lead)
    before = rows(Lead)[0]
    assert log(mine, lead, channel="meeting", note=None).json["note"] is None
    after = rows(Lead)[0]
    assert (after.version, after.reached_at) == (before.version, before.reached_at)
    assert actions(rows) == ["contacted", "reached_out", "contacted"]
    channels = [one["channel"] for one in mine.get(f"/internal/leads/{lead.id}/contacts").json["items"]]
    assert channels == ["meeting", "phone"]


@pytest.mark.every_engine
def test_a_second_click_records_no_second_contact(app, amara, lead, rows):
    answers = together(*[lambda: log(app.test_client().sign_in(amara), lead)] * 2)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len(rows(LeadContact)) == 1
    assert actions(rows) == ["contacted", "reached_out"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"channel": "fax"}, "channel"),
        ({"outcome": "hung_up"}, "outcome"),
        ({"outcome": None}, "outcome"),
        ({"note": "x" * 4001}, "note"),
        ({"note": "a\x00b"}, "note"),
        ({"more": 1}, "more"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_done(mine, lead, rows, changes, field):
    answer = log(mine, lead, **changes)
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert rows(LeadContact) == rows(LeadEvent) == []


def test_only_the_attorney_and_managers_may(browser, given, bruno, max_, lead, rows):
    for user in (bruno, given(UserFactory, "viewer")):
        client = browser().sign_in(user)
        assert "contact" not in client.get(f"/internal/leads/{lead.id}").json["allowed"]
        assert log(client, lead).status_code == 403
    assert rows(LeadContact) == []
    client = browser().sign_in(max_)
    assert "contact" in client.get(f"/internal/leads/{lead.id}").json["allowed"]
    assert log(client, lead).status_code == 201
    assert log(browser().sign_in(bruno), lead).status_code == 403  # also of a lead that was reached


def test_an_outdated_page_is_told(mine, lead, rows):
    assert log(mine, lead, headers={"If-Match": '"7.x"'}).status_code == 412
    assert rows(LeadContact) == []
    assert log(mine, lead, headers={"If-Match": '"1.x"'}).status_code == 201


def test_nothing_is_recorded_in_quarantine_nor_of_what_may_not_be_seen(app, browser, given, ada, bruno, lead):
    client = browser().sign_in(ada)
    assert log(client, given(LeadFactory, "quarantined")).status_code == 409
    assert log(client, given(LeadFactory, "deleted")).status_code == 404
    given(ScreenFactory, lead_id=lead.id, user=ada)
    for method in ("GET", "POST"):
        address = f"/internal/leads/{lead.id}/contacts"
        assert client.open(address, method=method, json=None if method == "GET" else CALL).status_code == 404
    app.config["ATTORNEY_VISIBILITY"] = "own"
    assert log(browser().sign_in(bruno), lead).status_code == 404


def test_an_operator_reads_notes_and_contacts(app, mine, lead):
    log(mine, lead)
    mine.post(f"/internal/leads/{lead.id}/notes", json={"text": "Pelican"})
    run = app.test_cli_runner().invoke
    shown = run(args=["leads", "show", str(lead.id), "--format", "json"]).stdout
    assert [one["note"] for one in json.loads(shown)[0]["notes"]] == [
        "Pelican",
        "phone: spoke: Wants to come on Monday.",
    ]
    assert "Pelican" in run(args=["leads", "show", str(lead.id)]).stdout


class TestUndoing:
    def reopen(self, client, lead):
        return client.patch(f"/internal/leads/{lead.id}", json={"status": "PENDING"})

    def test_within_an_hour_the_attorney_takes_it_back(self, mine, lead, rows):
        log(mine, lead)
        assert self.reopen(mine, lead).status_code == 200
        assert actions(rows) == ["contacted", "reached_out", "reopened"]
        assert log(mine, lead).status_code == 201  # the same again, which counts
        assert rows(Lead)[0].status is LeadStatus.REACHED_OUT

    def test_a_note_or_another_contact_does_not_hinder(self, mine, browser, bruno, lead):
        log(mine, lead)
        log(mine, lead, outcome="no_answer")
        text = {"text": "She called back."}
        browser().sign_in(bruno).post(f"/internal/leads/{lead.id}/notes", json=text)
        assert "reopen" in mine.get(f"/internal/leads/{lead.id}").json["allowed"]
        assert self.reopen(mine, lead).status_code == 200

    def test_an_hour_later_a_manager_must(self, mine, browser, amara, max_, lead):
        log(mine, lead)
        with time_machine.travel(now() + timedelta(hours=1, seconds=1)):
            assert self.reopen(browser().sign_in(amara), lead).status_code == 409
            assert self.reopen(browser().sign_in(max_), lead).status_code == 200
