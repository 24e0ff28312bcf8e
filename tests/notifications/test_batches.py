"""Order and batches: alerts go first, confirmations ten at a time, and nothing twice."""

from __future__ import annotations

import contextlib
import itertools
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from leadintake.core.actor import OPERATOR
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.notifications import batches, leases
from leadintake.notifications.batches import MAX_RESERVED, URGENT_CHECK_SECONDS, ClaimQueue
from leadintake.notifications.leases import LEASE, due_query
from leadintake.notifications.models import DeliveryAttempt, Notification, Priority, Status
from leadintake.notifications.service import notifications
from tests.factories import NotificationFactory
from tests.support.outbox import at, deliver
from tests.support.waiting import all_at_once

CONFIRMATION = "prospect_confirmation"
ALERTS = ("attorney_alert", "unassigned_alert", "invitation", "password_reset", "account_notice")


class Recorder:
    """A channel that remembers who was sent what, and lets a test act in the middle."""

    def __init__(self, app, act=lambda _: None) -> None:
        self.delivered: list[Notification] = []
        self.act = act
        app.extensions["leadintake.channels"]["mail"] = self

    @contextlib.contextmanager
    def open(self):
        yield self

    def deliver(self, owed: Notification) -> str:
        self.delivered.append(owed)
        self.act(owed)
        return "taken"

    def is_open(self) -> bool:
        return True

    def kinds(self) -> list[str]:
        return [owed.kind for owed in self.delivered]


def confirmations(given, count: int, **values) -> list[Notification]:
    return [given(NotificationFactory, kind=CONFIRMATION, **values) for _ in range(count)]


@pytest.fixture
def stopwatch(monkeypatch) -> SimpleNamespace:
    """What a batch measures seconds by."""
    watch = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(batches, "time", SimpleNamespace(monotonic=lambda: watch.seconds))
    return watch


def claim_next(app, hand: ClaimQueue) -> Notification | None:
    with app.app_context(), transaction():
        return hand.claim_next()


@pytest.mark.parametrize("kind", ALERTS)
def test_an_alert_or_account_mail_goes_before_confirmations_that_waited_longer(app, given, kind):
    with at():
        confirmations(given, 2)
    with at(minutes=5):
        given(NotificationFactory, kind=kind)
        recorder = Recorder(app)
        deliver(app)
    assert recorder.kinds() == [kind, CONFIRMATION, CONFIRMATION]


def test_an_alert_that_comes_in_the_middle_of_a_batch_goes_next(app, given, monkeypatch):
    monkeypatch.setattr(batches, "URGENT_CHECK_SECONDS", 0)
    confirmations(given, 5)
    arrivals = iter([True])
    recorder = Recorder(app, lambda _: next(arrivals, None) and given(NotificationFactory))
    deliver(app)
    assert recorder.kinds() == [CONFIRMATION, "attorney_alert", *[CONFIRMATION] * 4]


def test_a_worker_in_a_batch_looks_for_alerts_once_a_second(app, given, stopwatch):
    confirmations(given, 3)
    hand = ClaimQueue("worker")
    assert claim_next(app, hand).kind == CONFIRMATION
    given(NotificationFactory)
    assert claim_next(app, hand).kind == CONFIRMATION  # the same instant: not asked again
    stopwatch.seconds += URGENT_CHECK_SECONDS
    assert claim_next(app, hand).kind == "attorney_alert"
    assert claim_next(app, hand).kind == CONFIRMATION


def test_an_alert_is_claimed_alone(app, given, rows):
    for _ in range(3):
        given(NotificationFactory)
    claim_next(app, ClaimQueue("worker"))
    assert sorted(str(one.claimed_by) for one in rows(Notification)) == ["None", "None", "worker"]


@pytest.mark.every_engine
def test_confirmations_are_reserved_ten_at_a_time_and_begun_one_by_one(app, given, rows):
    confirmations(given, MAX_RESERVED + 2)
    first = claim_next(app, ClaimQueue("first"))
    found = rows(Notification)
    assert [(one.id, one.attempts) for one in found if one.status is Status.SENDING] == [(first.id, 1)]
    reserved = [one for one in found if one.claimed_by == "first" and one.status is Status.QUEUED]
    assert len(reserved) == MAX_RESERVED - 1
    assert {one.attempts for one in reserved} == {0}
    second = ClaimQueue("second")
    taken = {claim_next(app, second).id, claim_next(app, second).id}
    assert taken.isdisjoint({first.id, *(one.id for one in reserved)})
    assert claim_next(app, second) is None


@pytest.mark.every_engine
def test_a_worker_killed_in_a_batch_repeats_the_message_it_had_begun_and_no_other(app, given, rows):
    with at():
        confirmations(given, MAX_RESERVED)
        with pytest.raises(KeyboardInterrupt):
            kill_in_delivery(app, number=4)
        assert [one.status for one in rows(Notification)].count(Status.SENT) == 3
    with at(seconds=LEASE.total_seconds() - 1):
        assert deliver(app) == 0
    with at(seconds=LEASE.total_seconds()):
        recorder = Recorder(app)
        assert deliver(app) == MAX_RESERVED - 3
    assert sorted(one.attempts for one in rows(Notification)) == [1] * (MAX_RESERVED - 1) + [2]
    assert [one.outcome for one in rows(DeliveryAttempt)].count("lost") == 1
    assert len({owed.id for owed in recorder.delivered}) == MAX_RESERVED - 3


def kill_in_delivery(app, number: int) -> None:
    """End a worker as kill -9 does: what it reserved stays so."""
    count = itertools.count(1)

    def die(_owed) -> None:
        if next(count) == number:
            raise KeyboardInterrupt

    Recorder(app, die)
    release, ClaimQueue.release = ClaimQueue.release, lambda _self: None
    try:
        deliver(app)
    finally:
        ClaimQueue.release = release


def test_a_worker_that_is_told_to_stop_gives_back_what_it_did_not_begin(app, given, rows):
    with at():
        confirmations(given, 4)
    with at(minutes=1):
        recorder = Recorder(app, lambda _: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            deliver(app)
    waiting = [one for one in rows(Notification) if one.status is Status.QUEUED]
    assert {(one.claimed_by, one.attempts) for one in waiting} == {(None, 0)}
    with at(minutes=1):
        recorder.act = lambda _: None
        assert deliver(app) == 3


def test_a_confirmation_withdrawn_or_hidden_after_it_was_reserved_is_not_sent(app, given, rows):
    owed = confirmations(given, 3)

    def withdraw(_owed) -> None:
        with app.app_context(), transaction():
            where = sa.update(Notification).execution_options(synchronize_session=False)
            db.session.execute(
                where.where(Notification.id == owed[1].id).values(deleted_at=owed[1].created_at)
            )
            db.session.execute(
                where.where(Notification.id == owed[2].id).values(due_at=None, claimed_by=None)
            )

    recorder = Recorder(app, withdraw)
    assert deliver(app) == 1
    assert [one.id for one in recorder.delivered] == [owed[0].id]


def test_a_message_sent_again_by_hand_while_it_is_reserved_is_sent_once(app, given):
    owed = confirmations(given, 3)

    def retry(_owed) -> None:
        with app.app_context(), transaction():
            notifications.retry(owed[2].id, actor=OPERATOR)
        deliver(app)

    recorder = Recorder(app)
    acts = iter([retry])
    recorder.act = lambda sent: next(acts, lambda _: None)(sent)
    deliver(app)
    assert sorted(one.id for one in recorder.delivered) == sorted(one.id for one in owed)


@pytest.mark.every_engine
def test_four_workers_send_a_crowd_of_confirmations_once_each(app, given, rows):
    owed = {one.id for one in confirmations(given, 45)}
    recorder = Recorder(app)
    assert sum(all_at_once(4, lambda _: deliver(app))) == len(owed)
    assert sorted(one.id for one in recorder.delivered) == sorted(owed)
    assert {(one.status, one.attempts) for one in rows(Notification)} == {(Status.SENT, 1)}


def test_a_reservation_is_renewed_while_its_batch_goes_on(app, given, stopwatch):
    with at():
        confirmations(given, 4)
        slow = ClaimQueue("slow")
        claim_next(app, slow)
    for second in (50, 100):
        stopwatch.seconds += 50
        with at(seconds=second):
            assert claim_next(app, slow) is not None
    with at(seconds=109):
        assert (
            claim_next(app, ClaimQueue("quick")).attempts == 2
        )  # the first, whose lease is over; not the last
        assert claim_next(app, slow) is not None


def test_a_reservation_that_ran_out_is_not_begun_by_who_had_it(app, given):
    with at():
        confirmations(given, 2)
        slow = ClaimQueue("slow")
        claim_next(app, slow)
    with at(seconds=LEASE.total_seconds()):
        quick = ClaimQueue("quick")
        assert {claim_next(app, quick).attempts, claim_next(app, quick).attempts} == {1, 2}
        assert claim_next(app, slow) is None


def test_what_stands_in_the_way_of_the_next_message_does_not_send_this_one_twice(app, given, rows):
    confirmations(given, 2)
    recorder = Recorder(app)
    looks = iter([leases.SendDecision.SEND])

    def stumble(_owed):
        with contextlib.suppress(StopIteration):
            return next(looks)
        raise ZeroDivisionError

    leases.add_send_check(app, stumble)
    with pytest.raises(ZeroDivisionError):
        deliver(app)
    assert len(recorder.delivered) == 1
    assert sorted(one.status for one in rows(Notification)) == [Status.QUEUED, Status.SENT]


@pytest.mark.every_engine
def test_one_index_serves_the_claims(app, given, engine_name):
    """Without reading what was sent, and without sorting."""
    given(NotificationFactory)
    with app.app_context():
        for priority in Priority:
            query = due_query(priority).limit(MAX_RESERVED)
            assert "ix_notifications_priority_due_at" in plan_of(query, engine_name)
            assert "sort" not in plan_of(query, engine_name).lower()
            assert "TEMP B-TREE" not in plan_of(query, engine_name)


def plan_of(query: sa.Select, engine_name: str) -> str:
    """How the engine runs a query."""
    connection = db.session.connection()
    if engine_name == "postgresql":
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))  # the table is small
        connection.execute(sa.text("SET LOCAL enable_bitmapscan = off"))
        connection.execute(sa.text("SET LOCAL enable_sort = off"))
    words = query.compile(db.engine, compile_kwargs={"render_postcompile": True})
    explain = "EXPLAIN QUERY PLAN " if engine_name == "sqlite" else "EXPLAIN "
    parameters = words.params
    typed = {name: words.binds[name].type.bind_processor(db.engine.dialect) for name in parameters}
    values = {name: typed[name](value) if typed[name] else value for name, value in parameters.items()}
    if words.positional:
        rows = connection.exec_driver_sql(
            explain + str(words), tuple(values[name] for name in words.positiontup)
        )
    else:
        rows = connection.exec_driver_sql(explain + str(words), values)
    return "\n".join(str(tuple(row)) for row in rows)
