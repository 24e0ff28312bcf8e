"""The database: locks that exclude, engines that keep what they acknowledge, 503 when it cannot serve."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.core.db import database, locks, pooler, writers
from leadintake.core.db.database import db, engine_url, execute, read_only
from leadintake.core.db.transaction import transaction
from leadintake.documents.models import Document
from leadintake.leads.models import Lead
from leadintake.notifications.models import Suppression
from tests.factories import NotificationFactory, UserFactory
from tests.support.leads import files_of, together


@pytest.mark.every_engine
def test_a_lock_lets_one_in_at_a_time(app, given):
    """Eight read a number and write the next one: without the lock some would write the same."""
    user = given(UserFactory, name="0")

    def count_one() -> None:
        with app.app_context(), transaction():
            locks.acquire("assignment")
            name = sa.select(User.name).where(User.id == user.id)
            number = int(db.session.scalar(name))
            db.session.execute(sa.update(User).where(User.id == user.id).values(name=str(number + 1)))

    together(*[count_one] * 8)
    with app.app_context():
        assert db.session.get(User, user.id).name == "8"


@pytest.mark.every_engine
@pytest.mark.parametrize(("ends", "began_to_read"), [("commit", False), ("rollback", True)])
def test_a_lock_is_held_until_the_transaction_ends_and_no_longer(ends, began_to_read, app):
    entered = threading.Event()

    def enter() -> None:
        with app.app_context(), transaction():
            locks.acquire("assignment")
            entered.set()

    with app.app_context(), read_only(began_to_read):
        locks.acquire("assignment")
        other = threading.Thread(target=enter)
        other.start()
        assert not entered.wait(0.2)
        getattr(db.session, ends)()
        assert entered.wait(10)
        other.join()


@pytest.mark.every_server
def test_a_lock_that_no_migration_made_is_a_mistake_not_a_licence(app):
    with app.app_context(), pytest.raises(LookupError):
        locks.acquire("no such lock")


class TestImpatience:
    @pytest.fixture
    def settings(self, monkeypatch):
        for module in (database, pooler):
            monkeypatch.setattr(module, "LOCK_SECONDS", 1)
        monkeypatch.setattr(writers, "WAIT_SECONDS", 0.2)
        return {}

    @pytest.mark.every_engine
    def test_who_waits_too_long_for_a_lock_is_told_to_come_back_and_nothing_is_kept(self, app, client, rows):
        with app.app_context():
            locks.acquire("assignment")
            client_thread: list = []
            other = threading.Thread(target=lambda: client_thread.append(client.submit()))
            other.start()
            other.join()
            db.session.rollback()
        answer = client_thread[0]
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert rows(Lead) == rows(Document) == []
        assert files_of(app) == []
        assert client.submit().status_code == 201


class TestASmallPool:
    @pytest.fixture
    def settings(self):
        return {"DATABASE_POOL_SIZE": 2}

    def test_a_pool_that_is_used_up_is_503_and_soon(self, app, client, given):
        client.sign_in(given(UserFactory))
        with ExitStack() as connections:
            with app.app_context():
                for _ in range(2):
                    connections.enter_context(db.engine.connect())
            app.config["PROPAGATE_EXCEPTIONS"] = False  # the session asks before there is a view
            answer = client.get("/internal/leads")
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
            assert client.get("/healthz").status_code == 200
        assert client.get("/internal/leads").status_code == 200


def _nobody_listens() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
class TestAway:
    @pytest.fixture
    def settings(self, scheme):
        return {"DATABASE_URL": f"{scheme}://user:hunter2secret@127.0.0.1:{_nobody_listens()}/leads"}

    def test_a_database_that_is_away_is_503_and_nothing_is_kept(self, app, client):
        answer = client.submit()
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert answer.content_type == "application/problem+json"
        assert "127.0.0.1" not in answer.text
        assert files_of(app) == []

    def test_the_doctor_says_so_without_the_password(self, app, client):
        told = client.get("/readyz").json["detail"]
        assert "database" in told
        assert "127.0.0.1" not in told
        answer = app.test_cli_runner().invoke(args=["doctor"])
        assert answer.exit_code == 1
        assert "database" in answer.stderr
        assert "hunter2secret" not in answer.output


def test_sqlite_keeps_what_it_acknowledged_through_a_power_cut(app):
    with app.app_context(), db.engine.connect() as connection:
        found = {
            name: connection.scalar(sa.text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_on_sqlite_who_reads_waits_for_nobody_who_writes(app, client, given):
    """But for what is on record: reading a lead is a line of the audit trail, and so a write."""
    given(NotificationFactory)
    client.sign_in(given(UserFactory, "manager"))
    with app.app_context(), read_only(False):
        db.session.execute(sa.text("DELETE FROM turns"))
        answer: list = []
        reader = threading.Thread(target=lambda: answer.append(client.get("/internal/notifications")))
        reader.start()
        reader.join()
        db.session.rollback()
    assert len(answer[0].json["items"]) == 1


@pytest.mark.every_engine
def test_two_who_read_first_and_write_then_both_succeed(app, given):
    """SQLite fails at once whoever reads first and writes later, unless the transaction began as a writer."""
    users = [given(UserFactory), given(UserFactory)]

    def read_then_write(user) -> None:
        with app.app_context(), transaction():
            db.session.scalars(sa.select(User)).all()
            db.session.execute(sa.update(User).where(User.id == user.id).values(name="written"))

    together(*[lambda user=user: read_then_write(user) for user in users * 4])
    with app.app_context():
        assert set(db.session.scalars(sa.select(User.name))) == {"written"}


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgres://u:p@db/leads", "postgresql+psycopg"),
        ("postgresql://u:p@db/leads", "postgresql+psycopg"),
        ("postgresql+psycopg2://u:p@db/leads", "postgresql+psycopg"),
        ("mysql://u:p@db/leads", "mysql+pymysql"),
        ("mariadb://u:p@db/leads", "mysql+pymysql"),
        ("sqlite:///leads.sqlite3", "sqlite"),
    ],
)
def test_every_spelling_of_a_database_finds_its_driver(url, driver):
    found = engine_url(url)
    assert found.drivername == driver
    assert found.database.startswith("leads")


@pytest.mark.every_engine
def test_text_of_every_plane_is_kept(app, given):
    name = "Zoë 山田 🦊 " + chr(0x10FFFD)
    assert given(UserFactory, name=name).name == name


@pytest.mark.every_engine
def test_a_core_statement_sees_what_the_session_has_not_written_yet(app):
    with app.app_context(), transaction():
        db.session.add(Suppression(mailbox="ada@x.example"))
        assert execute(sa.select(Suppression.mailbox)).scalars().all() == ["ada@x.example"]
