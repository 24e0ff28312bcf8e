"""Claims: a message is in the hands of one worker at a time, and never lost with it."""

from __future__ import annotations

import contextlib
import threading

import pytest

from leadintake.core.actor import OPERATOR
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Conflict
from leadintake.notifications import checkup, leases, refusals
from leadintake.notifications.leases import LEASE, MAX_BACKOFF, MAX_TAKEOVERS
from leadintake.notifications.models import DeliveryAttempt, Notification, Status
from leadintake.notifications.service import notifications
from leadintake.notifications.worker import Worker
from tests.factories import NotificationFactory
from tests.support.outbox import at, deliver
from tests.support.waiting import WAIT_SECONDS, all_at_once


def claim(app, worker: str) -> Notification | None:
    """What a worker takes, out of its session as the worker has it."""
    with app.app_context():
        with transaction():
            taken = leases.claim(worker)
            if taken is not None:
                db.session.flush()
                db.session.refresh(taken)
                db.session.expunge(taken)
        return taken


def settle(app, verb, *arguments) -> None:
    with app.app_context(), transaction():
        verb(*arguments)


class Tally:
    """A channel that counts who was sent what."""

    def __init__(self) -> None:
        self.delivered: list = []

    def open(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def deliver(self, owed) -> str:
        self.delivered.append(owed.id)
        return "taken"

    def is_open(self) -> bool:
        return True


@pytest.mark.every_engine
def test_workers_side_by_side_deliver_every_message_once(app, given, rows):
    owed = {given(NotificationFactory).id for _ in range(24)}
    tally = app.extensions["leadintake.channels"]["mail"] = Tally()
    handled = all_at_once(4, lambda _: deliver(app))
    assert sum(handled) == 24
    assert len(tally.delivered) == 24
    assert set(tally.delivered) == owed
    assert {(one.status, one.attempts) for one in rows(Notification)} == {(Status.SENT, 1)}


@pytest.mark.every_engine
def test_one_message_is_claimed_by_one_of_many(app, given):
    given(NotificationFactory)
    taken = all_at_once(8, lambda number: claim(app, f"worker {number}"))
    assert sum(one is not None for one in taken) == 1


@pytest.mark.every_engine
def test_a_claim_counts_the_attempt_and_holds_for_the_lease(app, given, rows):
    with at():
        given(NotificationFactory)
        claim(app, "first")
    (kept,) = rows(Notification)
    assert (kept.status, kept.attempts, kept.claimed_by) == (Status.SENDING, 1, "first")
    with at(seconds=LEASE.total_seconds() - 1):
        assert claim(app, "second") is None
    with at(seconds=LEASE.total_seconds()):
        assert claim(app, "second").attempts == 2
    assert rows(Notification)[0].claimed_by == "second"


@pytest.mark.every_engine
def test_a_message_of_a_worker_that_died_is_delivered_by_the_next(app, given, rows):
    with at():
        given(NotificationFactory)
        claim(app, "one that dies")
    with at(seconds=LEASE.total_seconds() - 1):
        assert deliver(app) == 0
    with at(seconds=LEASE.total_seconds()):
        assert deliver(app) == 1
    assert (rows(Notification)[0].status, rows(Notification)[0].attempts) == (Status.SENT, 2)


@pytest.mark.every_engine
@pytest.mark.parametrize(
    ("verb", "words"), [("mark_sent", "250 OK"), ("mark_deferred", "451 later"), ("mark_failed", "550 no")]
)
def test_a_worker_that_wakes_after_its_lease_changes_nothing(app, given, rows, verb, words):
    with at():
        given(NotificationFactory)
        old = claim(app, "slow")
    with at(seconds=61):
        new = claim(app, "quick")
        before = rows(Notification)[0]
        settle(app, getattr(leases, verb), old, words)
        after = rows(Notification)[0]
        for column in ("status", "due_at", "claimed_by", "attempts", "sent_at", "last_error"):
            assert getattr(after, column) == getattr(before, column)
        assert rows(DeliveryAttempt)[-1].reply == words  # but it is on the record
        settle(app, leases.mark_sent, new, "250 OK")
    assert rows(Notification)[0].status is Status.SENT


@pytest.mark.every_engine
def test_what_was_sent_stays_sent_when_a_slow_worker_fails_later(app, given, rows):
    with at():
        given(NotificationFactory)
        old = claim(app, "slow")
    with at(seconds=61):
        settle(app, leases.mark_sent, claim(app, "quick"), "250 OK")
        settle(app, leases.mark_deferred, old, "timed out")
    (kept,) = rows(Notification)
    assert (kept.status, kept.due_at) == (Status.SENT, None)


def test_a_worker_that_took_its_own_message_over_again_settles_only_the_last_claim(app, given, rows):
    with at():
        given(NotificationFactory)
        first = claim(app, "same")
    with at(seconds=61):
        claim(app, "same")
        settle(app, leases.mark_failed, first, "550 no")
    assert rows(Notification)[0].status is Status.SENDING


@pytest.mark.every_engine
def test_neither_what_is_sent_or_failed_nor_what_is_not_due_is_claimed(app, given):
    given(NotificationFactory, "sent")
    given(NotificationFactory, "failed")
    given(NotificationFactory, deleted_at=now())
    given(NotificationFactory, due_at=now() + MAX_BACKOFF, attempts=1)
    assert claim(app, "worker") is None
    with app.app_context():
        assert not refusals.has_due_mail()


@pytest.mark.every_engine
def test_a_message_is_in_the_outbox_if_and_only_if_its_cause_is(app, rows):
    with app.app_context():
        with contextlib.suppress(ZeroDivisionError), transaction():
            notifications.enqueue("prospect_confirmation", "a@b.example", name="", reference="1")
            raise ZeroDivisionError
        assert rows(Notification) == []
        with transaction():
            notifications.enqueue("prospect_confirmation", "a@b.example", name="", reference="1")
    assert [owed.status for owed in rows(Notification)] == [Status.QUEUED]


@pytest.mark.every_engine
def test_a_worker_and_a_retry_at_the_same_moment_send_once(app, given, rows):
    """A retry must not put back into the queue what a worker took meanwhile."""
    owed = given(NotificationFactory)
    taken = []

    def retry_slowly(begun, claimed) -> None:
        with app.app_context(), transaction():
            notifications.retry(owed.id, actor=OPERATOR)
            begun.set()
            claimed.wait(0.5)  # a claim that has to wait for us never comes; then we go on

    def take(begun, claimed) -> None:
        begun.wait(WAIT_SECONDS)
        taken.append(claim(app, "worker"))
        claimed.set()

    run_both(retry_slowly, take)
    (kept,) = rows(Notification)
    if taken != [None]:
        assert kept.status is Status.SENDING
        assert claim(app, "another") is None  # the lease stands


def run_both(*acts) -> None:
    """Run two acts in threads that share two signals."""
    signals = (threading.Event(), threading.Event())
    all_at_once(len(acts), lambda number: acts[number](*signals))


@pytest.mark.parametrize("trait", ["sent", "sending"])
def test_what_is_sent_or_on_its_way_cannot_be_sent_again(app, given, trait):
    owed = given(NotificationFactory, "sent") if trait == "sent" else given(NotificationFactory)
    if trait == "sending":
        claim(app, "worker")
    with app.app_context(), pytest.raises(Conflict, match=trait), transaction():
        notifications.retry(owed.id, actor=OPERATOR)


def test_a_failed_message_sent_again_takes_the_usual_way(app, given, rows):
    owed = given(NotificationFactory, "failed", attempts=7)
    with app.app_context(), transaction():
        notifications.retry(owed.id, actor=OPERATOR)
    assert deliver(app, Worker(app)) == 1
    assert (rows(Notification)[0].status, rows(Notification)[0].attempts) == (Status.SENT, 8)


def test_a_takeover_is_on_the_record(app, given, rows):
    with at():
        given(NotificationFactory)
        claim(app, "one that dies")
    with at(seconds=60):
        claim(app, "the next")
    (lost,) = rows(DeliveryAttempt)
    assert (lost.outcome, lost.reply) == ("lost", "one that dies did not come back")


def test_a_message_that_ends_every_worker_is_taken_up_less_and_less_often(app, given, rows):
    """It may be the message itself: the others must not wait for it, nor may it be dropped."""
    with at():
        given(NotificationFactory)
    minutes = 0
    for _ in range(MAX_TAKEOVERS + 1):
        with at(minutes=minutes):
            assert claim(app, "doomed") is not None
        minutes += 1
    with at(minutes=minutes):
        given(NotificationFactory, recipient="other@firm.example.com")
        other = claim(app, "healthy")
        assert other.recipient == "other@firm.example.com"
        settle(app, leases.mark_sent, other, "250 OK")
        kept = rows(Notification)[0]
        assert kept.status is Status.QUEUED
        assert (kept.due_at - now()).total_seconds() == 240  # as after so many refusals
    with at(minutes=minutes + 4):
        assert claim(app, "healthy").id == kept.id


class TestAClockThatMoved:
    @pytest.mark.parametrize("ahead", [{"minutes": 1}, {"minutes": 20}, {"days": 40}])
    def test_what_was_queued_under_a_clock_gone_ahead_does_not_wait_for_that_time(self, app, given, ahead):
        with at(**ahead):
            given(NotificationFactory)
        with at():
            with app.app_context():
                assert refusals.has_due_mail()
            assert claim(app, "worker") is not None

    def test_what_was_put_off_under_it_does_not_either(self, app, given, rows):
        with at(days=40):
            given(NotificationFactory)
            settle(app, leases.mark_deferred, claim(app, "worker"), "451 later")
        with at():
            assert claim(app, "worker") is not None

    def test_an_ordinary_pause_is_no_moved_clock(self, app, given):
        with at():
            given(NotificationFactory, attempts=50)
            settle(app, leases.mark_deferred, claim(app, "worker"), "451 later")
            assert claim(app, "worker") is None

    def test_a_clock_that_jumps_ahead_gives_no_message_up(self, app, given, rows):
        with at():
            given(NotificationFactory)
        with at(days=400):
            settle(app, leases.mark_deferred, claim(app, "worker"), "451 later")
        assert rows(Notification)[0].status is Status.QUEUED

    def test_a_worker_last_seen_in_the_future_is_not_taken_for_a_living_one(self, app):
        with at(days=1), app.app_context(), transaction():
            notifications.record_beat("worker")
        with at(), app.app_context(), pytest.raises(RuntimeError, match="No worker"):
            checkup.check_worker()
