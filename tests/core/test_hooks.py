"""Events: who listens is called in order, in the transaction or after it, as they said."""

from __future__ import annotations

import gc

import msgspec
import pytest
import sqlalchemy as sa

from leadintake import create_app
from leadintake.auth.models import User
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.hooks import Event, When
from tests.factories import UserFactory
from tests.support.views import serve


class Rung(msgspec.Struct, frozen=True):
    """The bell was rung."""

    times: int


rung = Event("rung", Rung)
EVERY_WHEN = [When.IN_TRANSACTION, When.IN_SAVEPOINT, When.AFTER_COMMIT]


def ring(app, times: int = 1) -> None:
    """Ring in a transaction of its own."""
    with app.app_context(), transaction():
        UserFactory()
        rung.send(Rung(times))


def stumble(_told: Rung) -> None:
    raise ZeroDivisionError("Jane Doe")


def test_nobody_listens_and_nothing_happens(app, rows):
    ring(app)
    assert len(rows(User)) == 1


@pytest.mark.parametrize("when", EVERY_WHEN)
def test_listeners_are_called_in_the_order_in_which_they_were_connected(app, when):
    heard = []
    for number in range(20):
        rung.connect(app, lambda told, number=number: heard.append((number, told.times)), when=when)
    ring(app, 7)
    assert heard == [(number, 7) for number in range(20)]


@pytest.mark.parametrize("when", EVERY_WHEN)
def test_a_listener_that_nobody_else_holds_is_called_all_the_same(app, when):
    heard = []

    class Ear:
        def listen(self, told: Rung) -> None:
            heard.append(told)

    rung.connect(app, Ear().listen, when=when)
    gc.collect()
    ring(app)
    assert heard == [Rung(1)]


def test_listeners_of_one_application_hear_nothing_of_another(app, tmp_path):
    heard = []
    rung.connect(app, heard.append, when=When.IN_TRANSACTION)
    other = create_app(INSTANCE_PATH=str(tmp_path / "other"), TESTING=True)
    with other.app_context():
        rung.send(Rung(1))
    assert heard == []


@pytest.mark.every_engine
def test_what_a_listener_writes_shares_the_transaction(app, rows):
    rung.connect(app, lambda _told: UserFactory(name="written"), when=When.IN_TRANSACTION)
    ring(app)
    assert len(rows(User)) == 2
    rung.connect(app, stumble, when=When.IN_TRANSACTION)
    with pytest.raises(ZeroDivisionError):
        ring(app)
    assert len(rows(User)) == 2, "neither the cause nor what the first listener wrote is kept"


@pytest.mark.every_engine
def test_what_fails_in_a_savepoint_undoes_itself_alone(app, rows, capfd):
    heard = []

    def write_and_stumble(told: Rung) -> None:
        UserFactory(name="undone")
        stumble(told)

    rung.connect(app, write_and_stumble, when=When.IN_SAVEPOINT)
    rung.connect(app, lambda _told: UserFactory(name="kept"), when=When.IN_SAVEPOINT)
    rung.connect(app, heard.append, when=When.AFTER_COMMIT)
    ring(app)
    assert "undone" not in {user.name for user in rows(User)}
    assert "kept" in {user.name for user in rows(User)}
    assert heard == [Rung(1)]
    said = capfd.readouterr().err
    assert "listener_failed" in said
    assert "of=rung" in said


def test_what_was_sent_in_a_savepoint_that_was_undone_is_not_heard(app):
    heard = []
    echoed = Event("echoed", Rung)
    echoed.connect(app, heard.append, when=When.AFTER_COMMIT)

    def echo_and_stumble(told: Rung) -> None:
        echoed.send(told)
        stumble(told)

    rung.connect(app, echo_and_stumble, when=When.IN_SAVEPOINT)
    ring(app)
    assert heard == []


def test_a_failure_of_the_database_in_a_savepoint_fails_the_transaction(app, rows):
    def deadlock(_told: Rung) -> None:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception("deadlock"))

    rung.connect(app, deadlock, when=When.IN_SAVEPOINT)
    with pytest.raises(sa.exc.OperationalError):
        ring(app)
    assert rows(User) == []


@pytest.mark.every_engine
def test_after_the_commit_it_is_durable_and_the_session_is_the_listeners_own(app, rows):
    seen = []

    def count(_told: Rung) -> None:
        seen.append((db.session.scalar(sa.select(sa.func.count(User.id))), db.session()))
        with transaction():
            UserFactory()

    rung.connect(app, count, when=When.AFTER_COMMIT)
    with app.app_context():
        with transaction():
            UserFactory()
            rung.send(Rung(1))
            assert seen == []
        assert seen[0][0] == 1
        assert seen[0][1] is not db.session()
    assert len(rows(User)) == 2


def test_they_are_heard_in_the_order_of_sending(app):
    heard = []
    rung.connect(app, lambda told: heard.append(("first", told.times)), when=When.AFTER_COMMIT)
    rung.connect(app, lambda told: heard.append(("second", told.times)), when=When.AFTER_COMMIT)
    with app.app_context(), transaction():
        rung.send(Rung(1))
        rung.send(Rung(2))
    assert heard == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]


def test_one_that_fails_after_the_commit_is_logged_and_hides_nothing(app, client, rows, capfd):
    heard = []
    rung.connect(app, stumble, when=When.AFTER_COMMIT)
    rung.connect(app, heard.append, when=When.AFTER_COMMIT)

    def view():
        UserFactory()
        rung.send(Rung(1))
        return "", 201

    serve(app, view)
    assert client.post("/test").status_code == 201
    assert len(rows(User)) == 1
    assert heard == [Rung(1)]
    (line,) = [one for one in capfd.readouterr().err.splitlines() if "listener_failed" in one]
    assert "ZeroDivisionError at test_hooks.py" in line
    assert "listener=stumble" in line
    assert "Jane" not in line


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_of_what_was_forgotten_nothing_is_heard_then_or_later(app, failure):
    heard = []
    rung.connect(app, heard.append, when=When.AFTER_COMMIT)

    def block():
        with transaction():
            rung.send(Rung(1))
            raise failure

    with app.app_context():
        with pytest.raises(failure):
            block()
        with transaction():
            rung.send(Rung(2))
    assert heard == [Rung(2)]
