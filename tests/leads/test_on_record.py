"""Who read, took and changed what is on record: over HTTP and by command, and no word of a client."""

from __future__ import annotations

import json

import pytest

from leadintake.audit.models import AuditEntry
from leadintake.core.db.types import new_id
from leadintake.leads.models import Lead
from tests.factories import LeadFactory, NotificationFactory, ScreenFactory, UserFactory


@pytest.fixture
def boss(given):
    return given(UserFactory, "manager")


@pytest.fixture
def manager(browser, boss):
    return browser().sign_in(boss)


@pytest.fixture
def amara(given):
    return given(UserFactory)


@pytest.fixture
def recorded(rows):
    """What is on record about leads: who did it, what, to which lead, and the detail."""

    def read():
        return [
            (one.actor_kind, one.actor_id, one.action, one.subject_id, json.loads(one.detail))
            for one in sorted(rows(AuditEntry), key=lambda one: one.number)
            if one.action.startswith("lead")
        ]

    return read


@pytest.fixture
def run(app):
    """Run `flask leads …`."""

    def invoke(*words):
        done = app.test_cli_runner().invoke(args=["leads", *map(str, words)])
        assert done.exit_code == 0, done.stderr

    return invoke


def test_reading_is_on_record(manager, boss, given, recorded):
    lead = given(LeadFactory)
    address = f"/internal/leads/{lead.id}"
    for path in (
        address, f"{address}/history", f"{address}/notifications", f"{address}/screens",
        f"{address}/resume", f"{address}/resume?inline=1",
        "/internal/leads?q=jane&status=PENDING&sort=email&limit=5",
        f"/internal/leads.csv?assigned_to={boss.id}",
    ):  # fmt: skip
        assert manager.get(path).status_code == 200
    actor = ("user", boss.id)
    assert recorded() == [
        (*actor, "lead.read", lead.id, {"what": "detail"}),
        (*actor, "lead.read", lead.id, {"what": "history"}),
        (*actor, "lead.read", lead.id, {"what": "notifications"}),
        (*actor, "lead.screens_read", lead.id, {}),
        (*actor, "lead.downloaded", lead.id, {"inline": False}),
        (*actor, "lead.downloaded", lead.id, {"inline": True}),
        (*actor, "leads.listed", None, {"filters": ["status", "q"]}),
        (*actor, "leads.exported", None, {"filters": ["assigned_to"]}),
    ]


@pytest.mark.every_engine
def test_changes_are_on_record(manager, boss, given, recorded, amara):
    lead = given(LeadFactory)
    address = f"/internal/leads/{lead.id}"
    for user_id in (str(amara.id), None):
        manager.put(f"{address}/assignee", json={"user_id": user_id})
    manager.patch(address, json={"status": "REACHED_OUT"})
    manager.post(f"{address}/screens", json={"user_id": str(amara.id), "notice": "Her neighbour."})
    manager.delete(f"{address}/screens/{amara.id}")
    manager.delete(address)
    manager.post(f"{address}/restore")
    actor = ("user", boss.id)
    assert recorded() == [
        (*actor, "lead.assigned", lead.id, {"to": str(amara.id)}),
        (*actor, "lead.assigned", lead.id, {"to": None}),
        (*actor, "lead.reached_out", lead.id, {}),
        (*actor, "lead.screened", lead.id, {"user": str(amara.id)}),
        (*actor, "lead.screen_lifted", lead.id, {"user": str(amara.id)}),
        (*actor, "lead.deleted", lead.id, {}),
        (*actor, "lead.restored", lead.id, {}),
    ]


def test_who_had_the_lead_they_are_barred_from_lost_it_on_record(manager, given, recorded, amara):
    lead = given(LeadFactory, assigned_to=amara)
    body = {"user_id": str(amara.id), "notice": "Her neighbour."}
    manager.post(f"/internal/leads/{lead.id}/screens", json=body)
    assert [(action, detail) for _, _, action, _, detail in recorded()] == [
        ("lead.screened", {"user": str(amara.id)}),
        ("lead.handed_on", {"cause": "screened", "to": None}),
    ]


def test_an_inherited_screen_is_on_record(client, given, rows, recorded, amara):
    given(ScreenFactory, lead_id=given(LeadFactory, email="jane@example.com").id, user=amara)
    client.submit()
    lead = rows(Lead)[-1]
    assert recorded() == [("system", None, "lead.screened", lead.id, {"user": str(amara.id)})]


def test_an_operator_is_on_record_too_and_as_the_operator(run, given, recorded, amara):
    lead = given(LeadFactory)
    run("list", "--status", "PENDING")
    run("show", lead.id, "--as", amara.email)
    run("explain", lead.id)
    run("export", "--as", amara.email)
    run("reassign", lead.id, amara.email)
    run("screen", lead.id, amara.email, "--notice", "Her neighbour.")
    run("screens", lead.id)
    run("unscreen", lead.id, amara.email)
    actor = ("operator", None)
    assert recorded() == [
        (*actor, "leads.listed", None, {"filters": ["status"]}),
        (*actor, "lead.read", lead.id, {"what": "detail"}),
        (*actor, "lead.read", lead.id, {"what": "explanation"}),
        (*actor, "leads.exported", None, {"filters": []}),
        (*actor, "lead.assigned", lead.id, {"to": str(amara.id)}),
        (*actor, "lead.screened", lead.id, {"user": str(amara.id)}),
        (*actor, "lead.handed_on", lead.id, {"cause": "screened", "to": None}),
        (*actor, "lead.screens_read", lead.id, {}),
        (*actor, "lead.screen_lifted", lead.id, {"user": str(amara.id)}),
    ]


def test_what_was_refused_is_not_on_record_what_changed_nothing_was_read(
    manager, given, app, recorded, amara
):
    lead = given(LeadFactory, "reached_out", assigned_to=amara)
    address = f"/internal/leads/{lead.id}"
    assert manager.get(f"/internal/leads/{new_id()}").status_code == 404
    assert manager.get(f"{address}?x=1").status_code == 422
    assert manager.get("/internal/leads?cursor=x").status_code == 422
    assert manager.get("/internal/leads.csv?q=%00").status_code == 422
    assert manager.put(f"{address}/assignee", json={"user_id": str(new_id())}).status_code == 422
    assert manager.put(f"{address}/assignee", json={"user_id": str(amara.id)}).status_code == 200
    stale = {"If-Match": '"99"'}
    assert manager.patch(address, json={"status": "PENDING"}, headers=stale).status_code == 412
    assert manager.patch(address, json={"status": "REACHED_OUT"}).status_code == 200
    assert manager.post(f"{address}/restore").status_code == 200
    assert manager.delete(f"{address}/screens/{amara.id}").status_code == 404
    assert (
        manager.post(f"{address}/screens", json={"user_id": str(amara.id), "notice": ""}).status_code == 422
    )
    with app.app_context():
        app.extensions["leadintake.storage"].delete(lead.resume.key)
    assert manager.get(f"{address}/resume").status_code >= 404
    assert [one[-3] for one in recorded()] == ["lead.read"] * 3  # which is all that came of these acts


def test_no_word_of_a_client_is_in_the_trail(manager, given, rows):
    lead = given(LeadFactory, first_name="Zerlina", last_name="Quux", email="zerlina@example.net")
    message = given(NotificationFactory, "failed", lead_id=lead.id)
    manager.get("/internal/leads?q=zerlina+quux")
    manager.get(f"/internal/leads/{lead.id}")
    manager.post(f"/internal/notifications/{message.id}/retry")
    written = " ".join(f"{entry.detail} {entry.action}" for entry in rows(AuditEntry)).lower()
    assert str(message.id) in written
    assert "zerlina" not in written
    assert "quux" not in written


def test_sending_a_message_again_is_on_record_about_its_lead(manager, given, rows):
    """Whoever is barred from the lead may not read of its messages either."""
    lead = given(LeadFactory)
    for about in (lead.id, None):
        message = given(NotificationFactory, "failed", lead_id=about)
        manager.post(f"/internal/notifications/{message.id}/retry")
        entry = next(one for one in rows(AuditEntry) if str(message.id) in one.detail)
        assert (entry.action, entry.subject_id) == ("message.retried", about or message.id)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"status": "PENDING"}),
        ("PUT", "/assignee", {"user_id": None}),
        ("POST", "/restore", None),
    ],
)
def test_an_act_that_changes_nothing_is_a_reading(client, given, rows, method, path, body):
    client.sign_in(given(UserFactory, "manager"))
    lead = given(LeadFactory, assignment_strategy="manual")
    answer = client.open(f"/internal/leads/{lead.id}{path}", method=method, json=body)
    assert answer.status_code == 200
    assert [entry.action for entry in rows(AuditEntry)][-1] == "lead.read"
