"""What waits for the end of a transaction, views that settle themselves, and blocks outside a request."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.core.db import transaction as room
from leadintake.core.db.database import db
from leadintake.core.db.transaction import commits_itself, on_commit, on_rollback, transaction
from tests.factories import UserFactory
from tests.support.journal import Journal
from tests.support.views import serve


@pytest.fixture
def journal() -> Journal:
    return Journal()


@pytest.mark.every_engine
def test_what_waits_for_the_commit_finds_it_durable(app, client):
    seen = []

    def count_from_elsewhere():
        with db.engine.connect() as other:
            seen.append(other.scalar(sa.select(sa.func.count()).select_from(User.__table__)))

    def view():
        UserFactory()
        on_commit(count_from_elsewhere)
        return "", 201

    serve(app, view)
    client.post("/test")
    assert seen == [1]


def test_actions_run_last_first_and_one_that_fails_hides_no_other(app, client, journal):
    def broken():
        journal.append("broken")
        raise OSError("the disk is full")

    def view():
        for action in (journal.note("first"), broken, journal.note("last")):
            on_commit(action)
            on_rollback(action)
        return "", 201 if keep else 409

    serve(app, view)
    for keep in (True, False):
        journal.clear()
        assert client.post("/test").status_code == (201 if keep else 409)
        assert journal == ["last", "broken", "first"]


@pytest.mark.parametrize("status", [200, 400])
def test_what_one_request_registered_is_nothing_to_the_next(status, app, client, journal):
    def first():
        journal.watch()
        return "", status

    def second():
        return "", 200

    def third():
        return "", 400

    for number, view in enumerate((first, second, third)):
        serve(app, view, f"/test/{number}")
    client.post("/test/0")
    assert len(journal) == 1
    client.post("/test/1")
    client.post("/test/2")
    assert len(journal) == 1


@pytest.mark.every_engine
@pytest.mark.parametrize("status", [200, 500])
def test_a_view_that_settles_itself_keeps_what_it_committed_and_nothing_else(status, app, client, rows):
    @commits_itself
    def view():
        with transaction():
            UserFactory(name="kept")
        UserFactory(name="not committed")
        return "", status

    serve(app, view)
    assert client.post("/test").status_code == status
    assert [user.name for user in rows(User)] == ["kept"]


def test_a_process_that_is_told_to_stop_in_a_view_forgets(app, client, rows, journal):
    def view():
        journal.watch()
        UserFactory()
        raise SystemExit

    serve(app, view)
    with pytest.raises(SystemExit):
        client.post("/test")
    assert rows(User) == []
    assert journal == ["rolled back"]


def test_an_answer_that_cannot_be_finished_is_500_and_forgets(app, client, rows, journal):
    def view():
        journal.watch()
        UserFactory()
        return "", 200

    serve(app, view)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.after_request  # runs before the transaction is settled
    def broken(response):
        raise RuntimeError("this cannot be")

    answer = client.post("/test")
    assert answer.status_code == 500
    assert "cannot be" not in answer.text
    assert rows(User) == []
    assert journal == ["rolled back"]


@pytest.mark.every_engine
def test_a_block_keeps_what_it_returns_from(app, rows, journal):
    with app.app_context(), transaction():
        journal.watch()
        UserFactory()
    assert journal == ["committed"]
    assert len(rows(User)) == 1


@pytest.mark.every_engine
@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt, GeneratorExit])
def test_a_block_forgets_what_it_raises_from(failure, app, rows, journal):
    def block():
        with app.app_context(), transaction():
            journal.watch()
            UserFactory()
            raise failure

    with pytest.raises(failure):
        block()
    assert journal == ["rolled back"]
    assert rows(User) == []


@pytest.mark.every_engine
def test_a_later_transaction_that_fails_does_not_undo_an_earlier_one(app, journal):
    """A worker keeps one session for many transactions: a stored file must outlive the next failure."""
    with app.app_context():
        with transaction():
            on_rollback(journal.note("undone"))
        room.rollback()
        on_commit(journal.note("told"))
        room.rollback()
        room.commit()
    assert journal == []


def gone():
    raise sa.exc.OperationalError("ROLLBACK", {}, Exception("server closed the connection"))


@pytest.mark.every_engine
def test_a_rollback_that_fails_still_undoes_what_the_database_cannot(app, journal, monkeypatch):
    with app.app_context():
        journal.watch()
        with monkeypatch.context() as patched:
            patched.setattr(db.session(), "rollback", gone, raising=False)
            with pytest.raises(sa.exc.OperationalError):
                room.rollback()
    assert journal == ["rolled back"]
