"""kill -9 in the middle of the work: what was acknowledged is there, and everyone is told."""

from __future__ import annotations

import itertools
import json
import random
import signal
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from subprocess import TimeoutExpired

import pytest
import sqlalchemy as sa

from leadintake.core.db.database import db, engine_url
from leadintake.notifications.leases import LEASE
from tests.factories import UserFactory
from tests.support.client import PDF
from tests.support.engines import fresh_copy
from tests.support.leads import MULTIPART, body_of, good_parts
from tests.support.ledger import LONG, Prospects, audit, end_leases, files_in, record
from tests.support.mailserver import HOST, Script, mail_server
from tests.support.pgbouncer import pgbouncer
from tests.support.server import mail_at, serving, wait_until, working

SUBMISSIONS = 200
ATTORNEYS = 4
KILLS = 50 if LONG else 3
CLIENTS = 6
PATIENT_SECONDS = 0.1
"""How long a client waits before it tries again, or submits the next."""
MAX_TRIES = 300
DELIVERED_WITHIN_SECONDS = 600 if LONG else 60
PAST_THE_LEASE_SECONDS = LEASE.total_seconds() + 5


@pytest.fixture
def database(database_url):
    """Reads what the server wrote, from outside."""
    engine = sa.create_engine(engine_url(database_url))

    def read(query: str) -> list[tuple]:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]

    yield read
    engine.dispose()


@pytest.mark.every_engine
def test_every_acknowledged_lead_survives_kill_9_and_all_its_messages_are_sent(
    app, given, database, database_url, tmp_path, engine_name
):
    for _ in range(ATTORNEYS):
        given(UserFactory)
    uploads = tmp_path / "instance" / "uploads"
    with serving(database_url, tmp_path) as server:
        prospects = Prospects(server.address)
        with ThreadPoolExecutor(16) as crowd:
            posts = [crowd.submit(prospects.submit, number) for number in range(SUBMISSIONS)]
            prospects.wait_for(acknowledged=SUBMISSIONS // 2)
            server.kill()
            for post in posts:
                post.result()
        acknowledged = dict(prospects.acknowledged)
        assert SUBMISSIONS // 2 <= len(acknowledged) < SUBMISSIONS
        audit(acknowledged, database_url, uploads).assert_stored()
        assert _is_even(database)

        end_leases(database_url)
        server.start()
        prospects.crowd(range(SUBMISSIONS))  # everybody tries again
        assert len(prospects.acknowledged) == SUBMISSIONS
        assert acknowledged.items() <= prospects.acknowledged.items()
        wait_until(lambda: _unsent(database) == [], "every message is sent")
        mails = list((tmp_path / "instance" / "mail").glob("*.eml"))
        assert len(mails) == 2 * SUBMISSIONS

        swept = server.sweep()
        assert swept.returncode == 0, swept.stderr
        assert server.stop() == 0
    report = audit(prospects.acknowledged, database_url, uploads)
    report.assert_kept()
    assert len(files_in(uploads)) == SUBMISSIONS
    assert _is_even(database)
    record(report, "kill -9", engine_name)


class Storm:
    """Anything may be killed at any moment; clients try again with the same key until they are told."""

    engine: str
    kills = KILLS

    @pytest.fixture
    def url_of_server(self, database_url):
        """The way of server and workers to the database; the test looks into it directly."""
        return database_url

    def test_of_kills_at_random_of_server_and_workers_loses_nothing_and_repeats_only_mail(
        self, app, given, database, database_url, url_of_server, tmp_path
    ):
        for _ in range(ATTORNEYS):
            given(UserFactory)
        with app.app_context():
            db.engine.dispose()
        uploads, sink, seed = tmp_path / "instance" / "uploads", Script(), random.randrange(10**6)
        chance = random.Random(seed)
        with (
            mail_server(sink) as port,
            serving(url_of_server, tmp_path, **mail_at(port)) as server,
            working(server) as one,
            working(server) as another,
        ):
            prospects, numbers = Prospects(server.address), itertools.count()
            over, pause = threading.Event(), threading.Event()

            def client() -> None:
                while not over.is_set():
                    number = next(numbers)
                    for _ in range(MAX_TRIES):
                        told = prospects.submit(number)
                        pause.wait(PATIENT_SECONDS)
                        if told == 201:
                            break

            with ThreadPoolExecutor(CLIENTS) as people:
                clients = [people.submit(client) for _ in range(CLIENTS)]
                try:
                    for _ in range(self.kills):
                        more = chance.randrange(1, 4 * CLIENTS)
                        prospects.wait_for(acknowledged=len(prospects.acknowledged) + more)
                        victim = chance.choice((server, server, one, another))
                        victim.kill()
                        victim.start()
                finally:
                    over.set()
                for each in clients:
                    each.result()
            one.kill()
            another.kill()
            with working(server, ahead_seconds=PAST_THE_LEASE_SECONDS) as last:  # takes over
                sent = lambda: _unsent(database) == []
                wait_until(sent, "every message is sent", DELIVERED_WITHIN_SECONDS)
                assert last.stop() == 0
            swept = server.sweep()
            assert swept.returncode == 0, swept.stderr
            assert server.stop() == 0
        assert prospects.unserved() == []
        assert all(len(leads) == 1 for leads in prospects.leads.values())
        report = audit(prospects.acknowledged, database_url, uploads, faults=self.kills, sink=sink.received)
        report.assert_kept()
        assert len(files_in(uploads)) == report.acknowledged
        assert len(arrivals(sink)) == 2 * report.acknowledged, f"mail under other ids: seed {seed}"
        record(report, f"{self.kills} kills at random", self.engine)


class TestSQLite(Storm):
    """A file that the dead had open."""

    engine = "sqlite"


class TestPostgreSQL(Storm):
    """A server that outlives its clients."""

    engine = "postgresql"

    @pytest.fixture
    def database_url(self, postgres, tmp_path):
        return fresh_copy(postgres.url, tmp_path)


class TestPgBouncer(TestPostgreSQL):
    """Five connections for all of them, each for a transaction at a time."""

    engine = "postgresql behind pgbouncer"
    kills = KILLS if LONG else 2

    @pytest.fixture
    def url_of_server(self, database_url):
        with pgbouncer(database_url, "transaction") as started:
            yield started.url


def arrivals(sink: Script) -> Counter[str]:
    """How often each Message-ID arrived."""
    return Counter(str(mail["Message-ID"]) for mail in sink.received)


def _is_even(database) -> bool:
    loads = [count for _, count in database("SELECT assignee_id, COUNT(*) FROM leads GROUP BY assignee_id")]
    return max(loads) - min(loads) <= 1


def _unsent(database) -> list[tuple]:
    return database("SELECT id FROM notifications WHERE status <> 'sent'")


class Upload:
    """A submission sent by hand, in two halves."""

    def __init__(self, port: int, key: str) -> None:
        body = body_of(*good_parts().values())
        head = (
            f"POST /public/leads HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n"
            f"Content-Type: {MULTIPART}\r\nContent-Length: {len(body)}\r\nIdempotency-Key: {key}\r\n\r\n"
        )
        whole = head.encode() + body
        self.rest = whole[-len(PDF) :]
        self.connection = socket.create_connection((HOST, port), timeout=30)
        self.connection.sendall(whole[: -len(PDF)])

    def finish(self) -> str:
        """Send the rest; the status line that is answered."""
        with self.connection, self.connection.makefile("rb") as answer:
            self.connection.sendall(self.rest)
            return answer.readline().decode().strip()


def accepts(port: int) -> bool:
    """Whether anybody listens."""
    try:
        socket.create_connection((HOST, port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_sigterm_finishes_the_upload_in_hand_while_it_takes_no_other_and_exits_cleanly(
    app, given, database_url, tmp_path, engine_name
):
    given(UserFactory)
    uploads = tmp_path / "instance" / "uploads"
    with serving(database_url, tmp_path) as server:
        prospects = Prospects(server.address)
        assert {told.status for told in prospects.crowd(range(8))} == {201}
        upload = Upload(server.port, "in-hand")
        with ThreadPoolExecutor(CLIENTS) as people:
            crowd = [people.submit(prospects.submit, number) for number in range(8, 40)]
            prospects.wait_for(acknowledged=12)
            server.process.send_signal(signal.SIGTERM)
            wait_until(lambda: not accepts(server.port), "the server takes nobody in any more")
            assert upload.finish() == "HTTP/1.1 201 Created"
            assert server.process.wait(30) == 0
            for one in crowd:
                one.result()
        end_leases(database_url)
        server.start()
        prospects.crowd(prospects.unserved())
        again = Upload(server.port, "in-hand")
        assert again.finish() == "HTTP/1.1 201 Created"  # and no second file, see below
        wait_until(
            lambda: audit(prospects.acknowledged, database_url, uploads).delivered == 40, "all is sent"
        )
        assert server.stop() == 0
    report = audit(prospects.acknowledged, database_url, uploads)
    report.assert_kept()
    assert len(files_in(uploads)) == report.acknowledged + 1
    record(report, "SIGTERM of a server", engine_name)


def test_sigterm_lets_a_worker_finish_and_record_the_message_in_hand(
    app, given, database_url, tmp_path, engine_name
):
    given(UserFactory)
    sink = Script()
    sink.go_on.clear()
    with (
        mail_server(sink) as port,
        serving(database_url, tmp_path, **mail_at(port)) as server,
        working(server) as worker,
    ):
        prospects = Prospects(server.address)
        assert prospects.submit(1) == 201
        assert sink.at_data.wait(30)
        worker.process.send_signal(signal.SIGTERM)
        with pytest.raises(TimeoutExpired):
            worker.process.wait(0.5)  # it holds on to the message
        sink.go_on.set()
        assert worker.process.wait(30) == 0
        assert len(sink.received) == 1
        states = Counter(one["status"] for one in outbox(server))
        assert states == {"sent": 1, "queued": 1}
        with working(server):
            wait_until(lambda: len(sink.received) == 2, "the other message is sent, at once and once")
            wait_until(lambda: {one["status"] for one in outbox(server)} == {"sent"}, "it is recorded")
    report = audit(
        prospects.acknowledged, database_url, tmp_path / "instance" / "uploads", sink=sink.received
    )
    report.assert_kept()
    record(report, "SIGTERM of a worker in DATA", engine_name)


def outbox(server) -> list[dict]:
    """The messages as an operator lists them."""
    listed = server.run("outbox", "list", "--limit", "1000", "--format", "json")
    assert listed.returncode == 0, listed.stderr
    return json.loads(listed.stdout)
