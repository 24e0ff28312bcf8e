"""The trail over HTTP and at the machine."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
import time_machine

from leadintake.audit.models import AuditEntry
from leadintake.audit.service import audit
from leadintake.core import chores
from leadintake.core.actor import SYSTEM
from leadintake.core.db.transaction import transaction
from leadintake.notifications.models import Notification
from tests.factories import LeadFactory, ScreenFactory, UserFactory

URL, FILE = "/internal/audit", "/internal/audit.csv"
KEYS = {
    "id", "at", "actor_kind", "actor_id", "action", "subject_kind", "subject_id", "via", "origin", "detail",
}  # fmt: skip


@pytest.fixture
def ada(given):
    return given(UserFactory, "admin")


@pytest.fixture
def admin(client, ada):
    return client.sign_in(ada)


@pytest.fixture
def run(app):
    def invoke(*arguments: str):
        return app.test_cli_runner().invoke(args=["audit", *arguments])

    return invoke


def test_the_list_tells_who_did_what_newest_first_and_no_place_in_the_trail(admin, ada, given):
    lead = given(LeadFactory)
    admin.get(f"/internal/leads/{lead.id}")
    items = admin.get(URL).json["items"]
    assert [item["action"] for item in items] == ["lead.read", "signed_in"]
    assert set(items[0]) == KEYS
    assert items[0]["actor_id"] == str(ada.id)
    assert items[0]["subject_id"] == str(lead.id)
    assert items[0]["detail"] == {"what": "detail"}


@pytest.mark.every_engine
def test_filters_narrow_the_list_and_a_cursor_walks_it(app, admin, ada, given):
    lead = given(LeadFactory)
    for _ in range(5):
        admin.get(f"/internal/leads/{lead.id}")
    about = f"{URL}?about={lead.id}&limit=2"
    seen, cursor = [], ""
    while cursor is not None:
        page = admin.get(f"{about}&cursor={cursor}" if cursor else about).json
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 5
    assert [item["action"] for item in admin.get(f"{URL}?action=signed_in").json["items"]] == ["signed_in"]
    assert len(admin.get(f"{URL}?actor={ada.id}&action=lead.read").json["items"]) == 5
    assert admin.get(f"{URL}?actor={lead.id}").json["items"] == []


def test_times_bound_the_list(app, admin, ada):
    with time_machine.travel("2031-03-01T12:00:00Z", tick=False), app.app_context(), transaction():
        audit.record("later", actor=SYSTEM)
    later = "2031-03-01T12:00:00Z"
    assert [i["action"] for i in admin.get(f"{URL}?created_from={later}").json["items"]] == ["later"]
    assert "later" not in [i["action"] for i in admin.get(f"{URL}?created_to={later}").json["items"]]


@pytest.mark.parametrize(
    "query", ["limit=0", "cursor=x", "action=%0A", "action=A", "actor=me", "created_from=yesterday", "q=x"]
)
def test_what_is_no_filter_is_named(admin, query):
    assert admin.get(f"{URL}?{query}").status_code == 422


def test_the_file_has_the_same_entries(admin, given):
    lead = given(LeadFactory)
    admin.get(f"/internal/leads/{lead.id}")
    answer = admin.get(f"{FILE}?about={lead.id}")
    assert answer.content_type.startswith("text/csv")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert set(row) == KEYS
    assert (row["action"], row["subject_id"]) == ("lead.read", str(lead.id))
    assert json.loads(row["detail"]) == {"what": "detail"}


def test_a_lead_may_be_named_by_its_reference_a_deleted_one_too(admin, given, app):
    lead, other = given(LeadFactory), given(LeadFactory, "deleted")
    admin.get(f"/internal/leads/{lead.id}")
    admin.post(f"/internal/leads/{other.id}/restore")
    admin.delete(f"/internal/leads/{other.id}")
    for one in (lead, other):
        by_id = admin.get(f"{URL}?about={one.id}").json["items"]
        named = one.reference.replace("-", "").lower()
        assert by_id == admin.get(f"{URL}?about={named}").json["items"] != []
        told = [
            app.test_cli_runner().invoke(args=["audit", "list", "--about", key]).stdout
            for key in (str(one.id), named)
        ]
        assert told[0] == told[1]
        assert str(one.id)[:13] in told[0]


def test_a_name_of_nothing_is_about_nothing_and_what_is_no_name_is_refused(admin, app):
    assert admin.get(f"{URL}?about=2222-AAAA").json["items"] == []
    assert admin.get(f"{URL}?about=2222-2222").json["items"] == []
    assert admin.get(f"{URL}?about=2222").status_code == 422
    done = app.test_cli_runner().invoke(args=["audit", "list", "--about", "2222"])
    assert done.exit_code == 2
    assert "No lead or user that something was done to has the id '2222'." in done.stderr


def test_the_ids_of_a_list_filter_it(run, admin, ada):
    admin.get("/internal/leads")
    rows = [line.split() for line in run("list", "--action", "leads.listed").stdout.splitlines()]
    shown = rows[1][3]
    assert str(ada.id).startswith(shown.partition(".")[0])
    assert run("list", "--actor", str(ada.id)[:8]).stdout == run("list", "--actor", shown).stdout
    assert run("list", "--about", str(ada.id)[:8]).stdout == run("list", "--about", str(ada.id)).stdout != ""
    assert run("list", "--actor", shown).stdout == run("list", "--actor", str(ada.id)).stdout


def test_entries_about_a_lead_are_hidden_from_whom_it_is(admin, ada, given, browser):
    lead = given(LeadFactory)
    browser().sign_in(given(UserFactory, "manager")).get(f"/internal/leads/{lead.id}")
    assert len(admin.get(f"{URL}?about={lead.id}").json["items"]) == 1
    given(ScreenFactory, lead_id=lead.id, user=ada)
    assert admin.get(f"{URL}?about={lead.id}").json["items"] == []
    assert admin.get(f"{URL}?about={lead.reference}").json["items"] == []
    assert str(lead.id) not in admin.get(URL).text + admin.get(FILE).text


@pytest.mark.parametrize("role", ["manager", "attorney", "viewer"])
def test_the_trail_is_for_admins(client, given, role):
    client.sign_in(given(UserFactory, *([] if role == "attorney" else [role])))
    assert client.get(URL).status_code == client.get(FILE).status_code == 403


def test_at_the_machine_the_trail_is_verified_listed_and_its_head_shown(app, admin, run):
    head = run("head").stdout.strip()
    done = run("verify", "--head", head)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"All 1 entries are as they were written. The head is {head}\n"
    (row,) = json.loads(run("list", "--action", "signed_in", "--format", "json").stdout)
    assert row["action"] == "signed_in"
    assert "signed_in" in run("list").stdout
    since = run("list", "--since", "2050-01-01", "--format", "json")
    assert json.loads(since.stdout) == []


@pytest.mark.parametrize("head", ["x", "1", f"1:{'g' * 64}", "", f"-1:{'0' * 64}"])
def test_what_is_no_head_is_said(run, head):
    done = run("verify", "--head", head)
    assert done.exit_code in (0, 2) if head == "" else done.exit_code == 2


def test_a_finding_is_one_line_and_exit_status_1(app, admin, run):
    done = run("verify", "--head", f"9:{'0' * 64}")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: Entry 2 is missing")
    assert len(done.stderr.splitlines()) == 1


class TestPublished:
    """With an address that heads are mailed to."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"AUDIT_HEAD_MAIL": "notary@elsewhere.example.com", "AUDIT_HEAD_MINUTES": 5}

    def test_a_head_is_logged_each_time_and_mailed_when_it_is_new(self, app, admin, rows, run, capfd):
        def mails():
            return [mail for mail in rows(Notification) if mail.kind == "audit_head"]

        head = run("head").stdout.strip()
        for _ in range(2):
            chores.run_due(app, lambda: False, {})
        # The rules the service runs under were put on record, once, after the first head was taken.
        assert [head in mail.text for mail in mails()] == [True, False]
        assert mails()[0].recipient == "notary@elsewhere.example.com"
        assert f"flask audit verify --head {head}" in mails()[0].text
        assert capfd.readouterr().err.count("chore=audit_head") == 2
        chores.run_due(app, lambda: False, {})
        assert len(mails()) == 2
        assert {entry.action for entry in rows(AuditEntry)[-2:]} == {
            "policy.changed",
            "assignment.policy_changed",
        }

    def test_it_is_done_at_its_interval(self, app):
        every = {name: interval for name, _, interval, _ in app.extensions["leadintake.chores"]}
        assert every["audit_head"] == timedelta(minutes=5)
