"""The worker: delivers due messages, in rounds. Any number may run in parallel.

1. Run the worker ticks of other rooms if due (rounds.py). With MAIL_HOLD the round ends here.
2. Open the channel before any claim: a channel that is down costs no message an attempt.
3. Claim a message and commit. After a crash from here on another worker sends it once its lease ends.
4. Deliver it outside a transaction.
5. Record the outcome and, after a success, claim the next message in the same transaction. After a crash
   between 4 and 5 the message is sent twice, with the same Message-ID.
6. If an outcome opened or closed a scope, start again at 1. Last, serve the other channels (payloads.py).
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from datetime import datetime
from functools import partial

import structlog
from flask import Flask, current_app

from leadintake.core import checks, chores
from leadintake.core.clock import now
from leadintake.core.db import revisions
from leadintake.core.db.timeouts import use_request_timeout
from leadintake.core.db.transaction import OutcomeUnknown, transaction
from leadintake.notifications import embedded, leases, refusals, rounds
from leadintake.notifications.batches import ClaimQueue, detach
from leadintake.notifications.channels.interface import (
    ChannelDown,
    DeliveryInterruption,
    PermanentFailure,
    Sender,
    SenderBlocked,
    TransientFailure,
    UnclearFailure,
)
from leadintake.notifications.models import Notification
from leadintake.notifications.payloads import PayloadDelivery
from leadintake.notifications.refusals import Batch
from leadintake.notifications.service import BEAT_EVERY, notifications
from leadintake.server_logs.failures import sentence_of

IDLE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 30.0
REVISION_CHECK_SECONDS = 5.0
CHORES_CHECK_SECONDS = 30
OutcomeRecorder = partial[None] | partial[bool]
"""A function of leases.py or refusals.py that records an outcome, with its arguments."""
log = structlog.get_logger()


class Worker:
    """A worker with a unique name."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._payloads = PayloadDelivery(self.name)
        self._last_beat: datetime | None = None
        self._ticks = rounds.Ticks(app)
        self._is_first_round = True
        """The first round tries a closed channel immediately: it may have been repaired."""
        self._is_plan_outdated = False
        """Whether an outcome of this round opened or closed a scope."""

    def run(self, stop: embedded.Stop) -> None:
        """Run rounds until `stop`. Log failures, and retry after a doubling pause."""
        housekeeper = threading.Thread(target=self._run_chores, args=(stop,), name="leadintake-chores")
        housekeeper.start()
        pause = IDLE_SECONDS
        while not stop():
            try:
                with self.app.app_context(), use_request_timeout():
                    revisions.require()
                    self._beat()
                    try:
                        self._run_round(stop)
                        pause = IDLE_SECONDS
                    except ChannelDown as error:
                        pause = min(pause * 2, MAX_PAUSE_SECONDS)
                        log.warning("mail_channel_down", error=str(error), next_try_seconds=pause)
                        self._beat()  # opening may have taken long
            except revisions.WrongRevision:
                pause = REVISION_CHECK_SECONDS  # already logged by revisions
            except Exception as error:  # noqa: BLE001 - the worker must survive every failure; it is logged
                pause = min(pause * 2, MAX_PAUSE_SECONDS)
                log.error("worker_failed", error=sentence_of(error))  # noqa: TRY400 - one line while a database is down
                with self.app.app_context():
                    checks.report_write_failure()
                    revisions.invalidate()
            stop.wait(pause)
        housekeeper.join()

    def deliver_due(self, stop: embedded.Stop) -> int:
        """Run one round; return the number of handled messages. Raises ChannelDown of the mail channel."""
        self._ticks.run()
        return self._deliver_messages(stop)

    def _run_round(self, stop: embedded.Stop) -> None:
        is_tick_due, is_message_due = self._ticks.find_work()
        if is_tick_due:
            self.deliver_due(stop)
        elif is_message_due:
            self._deliver_messages(stop)

    def _deliver_messages(self, stop: embedded.Stop) -> int:
        if current_app.config["MAIL_HOLD"]:
            return 0
        try:
            return self._deliver_mail(stop) + self._payloads.deliver_due(stop)
        except ChannelDown:  # of mail: the other channels are independent
            self._payloads.deliver_due(stop)
            raise

    def _deliver_mail(self, stop: embedded.Stop) -> int:
        handled, immediate, self._is_first_round = 0, self._is_first_round, False
        for batch in refusals.plan_batches(immediate=immediate):
            if refusals.is_batch_due(batch):
                handled += self._deliver(batch, stop)
        if self._is_plan_outdated:
            self._is_plan_outdated = False
            self._ticks.run()
            return handled + self._deliver_mail(stop)
        return handled

    def _deliver(self, batch: Batch, stop: embedded.Stop) -> int:
        handled = 0
        while True:
            with refusals.open_channel(notifications.channel) as sender:
                self._beat()  # opening, and each delivery, may take nearly BEAT_LASTS
                handled += (
                    self._deliver_trial(sender, batch)
                    if batch.trial
                    else self._deliver_all(sender, batch, stop)
                )
                if stop() or sender.is_open() or self._is_plan_outdated or batch.trial:
                    return handled
                # The connection was lost: open it again.

    def _deliver_trial(self, sender: Sender, batch: Batch) -> int:
        """Deliver one message through a closed channel; return the number of handled messages."""
        with transaction():
            message = detach(batch.claim_for_trial(self.name))
        if message is None:
            return 0
        settle = self._deliver_one(sender, message)
        self._settle(settle, None)
        if settle.func is leases.mark_sent:
            refusals.record_success(message)
            self._is_plan_outdated = True
        return 1

    def _deliver_all(self, sender: Sender, batch: Batch, stop: embedded.Stop) -> int:
        """Deliver the batch until `stop`, a lost connection or an outdated plan; return how many."""
        queue, handled = ClaimQueue(self.name, batch.priorities), 0
        try:
            while not stop() and sender.is_open() and not self._is_plan_outdated:
                with transaction():
                    message = queue.claim_next()
                if message is None:
                    break
                while message is not None:
                    settle = self._deliver_one(sender, message)
                    handled += 1
                    message = self._settle(settle, None if stop() or not sender.is_open() else queue)
                self._run_periodic_tasks()
        finally:
            with transaction():
                queue.release()
        return handled

    def _deliver_one(self, sender: Sender, message: Notification) -> OutcomeRecorder:
        try:
            return partial(leases.mark_sent, message, sender.deliver(message))
        except TransientFailure as error:
            return partial(leases.mark_deferred, message, str(error))
        except (SenderBlocked, UnclearFailure, DeliveryInterruption) as error:
            return partial(refusals.record_failure, message, error)
        except PermanentFailure as error:
            return partial(leases.mark_failed, message, str(error))
        except Exception as error:
            # A message that cannot be composed must not block the others.
            log.exception("message_broken", notification=str(message.id))
            return partial(leases.mark_failed, message, f"{type(error).__name__}: {error}")

    def _settle(self, settle: OutcomeRecorder, queue: ClaimQueue | None) -> Notification | None:
        """Record an outcome and, after a success, claim the next of `queue` unless periodic tasks are due.

        One transaction does both, which halves the commits. Raises ChannelDown if a failure closed all mail.
        """
        if settle.func is refusals.record_failure:
            self._is_plan_outdated = bool(settle())
            return None
        next_queue = queue if settle.func is leases.mark_sent and not self._has_periodic_tasks_due() else None
        try:
            with transaction():
                settle()
                return next_queue.claim_next() if next_queue else None
        except OutcomeUnknown:
            raise  # the outcome may be committed
        except Exception:
            if next_queue:  # a failed claim must not lose the outcome, else the message is sent twice
                with transaction():
                    settle()
            raise

    def _has_periodic_tasks_due(self) -> bool:
        return self._ticks.are_due(rounds.TICK_SECONDS) or self._is_beat_due()

    def _run_periodic_tasks(self) -> None:
        self._beat()
        if self._ticks.are_due(rounds.TICK_SECONDS):
            self._ticks.run()

    def _run_chores(self, stop: embedded.Stop) -> None:
        last_runs: dict[str, float] = {}
        while not stop():
            chores.run_due(self.app, stop, last_runs)
            stop.sleep(CHORES_CHECK_SECONDS)

    def _beat(self) -> None:
        if self._is_beat_due():
            with transaction():
                notifications.record_beat(self.name)
            if self._last_beat is None:
                checks.invalidate()  # readiness may have cached the absence of workers
            self._last_beat = now()

    def _is_beat_due(self) -> bool:
        # abs(): the clock may have been set back.
        return self._last_beat is None or abs(now() - self._last_beat) > BEAT_EVERY


def start_embedded(app: Flask) -> None:
    """Start the worker thread if WORKER is `embedded`."""
    if app.config["WORKER"] == "embedded":
        with app.app_context():
            embedded.start(Worker(app).run)


def start_with_first_request() -> None:
    """Start the worker thread at the first request: servers may fork after loading the application."""
    start_embedded(current_app._get_current_object())  # type: ignore[attr-defined] # LocalProxy's own
