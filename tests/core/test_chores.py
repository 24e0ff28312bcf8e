"""Housekeeping: done at a worker's start, said, and no chore keeps another from being done."""

from __future__ import annotations

import errno
import os
import threading
import time
from datetime import timedelta

import time_machine

from leadintake.core import alarms, checks, chores
from leadintake.core.clock import now
from leadintake.documents.ownership import ownership
from leadintake.notifications import rounds
from leadintake.notifications.embedded import Stop
from leadintake.notifications.worker import Worker
from tests.factories import NotificationFactory
from tests.support.leads import files_of
from tests.support.outbox import deliver
from tests.support.waiting import until


def test_a_chore_that_fails_is_said_and_the_next_is_done(app, capfd):
    done = []

    def fail(_stop):
        raise OSError(errno.ENOSPC, "the broom is gone")

    chores.register(app, "broken", fail)
    chores.register(app, "whole", lambda _stop: {"done": done.append(1) or "yes"})
    chores.run_due(app, lambda: False, {})
    assert done == [1]
    said = capfd.readouterr().err
    assert "the broom is gone" in said
    assert "chore=whole" in said


def test_a_chore_that_failed_last_is_a_warning_until_it_is_done_or_long_ago(app):
    well = []

    def act(_stop):
        if not well:
            raise OSError(errno.ENOSPC, "the broom is gone")
        return {}

    def told():
        with app.app_context():
            problem = alarms.find_problems()["housekeeping"]
            found = checks.results(parts={"housekeeping"})["housekeeping"]
        return problem is not None, "broken" in found

    chores.register(app, "broken", act)
    assert told() == (False, False)
    chores.run_due(app, lambda: False, {})
    assert told() == (True, True)
    with time_machine.travel(now() + timedelta(days=3), tick=True):
        assert told() == (False, False)
    well.append(True)
    chores.run_due(app, lambda: False, {})
    assert told() == (False, False)


def test_a_round_that_fails_is_said_and_neither_the_next_nor_the_messages_wait(app, given, capfd):
    looked = []

    def fail():
        raise ZeroDivisionError

    chores.on_worker_tick(app, fail)
    chores.on_worker_tick(app, lambda: looked.append(1))
    given(NotificationFactory)
    assert deliver(app) == 1
    assert looked == [1]
    assert "round_failed" in capfd.readouterr().err


def test_rounds_go_on_between_the_messages_of_a_long_row(app, given, monkeypatch):
    looked = []
    chores.on_worker_tick(app, lambda: looked.append(1))
    monkeypatch.setattr(rounds, "TICK_SECONDS", 0)
    for _ in range(3):
        given(NotificationFactory)
    assert deliver(app) == 3
    assert len(looked) == 4


def test_nothing_is_begun_once_told_to_stop(app):
    done = []
    chores.register(app, "late", lambda _stop: {"done": done.append(1)})
    chores.run_due(app, lambda: True, {})
    assert done == []


def test_a_chore_is_done_at_the_start_and_then_at_its_own_interval(app, monkeypatch):
    done, when = [], {}
    chores.register(app, "hourly", lambda _stop: {"done": done.append("hourly")}, every=timedelta(hours=1))
    chores.register(app, "daily", lambda _stop: {"done": done.append("daily")})
    for second in (0, 30, 3601, 3630, 86401):
        monkeypatch.setattr(time, "monotonic", lambda second=second: second)
        chores.run_due(app, lambda: False, when)
    assert [one for one in done if one in ("hourly", "daily")] == [
        "hourly",
        "daily",
        "hourly",
        "hourly",
        "daily",
    ]


def test_a_chore_waits_for_as_long_as_it_was_told_after_a_start(app, monkeypatch):
    done, when = [], {}
    wait = timedelta(minutes=10)
    chores.register(app, "patient", lambda _stop: {"done": done.append(second)}, wait=wait)
    for second in (0, 599, 600, 601, 86_999, 87_000):
        monkeypatch.setattr(time, "monotonic", lambda second=second: second)
        chores.run_due(app, lambda: False, when)
    assert done == [600, 87_000]


def test_a_worker_clears_away_what_a_crash_left_and_says_so(app, tmp_path, capfd):
    with app.app_context():
        ownership.maintain(lambda: False)  # the storage is ours since it was empty
    waiting = app.extensions["leadintake.chores"]
    app.extensions["leadintake.chores"] = [(*chore, timedelta(0)) for *chore, _wait in waiting]
    left = tmp_path / "instance" / "uploads" / "0190f0c1-7b1e-7c3a-9d2e-0123456789ab.pdf"
    unfinished = left.with_suffix(".pdf.part")
    for path in (left, unfinished):
        path.write_bytes(b"of a submission that was cut")
        os.utime(path, (0, 0))
    stop = Stop()
    worker = threading.Thread(target=Worker(app).run, args=(stop,))
    worker.start()
    until(lambda: files_of(app) == [])
    stop.stop_event.set()
    worker.join()
    said = capfd.readouterr().err
    assert "housekeeping" in said
    assert left.name in said
