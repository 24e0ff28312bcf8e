"""Messages other than mail: a JSON payload for a registered channel.

1. After the mail, a worker opens each other channel with a due message, and claims and delivers one by one
   (leases.py), until an urgent mail is due or MAX_PER_ROUND messages were handled.
2. A channel that is down, or blocks the sender, counts no attempt. This worker pauses it for PAUSE_SECONDS.
3. An unknown channel is a transient failure, since another worker may know it, until leases.GIVE_UP_AFTER.
"""

from __future__ import annotations

import time
import uuid
from functools import partial

import msgspec
import sqlalchemy as sa
import structlog

from leadintake.core.clock import now
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import on_commit, transaction
from leadintake.core.logs import current_request_id
from leadintake.notifications import embedded, leases, refusals
from leadintake.notifications.batches import detach
from leadintake.notifications.channels.interface import (
    Channel,
    ChannelDown,
    DeliveryInterruption,
    PermanentFailure,
    Sender,
    SenderBlocked,
    TransientFailure,
    UnclearFailure,
    get_channels,
)
from leadintake.notifications.deliveries import ObservedChannel
from leadintake.notifications.models import MAIL, MAX_SUBJECT_LENGTH, Notification, Priority

MAX_PER_ROUND = 10
MAX_BYTES = 60_000
"""MariaDB's TEXT holds 65,535."""
PAUSE_SECONDS = 60.0
log = structlog.get_logger()


def enqueue(
    channel: str,
    kind: str,
    recipient: str,
    payload: object,
    *,
    title: str = "",
    lead_id: uuid.UUID | None = None,
) -> Notification:
    """Enqueue a payload in the transaction of its cause. `title`: name in lists.

    Raises ValueError for JSON over MAX_BYTES.
    """
    body = msgspec.json.encode(payload)
    if len(body) > MAX_BYTES:
        raise ValueError(f"the payload has {len(body)} bytes, more than {MAX_BYTES}")
    message = Notification(
        channel=channel,
        kind=kind,
        recipient=recipient,
        mailbox="",
        lead_id=lead_id,
        subject=(title or kind)[:MAX_SUBJECT_LENGTH],
        text="",
        html="",
        payload=body.decode(),
        due_at=now(),
        request_id=current_request_id(),
    )
    db.session.add(message)
    on_commit(embedded.wake)
    return message


class PayloadDelivery:
    """The payloads of one worker."""

    def __init__(self, worker: str) -> None:
        self.worker = worker
        self._paused_until: dict[str, float] = {}

    def deliver_due(self, stop: embedded.Stop) -> int:
        """Deliver due payloads; return the number of handled messages."""
        if not _is_due(Notification.channel != MAIL):
            return 0
        payload_channels = {name: channel for name, channel in get_channels().items() if name != MAIL}
        handled = sum(
            self._deliver_channel(name, channel, stop) for name, channel in payload_channels.items()
        )
        return handled + self._defer_unknown(Notification.channel.not_in([MAIL, *payload_channels]), stop)

    def _deliver_channel(self, name: str, channel: Channel, stop: embedded.Stop) -> int:
        condition, handled = Notification.channel == name, 0
        if time.monotonic() < self._paused_until.get(name, 0.0) or not _is_due(condition):
            return 0
        try:
            with ObservedChannel(channel).open() as sender:
                while handled < MAX_PER_ROUND and not stop():
                    message = self._claim(condition)
                    if message is None:
                        break
                    handled += 1
                    _deliver_one(sender, message)
                    if not sender.is_open() or refusals.has_due_mail([Priority.URGENT]):
                        break
        except ChannelDown as error:
            self._paused_until[name] = time.monotonic() + PAUSE_SECONDS
            log.warning("channel_down", channel=name, step=str(error.step), rest_seconds=PAUSE_SECONDS)
        return handled

    def _defer_unknown(self, unknown: sa.ColumnElement[bool], stop: embedded.Stop) -> int:
        handled = 0
        while handled < MAX_PER_ROUND and not stop() and (message := self._claim(unknown)):
            reason = f"There is no channel named {message.channel} here."
            log.warning("channel_unknown", channel=message.channel, message=str(message.id))
            with transaction():
                leases.mark_deferred(message, reason)
            handled += 1
        return handled

    def _claim(self, condition: sa.ColumnElement[bool]) -> Notification | None:
        with transaction():
            return detach(leases.claim(self.worker, where=condition))


def _deliver_one(sender: Sender, message: Notification) -> None:
    """Deliver a message, and record the outcome. Raises ChannelDown if the sender is blocked."""
    try:
        settle = partial(leases.mark_sent, message, sender.deliver(message))
    except SenderBlocked as error:
        with transaction():
            leases.mark_blocked(message, str(error))
        raise ChannelDown(str(error), error.step) from error
    except DeliveryInterruption as error:
        settle = partial(leases.mark_interrupted, message, str(error))
    except TransientFailure as error:
        settle = partial(leases.mark_deferred, message, str(error))
    except UnclearFailure as error:
        settle = partial(leases.mark_failed if error.final else leases.mark_deferred, message, str(error))
    except PermanentFailure as error:
        settle = partial(leases.mark_failed, message, str(error))
    except Exception as error:
        # A message that cannot be composed must not block the others.
        log.exception("message_broken", notification=str(message.id))
        settle = partial(leases.mark_failed, message, f"{type(error).__name__}: {error}")
    with transaction():
        settle()


def _is_due(condition: sa.ColumnElement[bool]) -> bool:
    with read_only():
        due = leases.due_query(*Priority, where=condition).with_only_columns(Notification.id)
        found = db.session.scalar(due.limit(1)) is not None
        db.session.rollback()
    return found
