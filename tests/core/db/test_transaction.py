"""One request is one transaction: what is answered below 400 is kept, all else never happened."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import sqlalchemy as sa
from flask import abort
from sqlalchemy import event

from leadintake.auth.models import User
from leadintake.core.db.database import db
from leadintake.core.errors import Conflict
from tests.factories import UserFactory
from tests.support.journal import Journal
from tests.support.views import serve

pytestmark = pytest.mark.every_engine


@pytest.fixture
def journal() -> Journal:
    return Journal()


def add_user(**values) -> None:
    """Make a user in the running transaction."""
    UserFactory(**values)


def gone(*_):
    raise sa.exc.OperationalError("COMMIT", {}, Exception("server closed the connection at 10.0.0.7"))


@pytest.mark.parametrize("status", [200, 303, 399])
def test_an_answer_below_400_keeps(status, app, client, rows, journal):
    def view():
        journal.watch()
        add_user()
        return "", status

    serve(app, view)
    assert client.post("/test").status_code == status
    assert len(rows(User)) == 1
    assert journal == ["committed"]


@pytest.mark.parametrize("status", [400, 422, 503])
def test_an_answer_of_400_and_more_forgets(status, app, client, rows, journal):
    def view():
        journal.watch()
        add_user()
        return "", status

    serve(app, view)
    assert client.post("/test").status_code == status
    assert rows(User) == []
    assert journal == ["rolled back"]


@pytest.mark.parametrize("failure", [Conflict("no"), RuntimeError("no"), ZeroDivisionError()])
def test_whatever_is_raised_forgets(failure, app, client, rows, journal):
    def view():
        journal.watch()
        add_user()
        raise failure

    serve(app, view)
    assert client.post("/test").status_code == getattr(failure, "status", 500)
    assert rows(User) == []
    assert journal == ["rolled back"]


def test_an_abort_forgets(app, client, rows, journal):
    def view():
        journal.watch()
        add_user()
        abort(404)

    serve(app, view)
    assert client.post("/test").status_code == 404
    assert rows(User) == []
    assert journal == ["rolled back"]


def test_a_commit_the_database_refuses_is_500_and_never_an_acknowledgement(
    app, client, given, rows, journal, capfd
):
    there = given(UserFactory)

    def view():
        journal.watch()
        twice = User(email=there.email, name="Twice", role="attorney", password_hash="a secret hash")
        db.session.add(twice)  # not flushed: only the commit finds out
        return "kept!", 201

    serve(app, view)
    answer = client.post("/test")
    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert "kept!" not in answer.text
    assert there.email not in answer.text
    assert "a secret hash" not in capfd.readouterr().err
    assert [user.id for user in rows(User)] == [there.id]
    assert journal == ["rolled back"]


def undone(engine_name: str) -> list[str]:
    """What is undone when a commit breaks: nothing where a connection can hide that it succeeded."""
    return ["rolled back"] if engine_name == "sqlite" else []


def test_a_commit_that_never_arrives_is_503_and_says_nothing_of_its_cause(
    app, client, rows, journal, engine_name
):
    def view():
        journal.watch()
        add_user()
        event.listen(db.session(), "before_commit", gone, once=True)
        return "kept!", 201

    serve(app, view)
    answer = client.post("/test")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert "10.0.0.7" not in answer.text
    assert rows(User) == []
    assert journal == undone(engine_name)


def cut_connection(engine_name: str) -> None:
    """Have the server end the running transaction's connection; a file has none, there a statement fails."""
    number, kill = {
        "sqlite": ("SELECT 0", "SELECT load_extension('missing')"),
        "postgresql": ("SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
        "mariadb": ("SELECT CONNECTION_ID()", "KILL {}"),
    }[engine_name]
    found = db.session.scalar(sa.text(number))
    with db.engine.connect() if engine_name != "sqlite" else nullcontext(db.session) as other:
        other.execute(sa.text(kill.format(found)))


def test_a_connection_that_is_cut_is_503_and_the_next_request_is_served(
    app, client, rows, journal, engine_name
):
    cutting = [False, True]

    def view():
        journal.watch()
        add_user()
        if cutting.pop():
            cut_connection(engine_name)
        return "", 201

    serve(app, view)
    assert client.post("/test").status_code == 503
    assert rows(User) == []
    assert journal == undone(engine_name)
    assert client.post("/test").status_code == 201
    assert len(rows(User)) == 1
