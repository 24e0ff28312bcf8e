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

from leadintake.core import checks, chores
from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.patience import as_in_a_request
from leadintake.core.transaction import OutcomeUnknown, transaction
from leadintake.notifications import claims, embedded
from leadintake.notifications.batches import Batch
from leadintake.notifications.channels import ChannelDown, Deferred, Interrupted, Refused, Sender
from leadintake.notifications.models import Notification
from leadintake.notifications.service import BEAT_EVERY, notifications

IDLE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
LOOK_FOR_CHORES_EVERY_SECONDS = 30
ROUND_EVERY_SECONDS = 5.0
"""What is looked after before the messages does not wait for the end of a long row of them."""
Settle = partial[None]
"""Records what came of a message: a verb of claims.py with its arguments."""
log = structlog.get_logger()


class Worker:
    """One worker, under a name of its own."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._beaten: datetime | None = None
        self._looked = 0.0

    def run(self, stop: embedded.Stop) -> None:
        """Work until told to stop. Whatever fails is logged and tried again after a growing pause."""
        housekeeper = threading.Thread(target=self._keep_house, args=(stop,), name="leadintake-chores")
        housekeeper.start()
        pause = IDLE_SECONDS
        while not stop():
            try:
                with self.app.app_context(), as_in_a_request():
                    self._beat()
                    self.deliver_due(stop)
                pause = IDLE_SECONDS
            except ChannelDown as error:
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                log.warning("mail_channel_down", error=str(error), next_try_seconds=pause)
            except Exception as error:  # noqa: BLE001 - a worker outlives every failure, and says so
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                sentence = f"{type(error).__name__}: {error}".partition("\n")[0]
                log.error("worker_failed", error=sentence)  # noqa: TRY400 - one line while a database is away
                with self.app.app_context():
                    checks.suspect()
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
        with reading():
            due = claims.anything_due()
            db.session.rollback()
        if not due:
            return 0
        handled = 0
        while True:
            with notifications.channel.opened() as sender:
                handled += self._deliver_all(sender, stop)
                if stop() or sender.usable():
                    return handled
                # Else open it again: the messages that follow are not at fault.

    def _deliver_all(self, sender: Sender, stop: embedded.Stop) -> int:
        """Deliver while there is something, the way is open and nobody says stop; return how many."""
        batch, handled = Batch(self.name), 0
        try:
            while not stop() and sender.usable():
                with transaction():
                    message = batch.claim_next()
                if message is None:
                    break
                while message is not None:
                    settle = self._deliver(sender, message)
                    handled += 1
                    message = self._settle(settle, None if stop() or not sender.usable() else batch)
                self._tend()
        finally:
            with transaction():
                batch.release()
        return handled

    def _deliver(self, sender: Sender, message: Notification) -> Settle:
        """Deliver one message; return the verb that records what came of it."""
        try:
            return partial(claims.sent, message, sender.deliver(message))
        except Interrupted as error:
            return partial(claims.interrupted, message, str(error))
        except Deferred as error:
            return partial(claims.deferred, message, str(error))
        except Refused as error:
            return partial(claims.refused, message, str(error))
        except Exception as error:
            # A message that cannot even be written must not hold up the others.
            log.exception("message_broken", notification=str(message.id))
            return partial(claims.refused, message, f"{type(error).__name__}: {error}")

    def _settle(self, settle: Settle, batch: Batch | None) -> Notification | None:
        """Record what came of a message, and claim the next from the batch, unless something else is due.

        One transaction does both where the message was sent: it halves what a mail costs. A failure locks
        more than its message, and is recorded alone.
        """
        together = batch if settle.func is claims.sent and not self._is_tending_due() else None
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
