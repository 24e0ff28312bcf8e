"""The doctor behind PgBouncer: its mode, and our connections compared with its limits."""

from __future__ import annotations

import json

import pytest

from leadintake.core.doctor import connections
from tests.support.doctor import ask_doctor
from tests.support.pgbouncer import SERVER_CONNECTIONS, pgbouncer

pytestmark = pytest.mark.on_postgresql
POOL_SIZE = 3


@pytest.fixture(autouse=True)
def _well(well):
    """Begin with an installation that is well."""


def note(app) -> str:
    """What the row of the pooler says beside `ok`."""
    answer = app.test_cli_runner().invoke(args=["doctor", "--format", "json"])
    rows = {row["part"]: row for row in json.loads(answer.stdout)}
    assert rows["pooler"]["state"] == "ok"
    return rows["pooler"]["detail"]


def test_without_one_it_says_so(app):
    assert note(app) == "None: connections go to PostgreSQL itself."


class Behind:
    mode: str
    visible = True

    @pytest.fixture
    def through(self, database_url):
        with pgbouncer(database_url, self.mode, visible=self.visible) as started:
            yield started

    @pytest.fixture
    def settings(self, through):
        return {"DATABASE_URL": through.url, "DATABASE_POOL_SIZE": POOL_SIZE}


class TestInTransactionMode(Behind):
    mode = "transaction"

    def test_mode_and_limits_are_told(self, app):
        assert ask_doctor(app) == {}
        assert note(app) == (
            f"A pooler in transaction mode is in front of PostgreSQL; max_client_conn 100, "
            f"pool_size {SERVER_CONNECTIONS}."
        )

    def test_it_must_take_all_our_connections_and_need_not_have_as_many_itself(self, app):
        app.config["DATABASE_POOL_SIZE"] = 100
        assert ask_doctor(app) == {}
        app.config["DATABASE_POOL_SIZE"] = 101
        line = ask_doctor(app)["connections"]
        assert "PgBouncer gives 100" in line
        assert line.endswith("to 100 at most, or raise max_client_conn.")

    def test_it_must_not_ask_the_database_for_more_than_that_gives(self, app, monkeypatch):
        monkeypatch.setattr(connections, "_limit", lambda: SERVER_CONNECTIONS - 1)
        line = ask_doctor(app)["connections"]
        assert line.startswith("PgBouncer may ask for 5 connections (pool_size), and the database gives 4.")


class TestInSessionMode(Behind):
    mode = "session"

    def test_it_must_have_as_many_connections_as_we_may_ask_for(self, app):
        assert ask_doctor(app) == {}
        assert note(app).startswith("A pooler in session mode")
        app.config["DATABASE_POOL_SIZE"] = SERVER_CONNECTIONS - 1
        line = ask_doctor(app)["connections"]
        assert "PgBouncer in session mode, without 2 for commands, gives 3" in line
        assert line.endswith("to 3 at most, or raise pool_size.")


class TestOneThatTellsUsNothing(Behind):
    mode, visible = "transaction", False

    def test_is_named_with_what_to_do(self, app):
        assert ask_doctor(app) == {}
        assert note(app).startswith("A pooler in transaction mode")
        assert "stats_users" in note(app)
        app.config["DATABASE_POOL_SIZE"] = 10_000
        assert ask_doctor(app) == {}
