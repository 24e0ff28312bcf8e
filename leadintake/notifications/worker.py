"""The worker: takes what is due, delivers it, records what was said. Any number may run anywhere."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import threading
import time
from datetime import datetime

import structlog
from flask import Flask, current_app

from leadintake.core import checks, chores
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.patience import as_in_a_request
from leadintake.core.transaction import transaction
from leadintake.notifications import claims, embedded, refusals
from leadintake.notifications.channels import (
    Blocked,
    ChannelDown,
    Deferred,
    Doubtful,
    Interrupted,
    Refused,
    Sender,
)
from leadintake.notifications.refusals import Batch
from leadintake.notifications.service import BEAT_EVERY, notifications
from leadintake_logging.failures import sentence_of

IDLE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
LOOK_FOR_CHORES_EVERY_SECONDS = 30
ROUND_EVERY_SECONDS = 5.0
"""What is looked after before the messages does not wait for the end of a long row of them."""
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
                    self._beat()
                    self.deliver_due(stop)
                pause = IDLE_SECONDS
            except ChannelDown as error:
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                log.warning("mail_channel_down", error=str(error), next_try_seconds=pause)
            except Exception as error:  # noqa: BLE001 - a worker outlives every failure, and says so
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                log.error("worker_failed", error=sentence_of(error))  # noqa: TRY400 - one line while a database is away
                with self.app.app_context():
                    checks.suspect()
            stop.wait(pause)
        housekeeper.join()

    def deliver_due(self, stop: embedded.Stop) -> int:
        """Deliver what is due now and return how many messages were handled. Raises ChannelDown.

        The channel is opened before a message is claimed: a closed one costs no message an attempt.
        """
        self._look_round()
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
                while not stop() and self._deliver_one(sender, batch):
                    handled += 1
                    self._beat()
                    if batch.trial or self._changed:
                        return handled
                    if time.monotonic() - self._looked > ROUND_EVERY_SECONDS:
                        self._look_round()
                    if not sender.usable():
                        break  # and open it again: the messages that follow are not at fault
                else:
                    return handled

    def _deliver_one(self, sender: Sender, batch: Batch) -> bool:
        with transaction():
            claimed = claims.claim(self.name, *batch.which, first=batch.first)
            if claimed is None:
                return False
            db.session.flush()
            db.session.refresh(claimed)
            db.session.expunge(claimed)
        try:
            reply = sender.deliver(claimed)
        except Interrupted as error:
            with transaction():
                claims.interrupted(claimed, str(error))
        except Deferred as error:
            with transaction():
                claims.deferred(claimed, str(error))
        except (Blocked, Doubtful) as error:
            self._changed = refusals.settle(claimed, error)
        except Refused as error:
            with transaction():
                claims.refused(claimed, str(error))
        except Exception as error:
            # A message that cannot even be written must not hold up the others.
            log.exception("message_broken", notification=str(claimed.id))
            with transaction():
                claims.refused(claimed, f"{type(error).__name__}: {error}")
        else:
            with transaction():
                claims.sent(claimed, reply)
            if batch.trial:
                refusals.record_success(claimed)
                self._changed = True
        return True

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
