"""One key, one submission: the header Idempotency-Key and the field submission_id."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from leadintake.documents.models import Document
from leadintake.leads.intake import keys
from leadintake.leads.models import Lead, LeadEvent
from leadintake.notifications.models import Notification
from tests.factories import UserFactory
from tests.support.client import PDF
from tests.support.leads import files_of, nothing_is_kept

KEY = "0190f0c1-7b1e-7c3a-9d2e-0123456789ab"
OTHER_PDF = PDF.replace(b"Jane", b"Joan")


def kept_once(app, rows) -> bool:
    """Whether there is one lead, one file, one alert, one confirmation."""
    kinds = sorted(owed.kind for owed in rows(Notification))
    return (
        [len(rows(Lead)), len(rows(Document)), len(files_of(app))] == [1, 1, 1]
        and kinds == ["attorney_alert", "prospect_confirmation"]
        and len(rows(LeadEvent)) == 2
    )


@pytest.mark.every_engine
def test_the_same_again_is_answered_the_same_and_kept_once(client, app, given, rows):
    given(UserFactory)
    first = client.submit(key=KEY)
    assert first.status_code == 201
    assert "Idempotency-Replayed" not in first.headers
    ways = (
        {"key": KEY},
        {"key": f'"{KEY}"'},
        {"submission_id": KEY},
        {"submission_id": f" {KEY} "},
        {"key": KEY, "submission_id": KEY},
    )
    for way in ways:
        again = client.submit(**way)
        assert (again.status_code, again.json) == (201, first.json), way
        assert again.headers["Idempotency-Replayed"] == "true"
    assert kept_once(app, rows)


def test_a_replay_is_told_the_first_answer_whatever_became_of_the_lead(client, app, given, rows, browser):
    attorney, manager = given(UserFactory), given(UserFactory, "manager")
    first = client.submit(key=KEY, practice_area="family", language="es")
    address = f"/internal/leads/{first.json['id']}"
    assert browser().sign_in(attorney).patch(address, json={"status": "REACHED_OUT"}).status_code == 200
    later = client.submit(key=KEY, practice_area="family", language="es")
    assert (later.status_code, later.json, later.json["status"]) == (201, first.json, "PENDING")
    assert browser().sign_in(manager).delete(address).status_code == 204
    deleted = client.submit(key=KEY, practice_area="family", language="es")
    assert (deleted.status_code, deleted.json) == (201, first.json)
    assert deleted.headers["Idempotency-Replayed"] == "true"
    assert len(rows(Lead)) == len(files_of(app)) == 1
    assert rows(Lead)[0].deleted_at is not None


def test_the_same_key_with_other_content_is_422(client, app, given, rows):
    given(UserFactory)
    client.submit(key=KEY)
    changes = [
        {"first_name": "Joan"},
        {"last_name": "Dough"},
        {"email": "joan@example.com"},
        {"practice_area": "family"},
        {"language": "es"},
        {"resume_file": (io.BytesIO(OTHER_PDF), "resume.pdf")},
        {"resume_file": (io.BytesIO(PDF), "other.pdf")},
    ]
    for change in changes:
        refused = client.submit(key=KEY, **change)
        assert refused.status_code == 422, change
        assert list(refused.json["errors"]) == ["submission_id"], change
    assert kept_once(app, rows)
    assert client.submit(key=KEY).headers["Idempotency-Replayed"] == "true"


def test_what_means_the_same_is_the_same_content(client, app, given, rows):
    given(UserFactory)
    client.submit(key=KEY, first_name="José", email="jane@example.com")
    again = client.submit(key=KEY, first_name=" Jose\u0301 ", email="jane@EXAMPLE.com", language="")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert kept_once(app, rows)


def test_a_header_that_contradicts_the_field_is_422(client, app, rows):
    refused = client.submit(key="one", submission_id="two")
    assert refused.status_code == 422
    assert list(refused.json["errors"]) == ["submission_id"]
    assert nothing_is_kept(app, rows)


def test_a_key_of_255_visible_characters_is_taken_and_no_other(client, rows):
    assert client.submit(key="~" * 255).status_code == 201
    assert client.submit(submission_id="!" * 255).status_code == 201
    for bad in ("x" * 256, "two words", "schlüssel", "tab\tbed", "\x7f", "a\x00b", "\u200b"):
        refused = client.submit(submission_id=bad)
        assert refused.status_code == 422, ascii(bad)
        assert list(refused.json["errors"]) == ["submission_id"]
    for bad in ("x" * 256, "two words", "schlüssel"):
        assert client.submit(key=bad).status_code == 422
    assert len(rows(Lead)) == 2


def test_keys_are_told_apart_to_the_letter(client, rows):
    for key in ("key", "Key", "KEY", "key.", "ke"):
        assert "Idempotency-Replayed" not in client.submit(key=key).headers
    assert len(rows(Lead)) == 5


def test_without_a_key_equal_posts_are_two_leads(client, rows):
    for key in (None, None, "", '""'):
        assert "Idempotency-Replayed" not in client.submit(key=key, submission_id="").headers
    assert len(rows(Lead)) == 4


def test_a_refused_post_uses_no_key_up(client, rows):
    assert client.submit(key=KEY, email="no").status_code == 422
    mended = client.submit(key=KEY)
    assert mended.status_code == 201
    assert "Idempotency-Replayed" not in mended.headers


@pytest.mark.every_engine
def test_while_the_first_is_in_progress_the_same_key_is_409(app, browser, given, rows, monkeypatch):
    given(UserFactory)
    monkeypatch.setattr(keys, "WAIT_SECONDS", 0.05)
    storage = app.extensions["leadintake.storage"]
    begun, go_on, save = threading.Event(), threading.Event(), storage.save

    def slow(key, stream):
        begun.set()
        assert go_on.wait(30)
        return save(key, stream)

    monkeypatch.setattr(storage, "save", slow)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(lambda: browser().submit(key=KEY))
        try:
            assert begun.wait(30)
            refused = browser().submit(key=KEY)
            other = browser().submit(key=KEY, first_name="Joan")
        finally:
            go_on.set()
        made = first.result(timeout=30)
    assert (refused.status_code, other.status_code) == (409, 409)
    assert refused.content_type == "application/problem+json"
    assert int(refused.headers["Retry-After"]) > 0
    assert made.status_code == 201
    assert kept_once(app, rows)
    assert browser().submit(key=KEY).json == made.json


@pytest.mark.every_engine
def test_a_second_that_waits_long_enough_gets_the_first_answer(app, browser, given, rows, monkeypatch):
    given(UserFactory)
    monkeypatch.setattr(keys, "WAIT_SECONDS", 30)
    storage = app.extensions["leadintake.storage"]
    begun, go_on, save = threading.Event(), threading.Event(), storage.save

    def slow(key, stream):
        begun.set()
        assert go_on.wait(30)
        return save(key, stream)

    monkeypatch.setattr(storage, "save", slow)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(lambda: browser().submit(key=KEY))
        assert begun.wait(30)
        second = threads.submit(lambda: browser().submit(key=KEY))
        go_on.set()
        answers = [first.result(timeout=30), second.result(timeout=30)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert answers[0].json == answers[1].json
    assert kept_once(app, rows)


def test_a_known_address_is_answered_exactly_like_a_new_one(client, given, rows):
    given(UserFactory)
    new = client.submit(email="jane@example.com")
    known = client.submit(email="jane@example.com")
    other = client.submit(email="joan@example.com")
    for answer in (known, other):
        assert answer.status_code == new.status_code == 201
        assert answer.json.keys() == new.json.keys()
        assert answer.json["resume"] == new.json["resume"]
        assert [name for name, _ in answer.headers] == [name for name, _ in new.headers]
    assert len({known.json["id"], new.json["id"], other.json["id"]}) == 3
    owed = sorted(
        (one.kind, one.subject.partition(":")[0])
        for one in rows(Notification)
        if one.recipient == "jane@example.com"
    )
    assert owed == [("prospect_confirmation", "We received your information")] * 2


def test_the_answer_says_nothing_of_attorneys_paths_or_keys(client, given, rows):
    amara = given(UserFactory, name="Amara Attorney", email="amara@firm.example.com")
    answer = client.submit(key=KEY)
    secrets = (amara.email, amara.name, str(amara.id), KEY, rows(Document)[0].key, rows(Document)[0].sha256)
    assert not [secret for secret in secrets if secret in answer.text or secret in str(answer.headers)]
    assert "Location" not in answer.headers
