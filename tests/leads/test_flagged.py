"""A file that was kept with a flag: whoever is about to open it is warned, its sender is told nothing."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine

from leadintake.core.clock import now
from leadintake.documents.inspection.findings import WARNINGS, Flag
from leadintake.documents.models import Document
from leadintake.documents.scanner import Scanner
from leadintake.leads.models import LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import DocumentFactory, LeadFactory, UserFactory

BASE = "/internal/leads"
FOUND = frozenset({Flag.LAUNCH, Flag.EMBEDDED})
SENTENCES = [WARNINGS[Flag.EMBEDDED], WARNINGS[Flag.LAUNCH]]


@pytest.fixture
def settings() -> dict[str, object]:
    return {"CLAMD_ADDRESS": "127.0.0.1:3310"}


@pytest.fixture(autouse=True)
def found(monkeypatch) -> set[Flag]:
    """What the last look at an upload finds; a test may change it."""
    flags = set(FOUND)
    monkeypatch.setattr(Scanner, "scan", lambda _scanner, _stream: frozenset(flags))
    return flags


@pytest.fixture
def reader(browser, given):
    """Somebody who may only read."""
    return browser().sign_in(given(UserFactory, "viewer"))


def leads_of(reader, lead_id: str) -> list[dict]:
    """The lead as the list shows it, and on its own."""
    (listed,) = (item for item in reader.get(BASE).json["items"] if item["id"] == lead_id)
    return [listed, reader.get(f"{BASE}/{lead_id}").json]


def test_flags_are_kept_with_the_document_in_one_order(client, rows):
    client.submit()
    (document,) = rows(Document)
    assert document.flags == "embedded,launch"
    assert document.warnings == SENTENCES


def test_every_flag_there_is_fits_its_column(client, rows, found):
    found.update(Flag)
    client.submit()
    (document,) = rows(Document)
    assert document.warnings == [WARNINGS[flag] for flag in sorted(Flag)]
    assert len(document.flags) <= Document.__table__.c.flags.type.length


def test_a_reader_sees_the_warnings_wherever_the_file_is_shown(client, reader):
    lead_id = client.submit().json["id"]
    for lead in leads_of(reader, lead_id):
        assert lead["resume"]["warnings"] == SENTENCES


def test_the_file_of_an_ordinary_lead_has_the_shape_it_always_had(client, reader, found):
    found.clear()
    lead_id = client.submit().json["id"]
    for lead in leads_of(reader, lead_id):
        assert list(lead["resume"]) == ["id", "filename", "content_type", "size", "sha256"]


def test_the_description_says_that_warnings_may_be_absent(client):
    schema = client.get("/openapi.json").json["components"]["schemas"]["Resume"]
    assert "warnings" not in schema["required"]
    assert schema["properties"]["warnings"]["type"] == "array"
    assert "before opening" in schema["properties"]["warnings"]["description"]


def test_the_sender_is_told_nothing_of_it(client, rows):
    receipt = client.submit()
    page = client.get(f"/thanks/{receipt.json['id']}")
    (thanks,) = (owed for owed in rows(Notification) if owed.kind == "prospect_confirmation")
    assert set(receipt.json["resume"]) == {"filename", "content_type", "size"}
    for text in (receipt.text, page.text, thanks.text, thanks.html):
        assert not any(words in text for words in (*SENTENCES, *FOUND))


def test_the_history_says_what_was_found_and_nothing_where_nothing_was(client, reader, found):
    flagged = client.submit().json["id"]
    found.clear()
    plain = client.submit().json["id"]
    items = reader.get(f"{BASE}/{flagged}/history").json["items"]
    (event,) = (item for item in items if item["action"] == "flagged")
    assert (event["actor"], event["detail"]) == ("system", " ".join(SENTENCES))
    assert [item["action"] for item in items].index("flagged") < len(items) - 1  # submitted came before
    assert "flagged" not in reader.get(f"{BASE}/{plain}/history").text


def test_the_longest_history_line_is_whole(client, rows, found):
    found.update(Flag)
    client.submit()
    (event,) = (event for event in rows(LeadEvent) if event.action == "flagged")
    assert all(sentence in event.detail for sentence in WARNINGS.values())


@pytest.mark.parametrize("trait", ["attorney", "manager"])
def test_whoever_is_alerted_is_warned_in_the_same_mail(client, given, rows, found, trait):
    person = given(UserFactory, *([] if trait == "attorney" else [trait]))
    with time_machine.travel(now() - timedelta(days=2)):  # managers are told of leads that wait once a day
        client.submit()
    found.clear()
    client.submit()
    warned, plain = (owed for owed in rows(Notification) if owed.recipient == person.email)
    for sentence in SENTENCES:
        assert f"- {sentence}\n" in warned.text
        assert f"<li>{sentence}</li>" in warned.html
    for text in (plain.text, plain.html):
        assert "take care" not in text
        assert "<ul>" not in text
    assert "\n\n\n" not in warned.text + plain.text


def test_whoever_gets_the_lead_later_is_warned_too(client, browser, given, rows):
    lead_id = client.submit().json["id"]
    amara = given(UserFactory)
    manager = browser().sign_in(given(UserFactory, "manager"))
    manager.put(f"{BASE}/{lead_id}/assignee", json={"user_id": str(amara.id)})
    (alert,) = (owed for owed in rows(Notification) if owed.recipient == amara.email)
    assert all(sentence in alert.text for sentence in SENTENCES)


def test_an_operator_sees_the_warnings(app, client):
    lead_id = client.submit().json["id"]
    runner = app.test_cli_runner()
    (shown,) = json.loads(runner.invoke(args=["leads", "show", lead_id, "--format", "json"]).stdout)
    assert shown["warnings"] == SENTENCES
    assert " ".join(SENTENCES) in runner.invoke(args=["leads", "show", lead_id]).stdout


@pytest.mark.parametrize("flag", list(Flag))
def test_a_file_with_any_warning_is_only_ever_downloaded(reader, given, flag):
    lead = given(LeadFactory, resume=given(DocumentFactory, flags=flag))
    inline, plain = (reader.get(f"{BASE}/{lead.id}/resume{query}") for query in ("?inline=1", ""))
    assert inline.headers["Content-Disposition"].startswith("attachment;")
    assert plain.headers["Content-Disposition"].startswith("attachment;")
    assert inline.data == plain.data
    assert list(inline.headers.keys()) == list(plain.headers.keys())
