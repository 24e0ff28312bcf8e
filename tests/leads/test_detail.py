"""GET /internal/leads/{id}, its history and its messages; the ETag stands for all the detail shows."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
import time_machine

from leadintake.core.db.database import db
from leadintake.core.db.types import new_id
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, NotificationFactory, UserFactory
from tests.support.leads import WORK

BASE = "/internal/leads"


@pytest.fixture
def manager(browser, given):
    """A manager who is signed in."""
    return browser().sign_in(given(UserFactory, "manager"))


def etag_of(reader, lead_id: object) -> str:
    """The ETag of the lead now; it must begin with its version."""
    answer = reader.get(f"{BASE}/{lead_id}")
    assert answer.status_code == 200
    assert answer.headers["ETag"].startswith(f'"{answer.json["version"]}.')
    return answer.headers["ETag"]


def test_a_detail_is_the_summary_and_how_it_came_to_be(manager, client, given):
    amara = given(UserFactory, name="Amara")
    lead_id = client.submit().json["id"]
    other_id = client.submit().json["id"]
    answer = manager.get(f"{BASE}/{lead_id}")
    assert answer.headers["Cache-Control"] == "no-store"
    summary = next(item for item in manager.get(BASE).json["items"] if item["id"] == lead_id)
    extra = {name: value for name, value in answer.json.items() if name not in summary}
    assert {name: answer.json[name] for name in summary} == summary
    notes = {"outcome_note", "outcome_at", "follow_up_note"}
    assert extra.keys() == {"assignment", "duplicates", "allowed", *notes}
    assert extra["assignment"].keys() == {"strategy", "reason", "decided_at"}
    assert "Amara" in extra["assignment"]["reason"]
    assert extra["assignment"]["decided_at"].endswith("Z")
    assert extra["duplicates"] == [other_id]
    assert summary["assigned_to"]["id"] == str(amara.id)


def test_what_is_allowed_depends_on_who_asks_and_on_the_lead(browser, given):
    amara, other = given(UserFactory), given(UserFactory)
    people = {
        "assignee": browser().sign_in(amara),
        "other": browser().sign_in(other),
        "viewer": browser().sign_in(given(UserFactory, "viewer")),
        "manager": browser().sign_in(given(UserFactory, "manager")),
        "admin": browser().sign_in(given(UserFactory, "admin")),
    }
    owned, free = given(LeadFactory, assigned_to=amara), given(LeadFactory)

    def allowed(lead) -> dict[str, list[str]]:
        return {who: one.get(f"{BASE}/{lead.id}").json["allowed"] for who, one in people.items()}

    work = [*WORK]
    everything = ["change_status", "assign", "delete", *work]
    assert allowed(owned) == {
        "assignee": ["change_status", "decline", *work], "other": ["note"], "viewer": [],
        "manager": everything, "admin": everything,
    }  # fmt: skip
    assert allowed(free)["assignee"] == allowed(free)["other"] == ["take", "note"]
    assert set(allowed(free)["manager"]) == {*everything, "take"}
    assert allowed(free)["viewer"] == []


def test_a_lead_that_never_was_is_404(manager):
    for address in (new_id(), "0190F0C1-7B1E-7C3A-9D2E-0123456789AB", "1", "me", "..%2fusers", "%00"):
        answer = manager.get(f"{BASE}/{address}")
        assert answer.status_code == 404, address
        assert answer.content_type == "application/problem+json"


def test_an_id_in_capitals_is_the_same_lead(manager, given):
    lead = given(LeadFactory)
    assert manager.get(f"{BASE}/{str(lead.id).upper()}").json["id"] == str(lead.id)


def test_no_detail_takes_a_query(manager, given):
    lead = given(LeadFactory)
    for more in ("", "/history", "/notifications"):
        answer = manager.get(f"{BASE}/{lead.id}{more}?x=1")
        assert (answer.status_code, list(answer.json["errors"])) == (422, ["x"])


@pytest.mark.every_engine
def test_whatever_changes_the_detail_raises_the_version(manager, client, given):
    amara, bruno = given(UserFactory), given(UserFactory)
    lead = client.submit(email="jane@example.com").json["id"]
    address = f"{BASE}/{lead}"
    seen = [etag_of(manager, lead)]
    details = [manager.get(address).json]

    def changed() -> None:
        seen.append(etag_of(manager, lead))
        details.append(manager.get(address).json)
        assert details[-1]["version"] > details[-2]["version"]
        assert details[-1]["updated_at"] > details[-2]["updated_at"]

    new_owner = bruno if details[-1]["assigned_to"]["id"] == str(amara.id) else amara
    manager.put(f"{address}/assignee", json={"user_id": str(new_owner.id)})
    changed()
    manager.put(f"{address}/assignee", json={"user_id": None})
    changed()
    manager.patch(address, json={"status": "REACHED_OUT"})
    changed()
    manager.delete(address)
    manager.post(f"{address}/restore")
    changed()


@pytest.mark.every_engine
def test_a_twin_that_comes_or_goes_changes_the_etag_and_neither_version_nor_time(manager, client, given):
    given(UserFactory)
    lead = client.submit(email="jane@example.com").json["id"]
    before = manager.get(f"{BASE}/{lead}")
    twin = f"{BASE}/{client.submit(email='jane@example.com').json['id']}"
    acts = [
        lambda: manager.delete(twin),
        lambda: manager.post(f"{twin}/restore"),
        lambda: manager.put(f"{twin}/assignee", json={"user_id": None}),
    ]
    tags = [before.headers["ETag"], etag_of(manager, lead)]
    for act in acts:
        assert act().status_code < 300
        tags.append(etag_of(manager, lead))
    assert [tag == tags[0] for tag in tags] == [True, False, True, False, False]
    after = manager.get(f"{BASE}/{lead}").json
    assert {**after, "duplicates": []} == before.json


def test_what_a_stranger_posts_makes_no_change_of_a_colleague_stale(manager, client, given):
    amara = given(UserFactory)
    lead = client.submit(email="jane@example.com").json["id"]
    seen = etag_of(manager, lead)
    client.submit(email="jane@example.com")
    assert etag_of(manager, lead) != seen
    answer = manager.put(
        f"{BASE}/{lead}/assignee", json={"user_id": str(amara.id)}, headers={"If-Match": seen}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ('"1"', 200),
        ('"1.0"', 200),
        ('"1.anything.at all"', 200),
        ('"7", "1.x"', 200),
        ("*", 200),
        ("1", 200),
        ('"2"', 412),
        ('"2.1"', 412),
        ('"11"', 412),
        ('"01"', 412),
        ('""', 412),
        ('"."', 412),
        ('".1"', 412),
        ("", 412),
        ('W/"1"', 412),
        ('W/"1.x"', 412),
        ('"1', 412),
        ('"\u00e9"', 412),
    ],
)
def test_an_if_match_is_judged_by_the_version_part_alone(manager, given, sent, status):
    lead = given(LeadFactory)
    headers = {"If-Match": sent}
    assert manager.delete(f"{BASE}/{lead.id}", headers=headers).status_code == (204 if status == 200 else 412)


def test_an_if_none_match_is_judged_by_the_whole(manager, client, given):
    given(UserFactory)
    lead = client.submit(email="jane@example.com").json["id"]
    seen = etag_of(manager, lead)
    same = manager.get(f"{BASE}/{lead}", headers={"If-None-Match": f'"x", W/{seen}'})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", seen)
    for other in ('"1"', '"1.x"', '""', "x"):
        assert manager.get(f"{BASE}/{lead}", headers={"If-None-Match": other}).status_code == 200
    client.submit(email="jane@example.com")
    assert manager.get(f"{BASE}/{lead}", headers={"If-None-Match": seen}).status_code == 200


def test_a_new_name_of_its_attorney_is_no_answer_of_yesterday(browser, given):
    amara = given(UserFactory, name="Amara")
    lead = given(LeadFactory, assigned_to=amara)
    admin = browser().sign_in(given(UserFactory, "admin"))
    seen = etag_of(admin, lead.id)
    admin.patch(f"/internal/users/{amara.id}", json={"name": "Amara Okafor"})
    answer = admin.get(f"{BASE}/{lead.id}", headers={"If-None-Match": seen})
    assert answer.json["assigned_to"]["name"] == "Amara Okafor"


@pytest.mark.every_engine
def test_a_submission_to_an_address_with_many_leads_rewrites_none_of_them(app, client, given):
    given(UserFactory)

    def rows_written() -> int:
        written = []

        def note(_connection, cursor, statement, *_rest) -> None:
            if statement.lstrip().upper().startswith("UPDATE LEADS"):
                written.append(cursor.rowcount)

        with app.app_context():
            sa.event.listen(db.engine, "after_cursor_execute", note)
            assert client.submit(email="jane@example.com").status_code == 201
            sa.event.remove(db.engine, "after_cursor_execute", note)
        return sum(written)

    for _ in range(20):
        client.submit(email="jane@example.com")
    assert rows_written() == 0


def test_what_changes_nothing_leaves_the_version(manager, client, given):
    amara = given(UserFactory)
    lead = client.submit(key="k", email="jane@example.com").json["id"]
    address = f"{BASE}/{lead}"
    manager.patch(address, json={"status": "REACHED_OUT"})
    before = etag_of(manager, lead)
    assert manager.patch(address, json={"status": "REACHED_OUT"}).status_code == 200
    assert manager.put(f"{address}/assignee", json={"user_id": str(amara.id)}).status_code == 200
    assert manager.post(f"{address}/restore").status_code == 200
    assert client.submit(key="k", email="jane@example.com").status_code == 201
    client.submit(email="joan@example.com")
    client.submit(email="j.ane@example.com")
    client.submit(email="jane@example.com", last_name="")
    manager.get(f"{address}/resume").close()
    assert etag_of(manager, lead) == before


@pytest.mark.every_engine
def test_the_duplicates_are_those_of_one_mailbox_the_newest_first(manager, client, given):
    spellings = ["josé@example.com", "josé@example.com", "José@example.com", "josé+law@Example.com"]
    first, *others = [client.submit(email=email).json["id"] for email in spellings]
    client.submit(email="jose@example.com")
    assert manager.get(f"{BASE}/{first}").json["duplicates"] == others[::-1]


@pytest.mark.every_engine
def test_the_history_tells_all_newest_first_even_within_one_instant(manager, client, browser, given):
    amara = given(UserFactory, email="amara@firm.example.com", name="Amara")
    with time_machine.travel("2026-05-04T10:00:00Z", tick=False):
        manager = browser().sign_in(given(UserFactory, "manager", email="max@firm.example.com"))
        lead = client.submit().json["id"]
        address = f"{BASE}/{lead}"
        manager.put(f"{address}/assignee", json={"user_id": None})
        manager.put(f"{address}/assignee", json={"user_id": str(amara.id)})
        browser().sign_in(amara).patch(address, json={"status": "REACHED_OUT"})
        manager.delete(address)
        manager.post(f"{address}/restore")
        items = manager.get(f"{address}/history").json["items"]
    assert all(item.keys() == {"at", "actor", "action", "detail"} for item in items)
    assert {item["at"] for item in items} == {"2026-05-04T10:00:00Z"}
    assert [(item["actor"], item["action"]) for item in items[::-1]] == [
        ("prospect", "submitted"),
        ("system", "assigned"),
        ("max@firm.example.com", "assigned"),
        ("max@firm.example.com", "assigned"),
        ("amara@firm.example.com", "reached_out"),
        ("max@firm.example.com", "deleted"),
        ("max@firm.example.com", "restored"),
    ]
    details = [item["detail"] for item in items[::-1]]
    assert "resume.pdf" in details[0]
    assert details[1].startswith("to amara@firm.example.com: Amara had 0 open leads")
    assert details[2:4] == ["to nobody", "to amara@firm.example.com"]


def test_what_was_refused_is_not_in_the_history(manager, given, browser):
    lead = given(LeadFactory, "reached_out")
    manager.put(f"{BASE}/{lead.id}/assignee", json={"user_id": str(new_id())})
    browser().sign_in(given(UserFactory)).patch(f"{BASE}/{lead.id}", json={"status": "REACHED_OUT"})
    assert manager.get(f"{BASE}/{lead.id}/history").json == {"items": []}


def test_the_messages_about_a_lead_are_told_without_their_words(manager, client, given, rows):
    amara = given(UserFactory)
    lead = client.submit().json["id"]
    given(NotificationFactory, "failed", lead_id=rows(Notification)[0].lead_id, recipient="late@example.com")
    given(NotificationFactory)  # about no lead
    items = manager.get(f"{BASE}/{lead}/notifications").json["items"]
    assert [(item["kind"], item["recipient"], item["status"]) for item in items] == [
        ("attorney_alert", amara.email, "queued"),
        ("prospect_confirmation", "jane@example.com", "queued"),
        ("attorney_alert", "late@example.com", "failed"),
    ]
    assert items[0] == {
        "kind": "attorney_alert", "recipient": amara.email, "status": "queued",
        "attempts": 0, "sent_at": None,
    }  # fmt: skip
