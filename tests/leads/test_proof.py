"""The proof sheet: all that is on record about a lead, for whom, how much of it, and how it is verified."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
import sqlalchemy as sa

from leadintake.audit import excerpts
from leadintake.audit.models import AuditEntry
from leadintake.audit.service import PURPOSE, audit
from leadintake.core.actor import SYSTEM
from leadintake.core.crypto import keys
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.documents.storage.local import LocalFolder
from leadintake.leads.models import Lead
from leadintake.leads.proof import service as proof_module
from leadintake.notifications.models import DeliveryAttempt
from tests.factories import LeadFactory, NotificationFactory, ScreenFactory, UserFactory
from tests.support.client import PDF
from tests.support.html import Page
from tests.support.leads import files_of
from tests.support.outbox import deliver
from tests.support.statements import statements
from tests.support.trail import changed, removed, tamper

WHY = "Represented her husband in 2024."
MAX_STATEMENTS = 20
"""Of a request for the sheet, with those of the session, the lead and the audit entry."""


@pytest.fixture
def read(browser):
    """The sheet of a lead as one reads it."""
    return lambda user, lead: browser().sign_in(user).get(f"/internal/leads/{lead.id}/proof")


@pytest.fixture
def screened_lead(browser, given, amara, bruno, max_, rows):
    """A lead of Bruno's that he was screened from, so that Amara has it."""
    lead = given(LeadFactory, assigned_to=bruno)
    body = {"user_id": str(bruno.id), "notice": WHY}
    assert browser().sign_in(max_).post(f"/internal/leads/{lead.id}/screens", json=body).status_code == 201
    return next(one for one in rows(Lead) if one.id == lead.id)


@pytest.mark.every_engine
def test_the_sheet_says_what_came_who_got_it_what_was_sent_and_who_read_it(
    app, client, read, browser, amara, bruno, max_, rows
):
    client.submit()
    deliver(app)
    (lead,) = rows(Lead)
    owner = next(one for one in (amara, bruno) if one.id == lead.assignee_id)
    browser().sign_in(max_).get(f"/internal/leads/{lead.id}/resume")
    sheet = read(owner, lead).json
    assert (sheet["lead"]["id"], sheet["lead"]["reference"]) == (str(lead.id), lead.reference)
    assert sheet["file"]["sha256"] == hashlib.sha256(PDF).hexdigest()
    assert (sheet["file"]["size"], sheet["file"]["present"]) == (len(PDF), True)
    (decision,) = sheet["decisions"]
    assert (decision["cause"], decision["to"]) == ("arrival", owner.email)
    assert decision["reason"] == lead.assignment_reason
    by_kind = {message["kind"]: message for message in sheet["messages"]}
    assert by_kind["attorney_alert"]["recipient"] == owner.email
    (attempt,) = by_kind["prospect_confirmation"]["attempts"]
    assert attempt["outcome"] == "sent"
    assert attempt["reply"]
    assert [event["action"] for event in sheet["history"]][-1] == "submitted"
    (reading,) = sheet["reads"]
    assert (reading["actor"], reading["action"]) == (max_.email, "lead.downloaded")
    assert sheet["intact"] is True


def test_a_manager_sees_everybody_it_was_between_and_the_disclaimer_as_it_was_shown(
    app, client, read, amara, bruno, max_, rows
):
    version = Page(client.get("/").text).inputs()["disclaimer"]["value"]
    client.submit(disclaimer=version)
    sheet = read(max_, *rows(Lead)).json
    (decision,) = sheet["decisions"]
    assert {person["name"] for person in decision["candidates"]} == {
        amara.name, bruno.name, max_.name,
    }  # fmt: skip
    assert decision["candidates"][0]["verdict"] == "chosen"
    assert sheet["disclaimer"]["version"] == sheet["disclaimer_version"] == version
    digest = hashlib.sha256((sheet["disclaimer"]["language"] + sheet["disclaimer"]["html"]).encode())
    assert digest.hexdigest()[:12] == version


def test_reading_the_sheet_is_on_record_and_on_the_next_sheet(read, given, amara, rows):
    lead = given(LeadFactory, assigned_to=amara)
    assert read(amara, lead).json["reads"] == []
    (entry,) = (one for one in rows(AuditEntry) if one.action == "lead.read")
    assert (entry.actor_id, entry.subject_id, json.loads(entry.detail)) == (
        amara.id, lead.id, {"what": "proof"},
    )  # fmt: skip
    (reading,) = read(amara, lead).json["reads"]
    assert (reading["actor"], reading["detail"], reading["hash"]) == (
        amara.email, {"what": "proof"}, entry.hash,
    )  # fmt: skip


class TestReaders:
    def test_its_attorney_and_managers_read_it_and_other_readers_may_not(self, app, read, given, amara, rows):
        lead = given(LeadFactory, assigned_to=amara)
        others = [given(UserFactory), given(UserFactory, "viewer")]
        assert [read(user, lead).status_code for user in others] == [403, 403]
        assert [one for one in rows(AuditEntry) if one.action == "lead.read"] == []
        managers = [given(UserFactory, "manager"), given(UserFactory, "admin")]
        assert [read(user, lead).status_code for user in (amara, *managers)] == [200, 200, 200]

    def test_who_may_not_see_the_lead_learns_nothing_of_it(self, browser, given, amara, max_):
        lead = given(LeadFactory, assigned_to=amara)
        given(ScreenFactory, lead_id=lead.id, user=max_)
        manager = browser().sign_in(max_)
        for key in (lead.id, lead.reference):
            assert manager.get(f"/internal/leads/{key}/proof").status_code == 404
            assert manager.get(f"/desk/leads/{key}/proof").status_code == 404

    def test_reviewers_read_that_of_a_lead_in_quarantine_and_others_find_none(self, read, given, amara, max_):
        lead = given(LeadFactory, "quarantined")
        assert read(max_, lead).status_code == 200
        assert read(amara, lead).status_code == 404

    def test_names_and_reasons_of_walls_go_only_to_who_may_screen(
        self, read, screened_lead, amara, bruno, max_
    ):
        whole, part = read(max_, screened_lead), read(amara, screened_lead)
        assert whole.json["decisions"][-1]["cause"] == "screened"
        assert WHY in whole.text
        assert "withheld" not in whole.json
        assert (part.status_code, part.json["withheld"]) == (200, True)
        for word in (WHY, bruno.email, bruno.name, str(bruno.id), '"candidates":[{', '"cause":"screened"'):
            assert word not in part.text.replace(f'"recipient":"{bruno.email}"', "")
        assert [event["action"] for event in part.json["history"] if event["action"] == "screened"]

    def test_what_was_hashed_goes_to_nobody_over_http(self, read, screened_lead, amara, max_, ada):
        for user in (amara, max_, ada):
            assert not any("content" in entry for entry in read(user, screened_lead).json["acts"])

    def test_no_other_lead_is_named_by_its_id(self, client, read, ada, amara, rows):
        client.submit()
        client.submit()
        first, second = rows(Lead)
        assert str(second.id) not in read(ada, first).text
        assert str(first.id) not in read(ada, second).text


class TestVerification:
    def test_whoever_has_the_key_recomputes_every_hash_from_the_json_of_the_command(
        self, app, read, screened_lead, max_
    ):
        over_http = read(max_, screened_lead).json
        done = app.test_cli_runner().invoke(args=["leads", "proof", str(screened_lead.id)])
        assert (done.exit_code, done.stderr) == (0, "")
        sheet = json.loads(done.stdout)
        with app.app_context():
            (key,) = keys(PURPOSE)
        entries = sheet["acts"] + sheet["reads"]
        assert {entry["action"] for entry in entries} >= {"lead.screened", "lead.handed_on", "lead.read"}
        for entry in entries:
            assert hmac.digest(key, entry.pop("content").encode(), "sha256").hex() == entry["hash"]
        assert sheet["acts"] == over_http["acts"]

    def test_a_changed_entry_is_seen_on_the_sheet(self, rows, app, browser, read, screened_lead, max_):
        first = read(max_, screened_lead).json["acts"][-1]
        tamper(app, changed(number_of(rows, first), "actor_kind = 'system'"))
        sheet = read(max_, screened_lead).json
        assert sheet["intact"] is False
        assert [entry["id"] for entry in sheet["acts"] if not entry["intact"]] == [first["id"]]
        page = browser().sign_in(max_).get(f"/desk/leads/{screened_lead.id}/proof").text
        assert "This entry was altered." in page
        assert "The audit trail was altered." in page

    def test_an_entry_that_cannot_be_read_any_more_breaks_no_sheet(
        self, rows, app, read, screened_lead, max_
    ):
        first = read(max_, screened_lead).json["acts"][-1]
        tamper(app, changed(number_of(rows, first), "created_at = 'yesterday'"))
        sheet = read(max_, screened_lead)
        assert (sheet.status_code, sheet.json["intact"], sheet.json["acts"]) == (200, False, [])

    def test_the_head_on_a_sheet_finds_what_is_taken_away_later(self, rows, app, read, screened_lead, max_):
        read(max_, screened_lead)
        sheet = read(max_, screened_lead).json
        assert sheet["head"] == rows(AuditEntry)[-2].hash  # before that reading
        verify = ("audit", "verify", "--head", sheet["head"])
        assert app.test_cli_runner().invoke(args=verify).exit_code == 0
        tamper(app, changed(number_of(rows, sheet["acts"][-1]), "subject_id = NULL"))
        assert all(entry["intact"] for entry in read(max_, screened_lead).json["acts"])
        done = app.test_cli_runner().invoke(args=verify)
        assert (done.exit_code, "was altered" in done.stderr) == (1, True)
        tamper(app, removed(f"hash = '{sheet['head']}'"))
        done = app.test_cli_runner().invoke(args=verify)
        assert (done.exit_code, "No entry has the hash" in done.stderr) == (1, True)


class TestBounds:
    def test_of_very_many_readings_the_newest_are_there_and_the_number_of_the_others(
        self, app, read, given, amara, monkeypatch
    ):
        monkeypatch.setattr(excerpts, "MAX_ENTRIES", 5)
        lead = given(LeadFactory, assigned_to=amara)
        max_ = given(UserFactory, "manager")
        with app.app_context(), transaction():
            for number in range(12):
                audit.record("lead.read", actor=SYSTEM, about=("lead", lead.id), what="page", number=number)
            audit.record("lead.assigned", actor=SYSTEM, about=("lead", lead.id), to=None)
        sheet = read(max_, lead).json
        assert len(sheet["reads"]) == 5
        assert sheet["left_out"]["reads"] == 7
        assert [entry["action"] for entry in sheet["acts"]] == ["lead.assigned"]  # no reading hides an act
        assert [entry["detail"]["number"] for entry in sheet["reads"]] == [11, 10, 9, 8, 7]

    def test_messages_events_and_decisions_are_bounded_too(
        self, app, browser, read, given, amara, max_, monkeypatch
    ):
        from leadintake.notifications import evidence

        monkeypatch.setattr(evidence, "MAX_MESSAGES", 1)
        monkeypatch.setattr(evidence, "MAX_ATTEMPTS", 1)
        monkeypatch.setattr(proof_module, "MAX_EVENTS", 1)
        monkeypatch.setattr(proof_module, "MAX_DECISIONS", 1)
        lead = given(LeadFactory)
        manager = browser().sign_in(max_)
        for user_id in (str(amara.id), None, str(amara.id)):
            manager.put(f"/internal/leads/{lead.id}/assignee", json={"user_id": user_id})
        messages = [given(NotificationFactory, lead_id=lead.id) for _ in range(2)]
        with app.app_context(), transaction():
            for message in messages:
                add_attempt(message.id)
        left_out = read(max_, lead).json["left_out"]
        assert {name for name, number in left_out.items() if number} == {
            "decisions", "messages", "attempts", "history",
        }  # fmt: skip

    def test_its_statements_do_not_grow_with_what_is_on_record(self, app, client, browser, given, ada, rows):
        for _ in range(2):
            given(UserFactory)
        client.submit()
        deliver(app)
        (lead,) = rows(Lead)
        reader, address = browser().sign_in(ada), f"/internal/leads/{lead.id}/proof"
        reader.get(address)
        with statements(app) as few:
            assert reader.get(address).status_code == 200
        for _ in range(5):
            message = given(NotificationFactory, lead_id=lead.id)
            with app.app_context(), transaction():
                add_attempt(message.id)
            reader.get(address)
        with statements(app) as more:
            assert reader.get(address).status_code == 200
        assert len(more) == len(few) <= MAX_STATEMENTS, more


class TestOldOrDamagedLeads:
    def test_a_lead_from_before_all_of_this_has_a_sheet(self, app, read, given, amara):
        lead = given(LeadFactory, assigned_to=amara, reference=None, search_text=None)
        sheet = read(amara, lead)
        assert sheet.status_code == 200
        assert (sheet.json["disclaimer"], sheet.json["decisions"], sheet.json["acts"]) == (None, [], [])

    def test_it_says_that_the_file_is_missing(self, app, browser, read, given, amara):
        lead = given(LeadFactory, assigned_to=amara)
        with app.app_context():
            for name in files_of(app):
                app.extensions["leadintake.storage"].delete(name)
        file = read(amara, lead).json["file"]
        assert (file["present"], file["sha256"]) == (False, hashlib.sha256(PDF).hexdigest())
        page = browser().sign_in(amara).get(f"/desk/leads/{lead.id}/proof").text
        assert "the file is missing from the storage" in page

    def test_it_says_that_the_storage_cannot_be_asked(self, read, given, amara, monkeypatch):
        from leadintake.core.errors import Unavailable

        lead = given(LeadFactory, assigned_to=amara)

        def fail(*_: object) -> None:
            raise Unavailable

        monkeypatch.setattr(LocalFolder, "open", fail)
        assert read(amara, lead).json["file"]["present"] is None


def number_of(rows, entry) -> int:
    """The number of an entry, which no sheet tells."""
    return next(one.number for one in rows(AuditEntry) if str(one.id) == entry["id"])


def add_attempt(message_id) -> None:
    """Add an attempt to deliver a message."""
    from leadintake.core.db.database import db

    db.session.execute(
        sa.insert(DeliveryAttempt).values(
            id=new_id(), notification_id=message_id, outcome="sent", reply="250 OK"
        )
    )
