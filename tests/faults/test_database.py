"""A database that crashes, freezes, loses an answer or is locked: no lie is told, and service comes back."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import sqlalchemy as sa

from leadintake.core.db.database import engine_url
from leadintake.leads.models import Lead
from leadintake.notifications.models import Notification, Status
from tests.factories import UserFactory
from tests.support.engines import fresh_copy
from tests.support.ledger import LONG, Prospects, audit, end_leases, record
from tests.support.proxy import Cut, proxy_to
from tests.support.server import serving, wait_until

ROUNDS = 10 if LONG else 1
CROWD = 200 if LONG else 24
LOADED_BY = 8
LOCKED_SECONDS = 3
"""Less than a writer waits."""


def is_ready(server) -> bool:
    """Whether the server says so of itself."""
    return requests.get(f"{server.address}/readyz", timeout=30).ok


def settle_and_audit(server, prospects, database_url, tmp_path, *, faults=1):
    """Let everybody without a lead try again, the messages leave and the sweep run; what the books say."""
    again = prospects.crowd(prospects.unserved())
    assert [told for told in again if told.status != 201] == []
    longer = 60 + len(prospects.acknowledged) / 10  # in the long form there are thousands of messages
    gone_through = lambda: not _messages(database_url, Status.QUEUED)
    wait_until(gone_through, "the worker has gone through the messages", longer)
    assert server.stop() == 0
    end_leases(database_url)
    server.start()
    wait_until(lambda: not _messages(database_url, Status.SENDING), "every message is sent")
    swept = server.sweep()
    assert swept.returncode == 0, swept.stderr
    report = audit(prospects.acknowledged, database_url, tmp_path / "instance" / "uploads", faults=faults)
    assert _count(database_url, sa.select(Lead.id)) == len(prospects.acknowledged)
    return report


def _messages(database_url, status) -> int:
    return _count(database_url, sa.select(Notification.id).where(Notification.status == status))


def _count(database_url, wanted) -> int:
    engine = sa.create_engine(engine_url(database_url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return len(connection.execute(wanted).all())


class TestPostgreSQL:
    """A server of the test's own, so that it may come to harm."""

    @pytest.fixture
    def database_url(self, postgres, tmp_path):
        return fresh_copy(postgres.url, tmp_path)

    @pytest.fixture
    def served(self, app, given, database_url, tmp_path):
        given(UserFactory)
        with serving(database_url, tmp_path) as server:
            yield server

    def test_that_crashes_under_load_is_answered_503_and_served_again_by_itself(
        self, served, postgres, database_url, tmp_path
    ):
        prospects, over = Prospects(served.address), threading.Event()
        everybody = itertools.count()

        def load() -> None:
            while not over.is_set():
                prospects.submit(next(everybody))

        with ThreadPoolExecutor(LOADED_BY) as people:
            loads = [people.submit(load) for _ in range(LOADED_BY)]
            try:
                for _ in range(ROUNDS):
                    prospects.wait_for(acknowledged=len(prospects.acknowledged) + 2 * LOADED_BY)
                    postgres.crash()
                    away = prospects.crowd(next(everybody) for _ in range(CROWD))
                    postgres.start()
                    assert [told for told in away if not told.says_try_again()] == []
                prospects.wait_for(acknowledged=len(prospects.acknowledged) + 2 * LOADED_BY)
            finally:
                over.set()
            for one in loads:
                one.result()
        assert [told for told in prospects.answers if told.status != 201 and not told.says_try_again()] == []
        report = settle_and_audit(served, prospects, database_url, tmp_path, faults=ROUNDS)
        report.assert_kept()
        record(report, "database crash under load", "postgresql")

    def test_that_freezes_is_answered_503_in_good_time_and_served_again_by_itself(
        self, served, postgres, database_url, tmp_path
    ):
        prospects = Prospects(served.address)
        prospects.crowd(range(CROWD))  # so that the pool is full of connections that will not answer
        assert len(prospects.acknowledged) == CROWD
        postgres.freeze()
        try:
            frozen = prospects.crowd(range(CROWD, 3 * CROWD))
            alive = requests.get(f"{served.address}/healthz", timeout=30)
        finally:
            postgres.thaw()
        assert alive.status_code == 200
        assert [told for told in frozen if not told.says_try_again()] == []
        wait_until(lambda: is_ready(served), "the server is ready")
        report = settle_and_audit(served, prospects, database_url, tmp_path)
        report.assert_kept()
        record(report, "database frozen", "postgresql")

    @pytest.mark.parametrize(("cut", "kept"), [(Cut.ANSWER, 1), (Cut.QUESTION, 0)])
    def test_that_is_cut_off_at_the_commit_is_503_and_the_same_key_gives_the_one_lead(
        self, app, given, postgres, database_url, tmp_path, cut, kept
    ):
        given(UserFactory)
        with proxy_to(postgres.port) as proxy:
            far = engine_url(database_url).set(port=proxy.port).render_as_string(hide_password=False)
            with serving(far, tmp_path) as server:
                prospects = Prospects(server.address)
                proxy.cut_once(cut, b"COMMIT", after=b"INSERT INTO leads")
                told = prospects.ask(1)
                assert proxy.has_cut.is_set()
                assert told.says_try_again()
                wait_until(
                    lambda: _count(database_url, sa.select(Lead.id)) == kept, f"there are {kept} leads"
                )
                again = prospects.ask(1)
                assert again.status == 201
                assert again.headers.get("Idempotency-Replayed") == ("true" if kept else None)
                report = settle_and_audit(server, prospects, database_url, tmp_path)
        report.assert_kept()
        record(report, f"connection cut at COMMIT: {cut.value}", "postgresql")

    @pytest.mark.long_form
    def test_whose_wire_falls_silent_under_load_leaves_nobody_without_an_answer(
        self, app, given, postgres, database_url, tmp_path
    ):
        given(UserFactory)
        with proxy_to(postgres.port) as proxy:
            far = engine_url(database_url).set(port=proxy.port).render_as_string(hide_password=False)
            with serving(far, tmp_path) as server, ThreadPoolExecutor(1) as meanwhile:
                prospects = Prospects(server.address)
                crowd = meanwhile.submit(prospects.crowd, range(3 * CROWD))
                prospects.wait_for(acknowledged=CROWD // 2)
                proxy.freeze()
                try:
                    caught = crowd.result()
                finally:
                    proxy.thaw()
                assert {told.status for told in caught} == {201, 503}
                report = settle_and_audit(server, prospects, database_url, tmp_path)
        report.assert_kept()
        record(report, "silent wire under load", "postgresql")


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


def test_a_sqlite_file_locked_by_somebody_else_is_waited_for_or_answered_503(
    app, given, database_url, tmp_path
):
    given(UserFactory)
    path = database_url.removeprefix("sqlite:///")
    with serving(database_url, tmp_path) as server, ThreadPoolExecutor(1) as meanwhile:
        prospects = Prospects(server.address)
        assert prospects.submit(0) == 201
        command = [sys.executable, "-c", HOLD, path]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as somebody:
            assert somebody.stdout.readline() == "locked\n"
            crowd = meanwhile.submit(prospects.crowd, range(1, CROWD))
            threading.Event().wait(LOCKED_SECONDS)  # this is how long it lasts: nothing else is waited for
            assert requests.get(server.address, timeout=5).status_code == 200
            assert _count(database_url, sa.select(Lead.id)) == 1
            somebody.stdin.close()
        waited = crowd.result()
        assert [told for told in waited if told.status != 201 and not told.says_try_again()] == []
        report = settle_and_audit(server, prospects, database_url, tmp_path)
    report.assert_kept()
    record(report, "file locked by another process", "sqlite")
