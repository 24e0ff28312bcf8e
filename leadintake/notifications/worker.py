"""The worker: takes what is due, delivers it, records what was said. Any number may run anywhere."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from datetime import datetime
from functools import partial

import structlog
from flask import Flask, current_app

from leadintake.core import checks, chores, revisions
from leadintake.core.clock import now
from leadintake.core.patience import as_in_a_request
from leadintake.core.transaction import OutcomeUnknown, transaction
from leadintake.notifications import claims, embedded, refusals
from leadintake.notifications.batches import Hand, detach
from leadintake.notifications.channels import (
    Blocked,
    ChannelDown,
    Deferred,
    Doubtful,
    Interrupted,
    Refused,
    Sender,
)
from leadintake.notifications.models import Notification
from leadintake.notifications.refusals import Batch
from leadintake.notifications.service import BEAT_EVERY, notifications
from leadintake.server_logs.failures import sentence_of

IDLE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
WRONG_REVISION_SECONDS = 5.0
LOOK_FOR_CHORES_EVERY_SECONDS = 30
ROUND_EVERY_SECONDS = 5.0
"""What is looked after before the messages does not wait for the end of a long row of them."""
Settle = partial[None] | partial[bool]
"""Records what came of a message: a verb of claims.py or refusals.py with its arguments."""
log = structlog.get_logger()


class Worker:
    """One worker, under a name of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._beaten: datetime | None = None
        self._looked = 0.0
        self._fresh = True
        """Nothing tried yet: whoever mended something and starts a worker need not wait for the minute."""
        self._changed = False
        """Whether what may be taken is another since this round began."""

    def run(self, stop: embedded.Stop) -> None:
        """Work until told to stop. Whatever fails is logged and tried again after a growing pause."""
        housekeeper = threading.Thread(target=self._keep_house, args=(stop,), name="leadintake-chores")
        housekeeper.start()
        pause = IDLE_SECONDS
        while not stop():
            try:
                with self.app.app_context(), as_in_a_request():
                    revisions.require()
                    self._beat()
                    self.deliver_due(stop)
                pause = IDLE_SECONDS
            except revisions.WrongRevision:
                pause = WRONG_REVISION_SECONDS  # said already, once
            except ChannelDown as error:
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                log.warning("mail_channel_down", error=str(error), next_try_seconds=pause)
            except Exception as error:  # noqa: BLE001 - a worker outlives every failure, and says so
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                log.error("worker_failed", error=sentence_of(error))  # noqa: TRY400 - one line while a database is away
                with self.app.app_context():
                    checks.suspect()
                    revisions.doubt()
            stop.wait(pause)
        housekeeper.join()

    def deliver_due(self, stop: embedded.Stop) -> int:
        """Deliver what is due now and return how many messages were handled. Raises ChannelDown.

        With MAIL_HOLD nothing leaves; what is looked after before the messages goes on.

        The channel is opened before a message is claimed: a closed one costs no message an attempt.
        """
        self._look_round()
        if current_app.config["MAIL_HOLD"]:
            return 0
        handled, at_once, self._fresh = 0, self._fresh, False
        for batch in refusals.batches(at_once=at_once):
            if refusals.is_due(batch):
                handled += self._deliver(batch, stop)
        if self._changed:
            self._changed = False
            return handled + self.deliver_due(stop)
        return handled

    def _deliver(self, batch: Batch, stop: embedded.Stop) -> int:
        handled = 0
        while True:
            with refusals.opened(notifications.channel) as sender:
                handled += (
                    self._try_one(sender, batch) if batch.trial else self._deliver_all(sender, batch, stop)
                )
                if stop() or sender.usable() or self._changed or batch.trial:
                    return handled
                # Else open it again: the messages that follow are not at fault.

    def _try_one(self, sender: Sender, batch: Batch) -> int:
        """Deliver one message to find out whether the way is open again; return how many were due."""
        with transaction():
            message = detach(batch.claim_for_trial(self.name))
        if message is None:
            return 0
        settle = self._deliver_one(sender, message)
        self._settle(settle, None)
        if settle.func is claims.sent:
            refusals.record_success(message)
            self._changed = True
        return 1

    def _deliver_all(self, sender: Sender, batch: Batch, stop: embedded.Stop) -> int:
        """Deliver while there is something, the way is open and nobody says stop; return how many."""
        hand, handled = Hand(self.name, batch.priorities), 0
        try:
            while not stop() and sender.usable() and not self._changed:
                with transaction():
                    message = hand.claim_next()
                if message is None:
                    break
                while message is not None:
                    settle = self._deliver_one(sender, message)
                    handled += 1
                    message = self._settle(settle, None if stop() or not sender.usable() else hand)
                self._tend()
        finally:
            with transaction():
                hand.release()
        return handled

    def _deliver_one(self, sender: Sender, message: Notification) -> Settle:
        """Deliver one message; return the verb that records what came of it."""
        try:
            return partial(claims.sent, message, sender.deliver(message))
        except Interrupted as error:
            return partial(claims.interrupted, message, str(error))
        except Deferred as error:
            return partial(claims.deferred, message, str(error))
        except (Blocked, Doubtful) as error:
            return partial(refusals.settle, message, error)
        except Refused as error:
            return partial(claims.refused, message, str(error))
        except Exception as error:
            # A message that cannot even be written must not hold up the others.
            log.exception("message_broken", notification=str(message.id))
            return partial(claims.refused, message, f"{type(error).__name__}: {error}")

    def _settle(self, settle: Settle, hand: Hand | None) -> Notification | None:
        """Record what came of a message, and claim the next one, unless something else is due before that.

        One transaction does both where the message was sent: it halves what a mail costs. A failure locks
        more than its message, and is recorded alone. Raises ChannelDown where it is everybody's.
        """
        if settle.func is refusals.settle:
            self._changed = bool(settle())
            return None
        together = hand if settle.func is claims.sent and not self._is_tending_due() else None
        try:
            with transaction():
                settle()
                return together.claim_next() if together else None
        except OutcomeUnknown:
            raise  # it may be on record
        except Exception:
            if together:  # whatever stands in the way of the next one must not have this one sent twice
                with transaction():
                    settle()
            raise

    def _is_tending_due(self) -> bool:
        rounds_due = time.monotonic() - self._looked > ROUND_EVERY_SECONDS
        return rounds_due or self._beaten is None or now() - self._beaten > BEAT_EVERY

    def _tend(self) -> None:
        """Beat and look round between two messages, where it is time for that."""
        self._beat()
        if time.monotonic() - self._looked > ROUND_EVERY_SECONDS:
            self._look_round()

    def _look_round(self) -> None:
        chores.do_rounds(self.app)
        self._looked = time.monotonic()

    def _keep_house(self, stop: embedded.Stop) -> None:
        """Put in order what a crash left, beside the messages, which must not wait for it."""
        done: dict[str, float] = {}
        while not stop():
            chores.do_due(self.app, stop, done)
            stop.rest(LOOK_FOR_CHORES_EVERY_SECONDS)

    def _beat(self) -> None:
        if self._beaten is None or now() - self._beaten > BEAT_EVERY:
            with transaction():
                notifications.beat(self.name)
            if self._beaten is None:
                checks.forget()  # readiness may have found no worker a moment ago
            self._beaten = now()


def start_embedded(app: Flask) -> None:
    """Start the worker thread of this process, where the configuration wants one."""
    if app.config["WORKER"] == "embedded":
        with app.app_context():
            embedded.start(Worker(app).run)


def start_with_first_request() -> None:
    """For servers that fork after loading the application: begin with the first request."""
    start_embedded(current_app._get_current_object())  # type: ignore[attr-defined] # LocalProxy's own


def quit_signal() -> embedded.Stop:
    """A stop that SIGTERM and SIGINT ask for."""
    stop = embedded.Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.asked.set())
    return stop
