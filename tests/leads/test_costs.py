"""What a submission costs, counted without a clock."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable, Generator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from leadintake.core.db import locks
from leadintake.core.db.database import db, is_read_only
from leadintake.leads.models import Lead
from tests.factories import UserFactory
from tests.support.statements import statements

MAX_STATEMENTS = 12
"""Of a submission with a key, under the lock: on SQLite from BEGIN, elsewhere once it is granted."""
MAX_ROUND_TRIPS = 13
"""To PostgreSQL, from there on: the statements and COMMIT."""
MAX_CALLS = 8_800
"""Of Python functions, as cProfile counts them: 24,453 before rows were written by plain INSERTs."""
MAX_SERVED_CALLS = 8_000
"""The same without those of the test's client."""


@pytest.fixture(autouse=True)
def _five_people(given):
    for _ in range(5):
        given(UserFactory)


@pytest.fixture
def forget_before_lock(app, monkeypatch) -> Callable[[list[str]], None]:
    """Empty a list whenever a submission has its lock."""

    def forget(noted: list[str]) -> None:
        def acquire(name: str) -> None:
            real_acquire(name)
            if db.engine.dialect.name != "sqlite":
                noted.clear()

        def begin(_: sa.Connection) -> None:
            if not is_read_only():
                noted.clear()

        real_acquire = locks.acquire
        monkeypatch.setattr(locks, "acquire", acquire)
        with app.app_context():
            if db.engine.dialect.name == "sqlite":
                sa.event.listen(db.engine, "begin", begin)

    return forget


@pytest.mark.every_engine
def test_under_the_lock_a_submission_sends_few_statements(app, client, forget_before_lock):
    assert client.submit(key="first", email="first@x.example.com").status_code == 201
    with statements(app) as sent:
        forget_before_lock(sent)
        assert client.submit(key="second", email="second@x.example.com").status_code == 201
    assert sent[-2].startswith("INSERT INTO lead_search")
    assert sent[-1].startswith("INSERT INTO lead_counts")
    assert len(sent) <= MAX_STATEMENTS, sent


@pytest.mark.on_postgresql
def test_under_the_lock_a_submission_asks_postgresql_few_times(client, forget_before_lock, monkeypatch):
    assert client.submit(key="first", email="first@x.example.com").status_code == 201
    trips: list[str] = []

    def wait(self: psycopg.Connection, generator: Generator[Any, Any, Any], *more: Any) -> Any:
        if generator.__name__ not in {"_enter_gen", "_exit_gen"}:  # of a pipeline, which is one trip in all
            trips.append(generator.__name__)
        return real_wait(self, generator, *more)

    real_wait = psycopg.Connection.wait
    monkeypatch.setattr(psycopg.Connection, "wait", wait)
    forget_before_lock(trips)
    assert client.submit(key="second", email="second@x.example.com").status_code == 201
    committed = trips.index("_commit_gen") + 1
    assert 2 < committed <= MAX_ROUND_TRIPS, trips


@pytest.fixture
def warm_client(client):
    """A client of a service that has made what is made once."""
    for number in range(3):
        assert client.submit(email=f"warm{number}@x.example.com").status_code == 201
    return client


def test_a_submission_makes_few_python_calls(warm_client):
    profile = cProfile.Profile()
    with profile:
        assert warm_client.submit(email="counted@x.example.com").status_code == 201
    assert 5_000 < pstats.Stats(profile).total_calls < MAX_CALLS


def test_a_server_makes_fewer_than_the_client_of_the_test(app, warm_client, monkeypatch):
    """What a server pays begins where the application is called."""
    profile = cProfile.Profile()

    def serve(environ: Any, start_response: Any) -> list[bytes]:
        with profile:
            answer = real_application(environ, start_response)
            content = [*answer]
            answer.close()
            return content

    real_application = app.wsgi_app
    monkeypatch.setattr(app, "wsgi_app", serve)
    assert warm_client.submit(email="counted@x.example.com").status_code == 201
    assert 4_000 < pstats.Stats(profile).total_calls < MAX_SERVED_CALLS


@pytest.mark.every_engine
def test_a_known_address_costs_no_more_for_many_leads_than_for_one(app, client, rows):
    assert client.submit(key="first").status_code == 201
    with statements(app) as second:
        assert client.submit(key="second").status_code == 201
    for number in range(20):
        assert client.submit(key=f"more{number}").status_code == 201
    with statements(app) as later:
        assert client.submit(key="last").status_code == 201
    assert len(rows(Lead)) == 23
    assert len(later) <= len(second)
