"""The worker's loop, and the thread inside a web process."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from leadintake.core import checks
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.db.types import new_id
from leadintake.notifications import backlog
from leadintake.notifications.embedded import Stop
from leadintake.notifications.models import Notification, Status, WorkerBeat
from leadintake.notifications.service import notifications
from leadintake.notifications.worker import Worker
from tests.factories import NotificationFactory
from tests.support.mailserver import HOST, Script, free_port, mail_server
from tests.support.outbox import at, deliver


class Rounds(Stop):
    """Stops after so many rounds and remembers the pauses, without waiting them out."""

    def __init__(self, number: int, between=lambda _: None) -> None:
        super().__init__()
        self.left, self.between, self.pauses = number, between, []

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.between(len(self.pauses))
        self.left -= 1
        if not self.left:
            self.stop_event.set()


def move_table(app, old: str, new: str) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.text(f"ALTER TABLE {old} RENAME TO {new}"))


@pytest.mark.every_engine
def test_the_loop_survives_a_database_that_fails_and_then_delivers(app, given, rows):
    given(NotificationFactory)
    move_table(app, "notifications", "away")
    stop = Rounds(4, lambda round_: move_table(app, "away", "notifications") if round_ == 3 else None)
    Worker(app).run(stop)
    assert stop.pauses == [2, 4, 8, 1]
    assert rows(Notification)[0].status is Status.SENT


def test_the_pause_grows_to_half_a_minute_and_no_further(app, given, monkeypatch):
    given(NotificationFactory)
    app.extensions["leadintake.channels"]["mail"].folder.write_text("in the way")
    stop = Rounds(7)
    Worker(app).run(stop)
    assert stop.pauses == [2, 4, 8, 16, 30, 30, 30]


def test_the_outcome_that_could_not_be_kept_leaves_the_message_to_the_next_lease(app, given, rows):
    """Sent twice under one Message-ID is better than never."""
    with at():
        given(NotificationFactory)
        move_table(app, "delivery_attempts", "away")
        with pytest.raises(sa.exc.OperationalError):
            deliver(app)
        assert rows(Notification)[0].status is Status.SENDING
        move_table(app, "away", "delivery_attempts")
    with at(seconds=61):
        assert deliver(app) == 1
    assert rows(Notification)[0].status is Status.SENT


def test_a_worker_told_to_stop_finishes_the_message_in_hand_only(app, given, rows):
    for _ in range(3):
        given(NotificationFactory)
    stop = Stop()
    channel = app.extensions["leadintake.channels"]["mail"]
    write = channel.deliver

    def deliver_and_stop(owed):
        stop.stop_event.set()
        return write(owed)

    channel.deliver = deliver_and_stop
    with app.app_context():
        assert Worker(app).deliver_due(stop) == 1
    assert [one.status for one in rows(Notification)] == [Status.SENT, Status.QUEUED, Status.QUEUED]


@pytest.mark.every_engine
def test_a_worker_is_known_to_live_while_it_beats(app, rows):
    def worker_fails() -> bool:
        with app.app_context():
            return "worker" in checks.failures()

    assert worker_fails()
    worker = Worker(app)
    with at():
        worker.run(Rounds(1))
        assert not worker_fails()
    with at(seconds=59):
        assert not worker_fails()
        worker.run(Rounds(1))  # the same row again
        assert len(rows(WorkerBeat)) == 1
    with at(seconds=59 + 61):
        assert worker_fails()
    with at(minutes=20):
        Worker(app).run(Rounds(1))
        assert len(rows(WorkerBeat)) == 1  # the other is forgotten


def test_a_beat_by_a_clock_gone_ahead_hides_no_worker_that_lives(app, rows):
    def worker_fails() -> bool:
        with app.app_context():
            return "worker" in checks.failures()

    with at(days=400):
        Worker(app).run(Rounds(1))
    with at():
        assert worker_fails()
        worker = Worker(app)
        worker.run(Rounds(1))
        assert not worker_fails()
        assert len(rows(WorkerBeat)) == 1
    with at(minutes=-30):
        worker.run(Rounds(1))
        assert not worker_fails()


def test_counts_name_every_status_even_without_messages(app, given):
    given(NotificationFactory)
    given(NotificationFactory, "failed")
    given(NotificationFactory, "failed")
    with app.app_context():
        assert backlog.count_by_status() == {"queued": 1, "sending": 0, "failed": 2}


def test_a_stop_waits_until_woken_and_forgets_the_wake_up(app):
    stop = Stop()
    stop.wake_event.set()
    stop.wait(60)  # returns at once
    assert not stop.wake_event.is_set()
    assert not stop()
    stop.stop_event.set()
    stop.wait(60)
    assert stop()


class TestWithAServerThatIsAway:
    """Nothing is lost while there is no mail server."""

    @pytest.fixture
    def settings(self) -> dict[str, object]:
        return {"MAIL_SERVER": HOST, "MAIL_PORT": free_port(), "MAIL_TIMEOUT": 1}

    def test_the_loop_waits_and_then_delivers(self, app, given, rows):
        given(NotificationFactory)
        Worker(app).run(Rounds(3))
        assert rows(Notification)[0].attempts == 0
        with mail_server(Script(), app.config["MAIL_PORT"]):
            Worker(app).run(Rounds(1))
        assert rows(Notification)[0].status is Status.SENT

    def test_the_worker_beats_after_it_too(self, app, given, monkeypatch):
        given(NotificationFactory)
        beats = []
        monkeypatch.setattr(notifications, "record_beat", beats.append)
        monkeypatch.setitem(Worker.run.__globals__, "BEAT_EVERY", timedelta(0))
        Worker(app).run(Rounds(1))
        assert len(beats) == 2

    def test_the_doctor_finds_it(self, app):
        def doctor() -> str:
            """What the check of the mail finds; the others are not asked."""
            with app.app_context():
                (mail,) = [one for one in app.extensions["leadintake.checks"] if one.part == "mail"]
                app.extensions["leadintake.checks"] = [mail]
                (found,) = checks.findings()
                return found.detail

        assert str(app.config["MAIL_PORT"]) in doctor()
        with mail_server(Script(), app.config["MAIL_PORT"]):
            assert doctor() == ""

    def test_readiness_does_not_depend_on_it(self, app):
        with app.app_context():
            assert "mail" not in checks.failures()


@pytest.mark.every_server
def test_a_beat_waits_for_no_beat_of_another_worker(app):
    """Four that started at once waited for each other in MariaDB, which refused one (deadlock)."""
    row = {"id": new_id(), "worker": "another", "seen_at": now(), "created_at": now(), "updated_at": now()}
    with app.app_context():
        with db.engine.connect() as another, transaction():
            another.execute(sa.insert(WorkerBeat.__table__), [row])  # not committed meanwhile
            notifications.record_beat("one")
        assert db.session.scalars(sa.select(WorkerBeat.worker)).all() == ["one"]
