"""An entry is there if and only if its cause is."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import g
from sqlalchemy.exc import DBAPIError

from leadintake.audit.models import AuditEntry
from leadintake.audit.origin import note_credential
from leadintake.audit.service import audit
from leadintake.audit.verification import verify
from leadintake.core.actor import ANONYMOUS, OPERATOR, SYSTEM
from leadintake.core.db.database import db
from leadintake.core.db.locks import Lock
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Conflict
from tests.factories import LeadFactory, UserFactory
from tests.support.views import serve

SOME_ID = uuid.UUID("0190f0c1-7b1e-7c3a-9d2e-0123456789ab")


def actions(rows) -> list[str]:
    return [entry.action for entry in sorted(rows(AuditEntry), key=lambda entry: entry.number)]


def test_an_act_that_is_kept_is_on_record_with_who_what_when_and_from_where(app, rows):
    with app.app_context(), transaction():
        audit.record(
            "lead.read", actor=OPERATOR, about=("lead", SOME_ID), what="detail", shown=3, inline=False
        )
    (entry,) = rows(AuditEntry)
    assert (entry.number, entry.action, entry.actor_kind, entry.actor_id) == (
        1,
        "lead.read",
        "operator",
        None,
    )
    assert (entry.subject_kind, entry.subject_id) == ("lead", SOME_ID)
    assert entry.via == "command"
    assert entry.origin.startswith("operator")
    assert entry.detail == '{"what":"detail","shown":3,"inline":false}'
    assert entry.created_at == entry.updated_at
    assert len(entry.hash) == 64


@pytest.mark.every_engine
def test_an_act_that_is_undone_is_not_and_leaks_into_no_other(app, rows):
    def undone() -> None:
        with transaction():
            audit.record("undone", actor=OPERATOR)
            raise Conflict

    with app.app_context():
        with pytest.raises(Conflict):
            undone()
        with transaction():
            audit.record("done", actor=OPERATOR)
            audit.record("done_too", actor=SYSTEM)
    assert actions(rows) == ["done", "done_too"]
    assert [entry.number for entry in rows(AuditEntry)] == [1, 2]


@pytest.mark.every_engine
def test_an_act_whose_entry_cannot_be_written_does_not_happen(app, rows, monkeypatch):
    def full(*_arguments):
        raise OSError("disk full")

    monkeypatch.setattr("leadintake.audit.chain.hash_of", full)

    def change() -> None:
        with transaction():
            db.session.execute(sa.update(Lock).where(Lock.name == "sign_in").values(name="changed"))
            audit.record("changed", actor=OPERATOR)

    with app.app_context(), pytest.raises(OSError, match="disk full"):
        change()
    assert rows(AuditEntry) == []
    assert "changed" not in [lock.name for lock in rows(Lock)]


@pytest.mark.every_engine
def test_a_refusal_is_on_record_though_all_else_is_forgotten(app, client, rows):
    def refuse():
        audit.record("act", actor=ANONYMOUS)
        audit.record_refusal("act.refused", actor=ANONYMOUS)
        raise Conflict

    refuse.permission = None
    serve(app, refuse)
    assert client.post("/test").status_code == 409
    assert actions(rows) == ["act.refused"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_names_its_way_and_its_address(app, client, rows, method):
    def view():
        note_credential("token", SOME_ID)
        audit.record("seen", actor=ANONYMOUS)
        return "ok"

    serve(app, view, method=method)
    answer = client.open("/test", method=method, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert answer.status_code == 200
    (entry,) = rows(AuditEntry)
    assert (entry.via, entry.origin) == (f"token:{SOME_ID}", "192.0.2.7")


def test_what_was_read_is_on_record_before_it_is_shown(app, client, given, rows):
    client.sign_in(given(UserFactory))
    lead = given(LeadFactory)
    before = len(rows(AuditEntry))
    answer = client.get(f"/internal/leads/{lead.id}", buffered=False)
    assert actions(rows)[before:] == ["lead.read"]  # nothing of the answer's body has been taken yet
    assert answer.json["id"] == str(lead.id)


@pytest.mark.every_engine
@pytest.mark.parametrize("path", ["", "/history", "/notifications", "/resume"])
def test_nothing_is_shown_whose_reading_cannot_be_recorded(app, client, given, rows, monkeypatch, path):
    client.sign_in(given(UserFactory))
    lead = given(LeadFactory)
    before = len(rows(AuditEntry))

    def away(*_arguments):
        raise DBAPIError("INSERT", {}, Exception("gone"))

    app.config["TESTING"] = False
    monkeypatch.setattr("leadintake.audit.chain.hash_of", away)
    answer = client.get(f"/internal/leads/{lead.id}{path}")
    assert answer.status_code >= 500
    assert lead.email not in answer.text
    assert not answer.data.startswith(b"%PDF")
    assert len(rows(AuditEntry)) == before


@pytest.mark.every_engine
def test_many_at_once_are_one_chain(app, rows):
    def act(number: int) -> None:
        for _ in range(10):
            with app.app_context(), transaction():
                audit.record("act", actor=SYSTEM, number=number)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(act, range(8)))
    assert sorted(entry.number for entry in rows(AuditEntry)) == list(range(1, 81))
    with app.app_context():
        assert verify().number == 80


@pytest.mark.parametrize(
    "detail",
    ["jane@example.com", "Jane Doe", "Jane", "a\nb", "x" * 81, "\u5c71", b"x", 1.5, {"a": "b"}, ["ok", "No"]],
    ids=repr,
)
def test_nothing_that_somebody_typed_gets_in(app, detail):
    with app.app_context(), pytest.raises(ValueError, match="no machine word"), transaction():
        audit.record("act", actor=SYSTEM, detail=detail)


@pytest.mark.parametrize("origin", ["", "evil\nline", "x" * 300, "fe80::1%eth0"])
def test_an_origin_is_an_address_or_nothing(app, client, rows, origin):
    def view():
        g.audit_way = "public"
        audit.record("seen", actor=ANONYMOUS)
        return "ok"

    serve(app, view)
    client.post("/test", environ_base={"REMOTE_ADDR": origin})
    assert rows(AuditEntry)[0].origin in ("nowhere", "fe80::1")
