"""Behind PgBouncer nothing is kept for a session; in front of the server itself all of it is."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest
import sqlalchemy as sa

from leadintake.core.db import locks, pooler
from leadintake.core.db.database import db, engine_url
from leadintake.core.db.transaction import transaction
from leadintake.leads.models import Lead
from tests.core.db.test_timeouts import DUE_SECONDS
from tests.support.pgbouncer import pgbouncer
from tests.support.proxy import proxy_to
from tests.support.statements import statements

pytestmark = pytest.mark.on_postgresql
LIMIT, PREPARED = sa.text("SHOW lock_timeout"), sa.text("SELECT count(*) FROM pg_prepared_statements")
OFTEN = 12
"""psycopg prepares a statement at its sixth time."""


@pytest.fixture(params=["transaction", "session"])
def through(request, database_url):
    with pgbouncer(database_url, request.param) as started:
        yield started


class TestBehindOne:
    @pytest.fixture
    def settings(self, through):
        return {"DATABASE_URL": through.url, "DATABASE_POOL_SIZE": 4}

    def test_every_transaction_has_its_time_limit_and_leaves_none_behind(self, app, through):
        with app.app_context(), db.engine.connect() as connection:
            assert pooler.is_pooled(connection)
            for _ in range(2):
                assert connection.scalar(LIMIT) == "10s"
                connection.rollback()
        with psycopg.connect(through.url) as another:
            assert another.execute("SHOW lock_timeout").fetchone() == ("0",)

    def test_nothing_is_prepared(self, app):
        with app.app_context(), db.engine.connect() as connection:
            for _ in range(OFTEN):
                assert connection.scalar(PREPARED) == 0
                connection.rollback()

    def test_who_waits_too_long_for_a_lock_is_told_to_come_back(self, app, client, rows, monkeypatch):
        monkeypatch.setattr(pooler, "LOCK_SECONDS", 1)
        answers: list = []
        with app.app_context(), transaction():
            locks.acquire("assignment")
            other = threading.Thread(target=lambda: answers.append(client.submit(key="one")))
            other.start()
            other.join()
        assert answers[0].status_code == 503
        assert rows(Lead) == []
        assert client.submit(key="one").status_code == 201

    def test_many_submissions_in_turn_are_all_there(self, client, rows):
        assert {client.submit(email=f"jane{number}@example.com").status_code for number in range(OFTEN)} == {
            201
        }
        assert len(rows(Lead)) == OFTEN


class TestBehindOneThatWaits:
    @pytest.fixture
    def wire(self, database_url):
        with proxy_to(engine_url(database_url).port) as proxy:
            yield proxy

    @pytest.fixture
    def settings(self, database_url, wire):
        """It takes every client, whether the server answers or not."""
        url = engine_url(database_url).set(port=wire.port).render_as_string(hide_password=False)
        with pgbouncer(url, "transaction") as started:
            yield {"DATABASE_URL": started.url}

    def test_a_silent_server_is_503_in_time(self, client, wire):
        assert client.submit().status_code == 201
        wire.freeze()
        began = time.monotonic()
        assert client.submit(key="one").status_code == 503
        assert time.monotonic() - began < DUE_SECONDS
        wire.thaw()
        assert client.submit(key="one").status_code == 201


class TestTheServerItself:
    def test_has_the_limit_for_the_session_and_is_asked_nothing_more(self, app):
        with app.app_context(), db.engine.connect() as connection:
            assert not pooler.is_pooled(connection)
            connection.rollback()
            with statements(app) as asked:
                assert connection.scalar(LIMIT) == "10s"
            assert len(asked) == 1

    class TestWithANamedPooler:
        @pytest.fixture
        def settings(self):
            return {"DATABASE_POOLER": "pgbouncer"}

        def test_counts_as_pooled(self, app):
            with app.app_context(), db.engine.connect() as connection:
                assert pooler.is_pooled(connection)
                assert connection.scalar(LIMIT) == "10s"
