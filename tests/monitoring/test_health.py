"""/healthz and /readyz: alive, and able to serve."""

from __future__ import annotations

import errno
import itertools
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import time_machine

from leadintake.core import checks
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.monitoring.watchdog import Watchdog
from leadintake.notifications.service import notifications
from leadintake.notifications.worker import Worker
from tests.notifications.test_worker import Rounds

SECRET = "could not connect to owner:hunter2@10.0.0.7"


@pytest.fixture
def worker(app):
    """A worker that was seen just now."""
    with app.app_context(), transaction():
        notifications.record_beat("worker:1")


def failing(answer) -> str:
    """What a 503 of /readyz names."""
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Retry-After"]
    return answer.json["detail"].removeprefix("Not working: ").partition(".")[0]


@pytest.mark.every_engine
@pytest.mark.usefixtures("worker")
def test_a_service_that_has_all_it_needs_is_ready(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})


def test_a_worker_that_was_never_seen_is_named(client):
    assert failing(client.get("/readyz")) == "worker"


@pytest.mark.usefixtures("worker")
def test_a_worker_that_was_not_seen_for_long_is_named(client):
    with time_machine.travel(now() + timedelta(seconds=30)):
        assert client.get("/readyz").status_code == 200
    with time_machine.travel(now() + timedelta(minutes=5)):
        assert failing(client.get("/readyz")) == "worker"


@pytest.mark.usefixtures("worker")
def test_a_storage_that_takes_nothing_is_named_and_found_again(app, client):
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way")
    answer = client.get("/readyz")
    assert failing(answer) == "storage"
    assert str(folder) not in answer.text
    folder.unlink()
    assert client.get("/readyz").status_code == 200


def test_all_that_fails_is_named_and_no_cause_is_told(app, client):
    def broken():
        raise RuntimeError(SECRET)

    for part in ("zebra", "aardvark"):
        checks.register(app, part, broken)
    answer = client.get("/readyz")
    assert failing(answer) == "aardvark, worker, zebra"
    assert "hunter2" not in answer.text
    page = client.get("/readyz", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert "hunter2" not in page.text


@pytest.mark.usefixtures("worker")
def test_what_only_the_doctor_looks_at_makes_nobody_unready(app, client):
    def broken():
        raise RuntimeError(SECRET)

    checks.register(app, "optional", broken, needed=False)
    assert client.get("/readyz").status_code == 200


@pytest.mark.usefixtures("worker")
def test_watching_writes_nothing(app, client):
    client.submit()
    folder = Path(app.config["STORAGE_URL"].removeprefix("file:"))
    written = []

    def note(_connection, _cursor, statement, *_):
        written.extend([] if statement.startswith(("SELECT", "PRAGMA", "BEGIN DEFERRED")) else [statement])

    with app.app_context():
        before, engine = folder.stat().st_mtime_ns, db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    for _ in range(3):
        assert client.get("/readyz").status_code == 200
    sa.event.remove(engine, "before_cursor_execute", note)
    assert folder.stat().st_mtime_ns == before
    assert written == []


class TestWhatOnlyAWriteShows:
    """Nobody's question writes, until something could not be kept: then each question tries, until it can."""

    @pytest.fixture
    def probes(self, app) -> list[str]:
        """The writes that were tried."""
        tried: list[str] = []
        checks.register(app, "disk", lambda: None, probe=lambda: tried.append("disk"))
        return tried

    @pytest.mark.usefixtures("worker")
    def test_a_submission_that_could_not_be_kept_has_the_next_question_write(
        self, app, client, probes, monkeypatch
    ):
        assert client.get("/readyz").status_code == 200
        with monkeypatch.context() as patched:
            patched.setattr("os.fsync", _no_room)
            assert client.submit().status_code == 503
            assert failing(client.get("/readyz")) == "storage"
        assert probes == ["disk"]
        assert client.get("/readyz").status_code == 200
        assert client.get("/readyz").status_code == 200
        assert probes == ["disk", "disk"]

    def test_a_worker_that_fails_has_the_next_question_write(self, app, client, probes, monkeypatch):
        monkeypatch.setattr(notifications, "record_beat", _no_room)
        Worker(app).run(Rounds(1))
        client.get("/readyz")
        assert probes == ["disk"]

    def test_a_stranger_who_is_refused_has_nobody_write(self, client, probes):
        assert client.submit(email="no").status_code == 422
        assert client.get("/nothing").status_code == 404
        client.get("/readyz")
        assert probes == []


def _no_room(*_arguments, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


class TestSharing:
    """Whoever asks, a part is looked at by one at a time, and once in two seconds."""

    @pytest.fixture(autouse=True)
    def clock(self, monkeypatch) -> list[float]:
        """Seconds since anything; to be moved."""
        seconds = [1000.0]
        monkeypatch.setattr(checks, "FRESH_SECONDS", 2.0)
        monkeypatch.setattr(checks, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
        return seconds

    @pytest.fixture
    def asked(self, app) -> list[str]:
        """Every time a part was asked."""
        times: list[str] = []
        checks.register(app, "counted", lambda: times.append("asked"))
        return times

    def test_an_answer_is_good_for_two_seconds(self, client, asked, clock):
        for _ in range(5):
            client.get("/readyz")
        assert len(asked) == 1
        clock[0] += 1.9
        client.get("/readyz")
        assert len(asked) == 1
        clock[0] += 0.2
        client.get("/readyz")
        client.get("/readyz")
        assert len(asked) == 2

    def test_metrics_share_it(self, client, asked):
        client.get("/readyz")
        assert client.get("/metrics").status_code == 200
        assert len(asked) == 1

    def test_a_worker_that_has_just_begun_is_not_waited_for(self, app, client, asked):
        assert failing(client.get("/readyz")) == "worker"
        Worker(app).run(Rounds(1))
        assert client.get("/readyz").status_code == 200

    def test_a_crowd_that_could_not_be_served_does_not_make_us_ask_for_each(self, app, client, asked):
        client.get("/readyz")
        for _ in range(5):
            with app.app_context():
                checks.report_write_failure()
            client.get("/readyz")
        assert len(asked) == 2

    def test_sixty_four_callers_ask_once_and_nobody_waits_for_long(self, app, monkeypatch):
        begun, answered = threading.Event(), threading.Event()
        asked = []

        def slow():
            asked.append("asked")
            begun.set()
            assert answered.wait(30)

        checks.register(app, "slow", slow)
        monkeypatch.setattr(checks, "WAIT_SECONDS", 30)
        with ThreadPoolExecutor(64) as crowd:
            first = crowd.submit(app.test_client().get, "/readyz")
            assert begun.wait(30)
            others = [crowd.submit(app.test_client().get, "/readyz") for _ in range(63)]
            at_once = list(itertools.islice(as_completed(others, timeout=30), 63 - checks.MAX_WAITERS))
            assert {failing(one.result()) for one in at_once} == {"readiness"}
            assert not first.done()
            answered.set()
            assert failing(first.result()) == "worker"
            waited = [one.result() for one in others if one not in at_once]
        assert {failing(answer) for answer in waited} == {"worker"}
        assert len(asked) == 1

    def test_while_a_new_answer_is_found_out_the_last_one_is_given(self, app, client, clock):
        gate = threading.Event()
        gate.set()
        begun = threading.Event()

        def look():
            begun.set()
            assert gate.wait(30)

        checks.register(app, "gated", look)
        assert failing(client.get("/readyz")) == "worker"
        gate.clear()
        begun.clear()
        clock[0] += 3
        with ThreadPoolExecutor(1) as other:
            waiting = other.submit(app.test_client().get, "/readyz")
            assert begun.wait(30)
            assert failing(client.get("/readyz")) == "worker"
            assert not waiting.done()
            gate.set()
            assert failing(waiting.result()) == "worker"

    @pytest.fixture
    def slow_write(self, app):
        """A write that takes as long as a test wants: whether it has begun, and what lets it end."""
        begun, gate = threading.Event(), threading.Event()

        def write():
            begun.set()
            assert gate.wait(30)

        checks.register(app, "slow", lambda: None, probe=write)
        yield begun, gate
        gate.set()

    @pytest.mark.usefixtures("worker")
    def test_while_the_watchdog_tries_a_write_the_last_answer_is_given(self, app, client, clock, slow_write):
        begun, gate = slow_write
        assert client.get("/readyz").status_code == 200
        with ThreadPoolExecutor(1) as other:
            round_ = other.submit(Watchdog(app).run_round)
            assert begun.wait(30)
            assert client.get("/readyz").status_code == 200
            clock[0] += checks.STALE_SECONDS
            assert failing(client.get("/readyz")) == "readiness"  # an answer that old is none
            gate.set()
            assert round_.result() == {}

    @pytest.mark.usefixtures("worker")
    def test_after_a_failure_no_last_answer_is_given(self, app, client, slow_write):
        begun, gate = slow_write
        assert client.get("/readyz").status_code == 200
        with app.app_context():
            checks.report_write_failure()
        with ThreadPoolExecutor(1) as other:
            asked = other.submit(app.test_client().get, "/readyz")
            assert begun.wait(30)
            assert failing(client.get("/readyz")) == "readiness"
            gate.set()
            assert asked.result().status_code == 200


def test_alive_is_not_ready(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert client.get("/readyz").status_code == 503


def test_health_asks_nothing_of_anybody(app, client, monkeypatch):
    def never(*_arguments, **_options):
        raise AssertionError("a process lives without its database")

    monkeypatch.setattr(checks, "failures", never)
    monkeypatch.setattr("leadintake.core.db.database.db.session.execute", never)
    assert client.get("/healthz").status_code == 200


def test_both_answer_head_and_take_nothing_else(client):
    assert client.head("/healthz").status_code == 200
    assert client.head("/readyz").status_code == 503
    for path in ("/healthz", "/readyz"):
        assert client.post(path).status_code == 405
        assert client.get(f"{path}?verbose=1").status_code == 422
