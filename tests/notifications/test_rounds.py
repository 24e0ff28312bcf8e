"""What a worker asks the database while there is nothing to do, and how soon it finds what there is."""

from __future__ import annotations

import pytest

from leadintake.auth.models import PasswordRequest
from leadintake.auth.people.forgotten import forgotten
from leadintake.core import chores
from leadintake.core.db.transaction import transaction
from leadintake.notifications import payloads, rounds
from leadintake.notifications.embedded import Stop
from leadintake.notifications.models import Notification, Status
from leadintake.notifications.worker import Worker
from tests.factories import NotificationFactory, UserFactory
from tests.support.statements import statements

MAX_PER_IDLE_ROUND = 1
"""Statement."""
IDLE_ROUNDS = 25


@pytest.fixture
def worker(app):
    """A worker after its first round, which runs the ticks."""
    worker = Worker(app)
    run(worker)
    return worker


def run(worker: Worker) -> None:
    with worker.app.app_context():
        worker._run_round(Stop())


def count(worker: Worker, times: int = 1) -> int:
    with statements(worker.app) as sent:
        for _ in range(times):
            run(worker)
    return len(sent)


@pytest.mark.every_engine
def test_a_round_without_work_asks_one_statement(worker, given):
    given(UserFactory)
    given(NotificationFactory, "failed")
    assert 0 < count(worker, IDLE_ROUNDS) <= MAX_PER_IDLE_ROUND * IDLE_ROUNDS


@pytest.mark.every_engine
def test_what_another_process_committed_leaves_in_the_next_round(worker, given, rows):
    assert count(worker) == 1
    given(NotificationFactory)  # nobody wakes this worker
    run(worker)
    assert [one.status for one in rows(Notification)] == [Status.SENT]


def test_a_payload_is_found_as_well(worker, rows):
    with worker.app.app_context(), transaction():
        payloads.enqueue("unknown", "test", "somebody", {})
    run(worker)
    assert "no channel named unknown" in rows(Notification)[0].last_error


@pytest.mark.every_engine
def test_a_forgotten_password_is_answered_in_the_next_round(worker, given, rows):
    person = given(UserFactory)
    with worker.app.app_context(), transaction():
        forgotten.ask(person.email)
    run(worker)
    assert rows(PasswordRequest) == []
    assert [one.recipient for one in rows(Notification)] == [person.email]


def test_other_ticks_run_twice_a_minute(app, worker, monkeypatch):
    runs: list[int] = []
    chores.on_worker_tick(app, lambda: bool(runs.append(1)))
    run(worker)
    assert runs == []
    monkeypatch.setattr(rounds, "time", Clock(after=29))
    run(worker)
    assert runs == []
    monkeypatch.setattr(rounds, "time", Clock(after=31))
    run(worker)
    assert runs == [1]


def test_a_tick_that_found_work_runs_again_in_the_next_round(app, worker, monkeypatch):
    work = [True, True, False]
    chores.on_worker_tick(app, lambda: work.pop(0))
    monkeypatch.setattr(rounds, "time", Clock(after=31))
    for _ in range(5):
        run(worker)
    assert work == []


class Clock:
    """`time`, so many seconds later."""

    def __init__(self, *, after: float) -> None:
        self._moment = rounds.time.monotonic() + after

    def monotonic(self) -> float:
        return self._moment
