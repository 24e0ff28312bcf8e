"""Older and newer databases: who may run is said by the database, and nobody is answered 500."""

from __future__ import annotations

import contextlib
import sys
import threading

import pytest
import sqlalchemy as sa

from leadintake.core import chores
from leadintake.core.db import revisions
from leadintake.core.db.database import db
from leadintake.core.db.revisions import SchemaRevision
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead
from leadintake.notifications.embedded import Stop
from leadintake.notifications.worker import Worker
from tests.factories import UserFactory
from tests.support.leads import files_of
from tests.support.views import serve
from tests.support.waiting import until

HEAD = max(revisions.list_revisions())


@pytest.fixture
def at(app):
    """Have the database be at another revision, with what its migrations said."""

    @contextlib.contextmanager
    def change(revision: str | None, **oldest_code: str):
        _write(app, revision, oldest_code)
        try:
            yield
        finally:
            _write(app, HEAD, {})  # the database of a server is used again

    return change


def _write(app, revision: str | None, oldest_code: dict[str, str]) -> None:
    with app.app_context(), transaction():
        db.session.execute(sa.text("DELETE FROM alembic_version"))
        if revision is not None:
            db.session.execute(sa.text("INSERT INTO alembic_version VALUES (:one)"), {"one": revision})
        db.session.execute(sa.delete(SchemaRevision).where(SchemaRevision.revision > HEAD))
        for newer, oldest in oldest_code.items():
            db.session.add(SchemaRevision(revision=newer.removeprefix("r"), oldest_code=oldest))
        revisions.invalidate()


@pytest.mark.every_engine
def test_every_migration_is_in_the_database_with_the_oldest_code_that_may_run(app, rows):
    told = {row.revision: row.oldest_code for row in rows(SchemaRevision)}
    assert set(told) == revisions.list_revisions()
    assert all(oldest <= revision for revision, oldest in told.items())


@pytest.mark.every_engine
@pytest.mark.parametrize("revision", ["0001", None], ids=["older", "empty"])
def test_an_older_database_is_503_and_readiness_names_what_is_needed(revision, app, client, given, at, rows):
    client.sign_in(given(UserFactory))
    with at(revision):
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "revision" in answer.json["detail"]
        assert HEAD in answer.json["detail"]
        for refused in (client.submit(), client.get("/internal/leads"), client.get("/desk"), client.get("/")):
            assert refused.status_code == 503
            assert int(refused.headers["Retry-After"]) > 0
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 200
        assert client.get("/docs").status_code == 200
    assert rows(Lead) == []
    assert files_of(app) == []
    assert "revision" not in client.get("/readyz").json["detail"]  # there is no worker in a test
    assert client.submit().status_code == 201


def test_a_newer_database_that_lets_this_code_run_is_ready(client, at):
    with at("9002", r9001=HEAD, r9002="0001"):
        assert "revision" not in client.get("/readyz").json["detail"]
        assert client.submit().status_code == 201


@pytest.mark.parametrize(
    "told",
    [{"r9001": HEAD, "r9002": "9001"}, {"r9001": "9001", "r9002": HEAD}, {"r9001": HEAD}, {}],
    ids=["the newest needs more", "one before needs more", "the newest says nothing", "none says anything"],
)
def test_a_newer_database_that_does_not_say_so_is_503(told, client, at):
    with at("9002", **told):
        answer = client.get("/readyz")
        assert answer.status_code == 503
        assert "9002" in answer.json["detail"]
        assert "Upgrade leadintake here" in answer.json["detail"]
        assert client.submit().status_code == 503


def test_the_question_costs_a_submission_no_statement(app, client, given):
    given(UserFactory)
    client.submit()
    ran: list[str] = []
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", lambda *facts: ran.append(facts[2]))
    assert client.submit().status_code == 201
    assert len(ran) > 5
    assert [one for one in ran if "alembic_version" in one or "schema_revisions" in one] == []


@pytest.mark.every_engine
@pytest.mark.parametrize(
    "statement",
    ["SELECT shoe_size FROM leads", "SELECT * FROM shoes", "INSERT INTO leads (shoe_size) VALUES (1)"],
)
def test_a_table_or_column_that_is_not_there_is_503_also_while_the_revision_is_the_old_one(
    statement, app, client, capfd
):
    serve(app, lambda: db.session.execute(sa.text(statement)))
    answer = client.post("/test")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "schema_error" in capfd.readouterr().err


def test_whatever_fails_on_a_database_that_became_another_is_503(app, client, at, monkeypatch):
    monkeypatch.setattr(revisions, "AFTER_FAILURE_SECONDS", -1)

    def view():
        raise KeyError("a row of which only the newer version knows")

    serve(app, view)
    assert client.post("/test").status_code == 500
    with at("9001"):
        with app.app_context():
            revisions._store(revisions._finding(), "")  # as it was found before the upgrade
        assert client.post("/test").status_code == 503
        assert client.submit().status_code == 503


def test_while_one_asks_the_others_go_on(app, client, monkeypatch):
    asked, go_on = threading.Event(), threading.Event()

    def compare() -> str:
        asked.set()
        go_on.wait(10)
        return ""

    with app.app_context():
        revisions.invalidate()
    monkeypatch.setattr(revisions, "_compare", compare)
    first = threading.Thread(target=lambda: client.get("/"))
    first.start()
    asked.wait(10)
    assert app.test_client().get("/").status_code == 200
    go_on.set()
    first.join()


def test_a_worker_waits_for_the_database_it_needs_and_says_so_once(app, at, rows, monkeypatch, capfd):
    monkeypatch.setattr(sys.modules[Worker.__module__], "REVISION_CHECK_SECONDS", 0.2)
    monkeypatch.setattr(revisions, "MISMATCH_SECONDS", 0)
    asked = []
    compare = revisions._compare
    monkeypatch.setattr(revisions, "_compare", lambda: asked.append(1) or compare())
    stop = Stop()
    with at("0001"):
        worker = threading.Thread(target=Worker(app).run, args=(stop,))
        worker.start()
        until(lambda: len(asked) > 3)
        told = capfd.readouterr().err
        assert told.count("wrong_revision") == 1
        assert "worker_failed" not in told
        assert "housekeeping" not in told
    until(lambda: _beats(app))
    stop.stop_event.set()
    worker.join()


def _beats(app) -> int:
    with app.app_context():
        return db.session.scalar(sa.text("SELECT count(*) FROM worker_beats"))


def test_nothing_is_put_in_order_on_another_database(app, at):
    done: list[str] = []
    chores.register(app, "test", lambda _stop: done.append("done") or {})
    with at("0001"):
        chores.run_due(app, lambda: False, {})
        assert done == []
    chores.run_due(app, lambda: False, {})
    assert done == ["done"]


@pytest.mark.parametrize(
    "command", [["worker", "--drain"], ["users", "list"], ["storage", "sweep", "--really"]]
)
def test_no_command_works_on_another_database(command, app, at):
    with at("0001"):
        result = app.test_cli_runner().invoke(args=command)
    assert result.exit_code == 1
    assert result.stdout == ""
    needed = f"this version needs revision {HEAD}. Run `flask db upgrade`."
    assert result.stderr.strip() == f"Error: The database is at revision 0001, {needed}"
