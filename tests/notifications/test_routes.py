"""The outbox over JSON: what is owed, sent and failed, and sending again."""

from __future__ import annotations

import uuid

import pytest

from leadintake.core.db.transaction import transaction
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.service import notifications
from tests.factories import LeadFactory, NotificationFactory, ScreenFactory, UserFactory
from tests.support.outbox import at, deliver

URL = "/internal/notifications"


@pytest.fixture
def manager(client, given):
    return client.sign_in(given(UserFactory, "manager"))


def test_a_message_is_shown_without_its_words(manager, given):
    with at():
        owed = given(NotificationFactory, "failed", recipient="amara@firm.example.com", attempts=3)
    answer = manager.get(URL)
    assert answer.status_code == 200
    assert answer.json == {
        "items": [
            {
                "id": str(owed.id),
                "kind": "attorney_alert",
                "recipient": "amara@firm.example.com",
                "lead_id": None,
                "status": "failed",
                "attempts": 3,
                "last_error": "550 no such user",
                "due_at": None,
                "sent_at": None,
                "created_at": "2026-03-01T12:00:00Z",
            }
        ],
        "next_cursor": None,
    }


@pytest.mark.every_engine
def test_pages_are_complete_newest_first_and_without_repeats_while_messages_arrive(manager, given):
    made = []
    for minute in range(5):
        with at(minutes=minute // 2):  # some at the same moment
            made.append(str(given(NotificationFactory).id))
    seen, cursor = [], None
    while True:
        page = manager.get(URL, query_string={"limit": 2} | ({"cursor": cursor} if cursor else {})).json
        assert "items" in page, page
        seen += [item["id"] for item in page["items"]]
        with at(hours=1):
            given(NotificationFactory)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == made[::-1]


@pytest.mark.parametrize("status", list(Status)[:2])
def test_messages_of_one_status_can_be_asked_for(manager, given, status):
    for one in Status:
        given(NotificationFactory, status=one)
    items = manager.get(URL, query_string={"status": status}).json["items"]
    assert [item["status"] for item in items] == [status]


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("status=lost", {"status"}),
        ("limit=0", {"limit"}),
        ("limit=201&status=x&more=1", {"limit", "status", "more"}),
        ("limit=ten", {"limit"}),
        ("cursor=x", {"cursor"}),
        ("cursor=%00", {"cursor"}),
        ("limit=1&limit=2", {"limit"}),
    ],
)
def test_every_wrong_parameter_is_named(manager, query, wrong):
    answer = manager.get(f"{URL}?{query}")
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == wrong


def test_a_cursor_belongs_to_its_filter(manager, given):
    for _ in range(2):
        given(NotificationFactory)
    cursor = manager.get(f"{URL}?limit=1").json["next_cursor"]
    answer = manager.get(URL, query_string={"status": "queued", "cursor": cursor})
    assert answer.status_code == 422
    assert set(answer.json["errors"]) == {"cursor"}


@pytest.mark.parametrize("role", ["manager", "admin"])
@pytest.mark.parametrize("trait", ["failed", "waiting"])
def test_a_message_that_failed_or_waits_is_sent_again_now(app, client, given, rows, role, trait):
    client.sign_in(given(UserFactory, role))
    with at(days=9000):  # due in a distant future
        owed = given(NotificationFactory, **{"failed": True} if trait == "failed" else {})
    answer = client.post(f"{URL}/{owed.id}/retry")
    assert answer.status_code == 200
    assert (answer.json["id"], answer.json["status"]) == (str(owed.id), "queued")
    assert deliver(app) == 1
    assert rows(Notification)[0].status is Status.SENT


@pytest.mark.parametrize("status", [Status.SENT, Status.SENDING])
def test_a_message_sent_or_on_its_way_is_a_conflict(manager, given, rows, status):
    owed = given(NotificationFactory, status=status, due_at=None)
    answer = manager.post(f"{URL}/{owed.id}/retry")
    assert answer.status_code == 409
    assert answer.content_type == "application/problem+json"
    assert (rows(Notification)[0].status, rows(Notification)[0].due_at) == (status, None)


@pytest.mark.parametrize(
    "which", [str(uuid.UUID(int=0)), "1", "x", "%00", str(uuid.UUID(int=0)).upper() + "0"]
)
def test_a_message_that_is_not_there_is_not_found(manager, which):
    assert manager.post(f"{URL}/{which}/retry").status_code == 404


@pytest.mark.parametrize("role", ["viewer", "attorney"])
def test_only_those_who_look_after_it_see_or_change_the_outbox(client, given, rows, role):
    owed = given(NotificationFactory, "failed")
    person = given(UserFactory, "viewer") if role == "viewer" else given(UserFactory)
    assert client.get(URL).status_code == 401
    client.sign_in(person)
    assert client.get(URL).status_code == 403
    assert client.post(f"{URL}/{owed.id}/retry").status_code == 403
    assert client.post(f"{URL}/{uuid.UUID(int=0)}/retry").status_code == 403
    assert rows(Notification)[0].status is Status.FAILED


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_messages_about_a_lead_one_is_barred_from_are_not_there(app, client, given, rows, role):
    person, lead = given(UserFactory, role), given(LeadFactory)
    hidden = given(NotificationFactory, "failed", lead_id=lead.id)
    shown = [given(NotificationFactory, "failed", lead_id=given(LeadFactory).id), given(NotificationFactory)]
    given(ScreenFactory, lead_id=lead.id, user=person)
    client.sign_in(person)
    assert {item["id"] for item in client.get(URL).json["items"]} == {str(one.id) for one in shown}
    assert client.get(f"{URL}?limit=2").json["next_cursor"] is None
    assert client.post(f"{URL}/{hidden.id}/retry").status_code == 404
    assert client.post(f"{URL}/{shown[0].id}/retry").status_code == 200
    with app.app_context(), transaction():
        assert notifications.retry_all_failed(actor=person) == 0
    assert rows(Notification)[0].status is Status.FAILED
