"""DELETE and restore: a deleted lead is nowhere, and comes back as it was."""

from __future__ import annotations

import pytest

from leadintake.core.db.types import new_id
from leadintake.documents.models import Document
from leadintake.leads.models import Lead
from tests.factories import LeadFactory, UserFactory
from tests.support.leads import files_of, ids_of

BASE = "/internal/leads"


@pytest.fixture
def amara(given):
    return given(UserFactory)


@pytest.fixture
def manager(browser, given):
    return browser().sign_in(given(UserFactory, "manager"))


def test_a_deleted_lead_is_404_on_every_route_for_everybody(manager, browser, given, amara):
    lead = given(LeadFactory, assigned_to=amara)
    answer = manager.delete(f"{BASE}/{lead.id}")
    assert (answer.status_code, answer.data) == (204, b"")
    for one in (manager, browser().sign_in(amara), browser().sign_in(given(UserFactory, "admin"))):
        answers = [
            one.get(f"{BASE}/{lead.id}"),
            one.get(f"{BASE}/{lead.id}/resume"),
            one.get(f"{BASE}/{lead.id}/history"),
            one.get(f"{BASE}/{lead.id}/notifications"),
            one.patch(f"{BASE}/{lead.id}", json={"status": "REACHED_OUT"}),
            one.put(f"{BASE}/{lead.id}/assignee", json={"user_id": None}),
        ]
        assert [answer.status_code for answer in answers] == [404] * 6
    assert manager.delete(f"{BASE}/{lead.id}").status_code == 404


@pytest.mark.every_engine
def test_a_deleted_lead_is_in_no_list_count_search_or_export(manager, given, amara):
    twin = given(LeadFactory, email="jane@example.com", last_name="Doe")
    gone = given(LeadFactory, email="jane@example.com", last_name="Unusual", assigned_to=amara)
    assert manager.get(f"{BASE}/{twin.id}").json["duplicates"] == [str(gone.id)]
    manager.delete(f"{BASE}/{gone.id}")
    for query in (
        "",
        "q=jane",
        "q=unusual",
        "status=PENDING",
        f"assigned_to={amara.id}",
        "sort=email",
        "limit=1",
    ):
        answer = manager.get(f"{BASE}?{query}&count=true")
        assert str(gone.id) not in ids_of(answer), query
        assert answer.json["total"] == len(answer.json["items"]), query
    assert str(gone.id) not in manager.get(f"{BASE}.csv").text
    assert manager.get(f"{BASE}/{twin.id}").json["duplicates"] == []


def test_a_deleted_lead_weighs_on_nobody(manager, client, given, rows, amara):
    other = given(UserFactory)
    given(LeadFactory, assigned_to=other)
    for lead in [given(LeadFactory, assigned_to=amara) for _ in range(3)]:
        manager.delete(f"{BASE}/{lead.id}")
    client.submit()
    assert rows(Lead)[-1].assignee_id == amara.id


def test_the_row_and_the_file_are_kept_for_the_way_back(manager, app, given, rows, amara):
    lead = given(LeadFactory, assigned_to=amara)
    before = manager.get(f"{BASE}/{lead.id}").json
    manager.delete(f"{BASE}/{lead.id}")
    assert (len(rows(Lead)), len(rows(Document)), len(files_of(app))) == (1, 1, 1)
    answer = manager.post(f"{BASE}/{lead.id}/restore")
    assert answer.status_code == 200
    after = answer.json
    changing = ("version", "updated_at")
    assert {name: value for name, value in after.items() if name not in changing} == {
        name: value for name, value in before.items() if name not in changing
    }
    assert after["version"] > before["version"]
    assert answer.headers["ETag"].startswith(f'"{after["version"]}.')
    assert manager.get(f"{BASE}/{lead.id}").json == after
    with manager.get(f"{BASE}/{lead.id}/resume") as file:
        assert file.status_code == 200


def test_an_etag_from_before_the_deletion_is_stale_after_it(manager, given):
    lead = given(LeadFactory)
    etag = manager.get(f"{BASE}/{lead.id}").headers["ETag"]
    manager.delete(f"{BASE}/{lead.id}")
    manager.post(f"{BASE}/{lead.id}/restore")
    answer = manager.patch(f"{BASE}/{lead.id}", json={"status": "REACHED_OUT"}, headers={"If-Match": etag})
    assert answer.status_code == 412


def test_restoring_what_is_there_is_a_harmless_200(manager, given):
    lead = given(LeadFactory)
    answer = manager.post(f"{BASE}/{lead.id}/restore")
    assert (answer.status_code, answer.json["version"]) == (200, 1)


def test_what_never_was_can_neither_be_deleted_nor_restored(manager):
    assert manager.delete(f"{BASE}/{new_id()}").status_code == 404
    assert manager.post(f"{BASE}/{new_id()}/restore").status_code == 404


def test_deleting_keeps_to_an_if_match(manager, given):
    lead = given(LeadFactory)
    assert manager.delete(f"{BASE}/{lead.id}", headers={"If-Match": '"2"'}).status_code == 412
    assert manager.get(f"{BASE}/{lead.id}").status_code == 200
    assert manager.delete(f"{BASE}/{lead.id}", headers={"If-Match": '"1"'}).status_code == 204


@pytest.mark.parametrize("role", ["attorney", "viewer"])
def test_only_a_manager_or_an_admin_may(browser, given, amara, role):
    lead, gone = given(LeadFactory, assigned_to=amara), given(LeadFactory, "deleted", assigned_to=amara)
    one = browser().sign_in(amara if role == "attorney" else given(UserFactory, role))
    assert one.delete(f"{BASE}/{lead.id}").status_code == 403
    assert one.post(f"{BASE}/{gone.id}/restore").status_code == 403
    assert one.get(f"{BASE}/{lead.id}").status_code == 200
    admin = browser().sign_in(given(UserFactory, "admin"))
    assert admin.delete(f"{BASE}/{lead.id}").status_code == 204
    assert admin.post(f"{BASE}/{lead.id}/restore").status_code == 200


def test_the_token_is_asked_for(manager, given):
    lead = given(LeadFactory)
    manager.csrf_token = None
    assert manager.delete(f"{BASE}/{lead.id}").status_code == 403
    assert manager.post(f"{BASE}/{lead.id}/restore").status_code == 403
    assert manager.get(f"{BASE}/{lead.id}").status_code == 200


@pytest.mark.every_engine
def test_a_change_of_a_deleted_twin_does_not_disturb_it(manager, client, given):
    gone = client.submit(email="jane@example.com").json["id"]
    manager.delete(f"{BASE}/{gone}")
    fresh = client.submit(email="jane@example.com").json["id"]
    assert manager.get(f"{BASE}/{fresh}").json["duplicates"] == []
    assert manager.post(f"{BASE}/{gone}/restore").json["duplicates"] == [fresh]
    assert manager.get(f"{BASE}/{fresh}").json["duplicates"] == [gone]


def test_the_outbox_forgets_a_deleted_lead_and_remembers_it_when_it_is_back(app, client, browser, given):
    given(UserFactory)
    lead_id = client.submit().json["id"]
    manager = browser().sign_in(given(UserFactory, "manager"))

    def owed() -> int:
        return len(manager.get("/internal/notifications").json["items"])

    def proved() -> int:
        return app.test_cli_runner().invoke(args=["outbox", "prove", lead_id]).exit_code

    assert (owed(), proved()) == (2, 0)
    assert manager.delete(f"/internal/leads/{lead_id}").status_code == 204
    assert (owed(), proved()) == (0, 1)
    assert app.test_cli_runner().invoke(args=["worker", "--drain"]).stdout == "0 message(s) handled.\n"
    assert manager.post(f"/internal/leads/{lead_id}/restore").status_code == 200
    assert (owed(), proved()) == (2, 0)
    assert app.test_cli_runner().invoke(args=["worker", "--drain"]).stdout == "2 message(s) handled.\n"
