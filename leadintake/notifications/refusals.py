"""What becomes of a message that was refused through our fault perhaps, and what is tried meanwhile.

1. A refusal that is ours by its code, step or words closes the way: the message is not charged and stays due.
2. One that is unclear is ours if its recipient is somebody of the firm who was mailed before; else it is the
   message's, and final. What strangers typed is never such evidence.
3. While the way is closed one message a minute is tried: of the firm's before strangers', and another than
   the last time, so that one odd message keeps nobody waiting for long.
4. The first that leaves opens the way, and the rest follow at once.
5. A message that was blocked, and is refused again though the way was open in between, is itself at fault.
   It is put off like any that was not taken for now; an unclear refusal is final at the third time.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog

from leadintake.core.clock import now
from leadintake.core.database import db, reading
from leadintake.core.transaction import transaction
from leadintake.notifications import channel_state, claims
from leadintake.notifications.channel_state import EVERYBODY, STRANGERS, ChannelState
from leadintake.notifications.channels import Blocked, Channel, ChannelDown, Doubtful, Sender
from leadintake.notifications.faults import Step
from leadintake.notifications.messages import OPTIONAL
from leadintake.notifications.models import DeliveryAttempt, Notification, Priority, Status

TO_STRANGERS = OPTIONAL
"""Kinds that go to addresses which strangers typed: those of ordinary priority."""
DOUBTS = 3
log = structlog.get_logger()


@dataclass(frozen=True)
class Batch:
    """What a worker may take: all of these priorities, or one message of them on trial."""

    priorities: tuple[Priority, ...] = claims.EVERY_PRIORITY
    trial: ChannelState | None = None

    def claim_for_trial(self, worker: str) -> Notification | None:
        """Claim one message: of the firm's people before strangers, and another than the last time."""
        tried = Notification.id == self.trial.tried_id if self.trial and self.trial.tried_id else None
        return claims.claim_for_trial(worker, self.priorities, but_rather=tried)


def batches(*, at_once: bool = False) -> Iterator[Batch]:
    """What a worker may take in this round; `at_once`: try even if something was tried within a minute."""
    closed = _closed()
    if everybody := closed.get(EVERYBODY):
        yield from _tries(everybody, *Priority, at_once=at_once)
    elif strangers := closed.get(STRANGERS):
        yield from _tries(strangers, Priority.ORDINARY, at_once=at_once)
        yield Batch((Priority.URGENT,))
    else:
        yield Batch()


def is_due(batch: Batch) -> bool:
    """Whether there is something to take."""
    with reading():
        due = anything_due(batch.priorities)
        db.session.rollback()
    return due


def anything_due(priorities: Collection[Priority] = claims.EVERY_PRIORITY) -> bool:
    """Whether a worker has something to do."""
    queries = (claims.due_query(priority).with_only_columns(Notification.id) for priority in priorities)
    return any(db.session.scalar(query.limit(1)) is not None for query in queries)


def anything_owed(priorities: Collection[Priority] = claims.EVERY_PRIORITY) -> bool:
    """Whether a message waits, due or not."""
    mine = Notification.priority.in_(priorities)
    waits = sa.select(Notification.id).where(mine, Notification.due_at > claims.EVER)
    return db.session.scalar(waits.limit(1)) is not None


@contextmanager
def opened(channel: Channel) -> Iterator[Sender]:
    """Open the channel for a batch, and record whether it opened. Raises ChannelDown."""
    with ExitStack() as stack:
        try:
            sender = stack.enter_context(channel.opened())
        except ChannelDown as error:
            with transaction():
                channel_state.close(EVERYBODY, error.step, str(error))
            raise
        before = _closed().get(EVERYBODY)
        if before is not None and before.is_opening:
            with transaction():
                channel_state.reopen(EVERYBODY)
        yield sender


def record_success(sent: Notification) -> None:
    """Open the way after a trial; what went to the firm's people says nothing of strangers."""
    with transaction():
        if sent.kind in TO_STRANGERS:
            channel_state.reopen()
        else:
            channel_state.reopen(EVERYBODY)


def settle(claimed: Notification, error: Blocked | Doubtful) -> bool:
    """Record whose fault a refusal is; whether it closed the way to strangers.

    Raises ChannelDown if it closed the way to everybody.
    """
    words = str(error)
    to_stranger = claimed.kind in TO_STRANGERS
    scope = STRANGERS if to_stranger and error.step is not Step.MAIL else EVERYBODY
    unclear = isinstance(error, Doubtful)
    with transaction():
        if unclear and (to_stranger or not _was_mailed_before(claimed)):
            claims.refused(claimed, words)
            return False
        if _was_open_in_between(claimed, scope):
            settled = claims.refused if unclear and claimed.attempts >= DOUBTS else claims.deferred
            settled(claimed, words)
            return False
        # In this order: what is blocked at the moment of closing was not blocked before it.
        channel_state.close(scope, error.step, words, claimed.id)
        claims.blocked(claimed, words)
    if scope is EVERYBODY:
        raise ChannelDown(channel_state.mask_addresses(f"{error.step}: {words}"), error.step)
    log.warning("mail_to_strangers_blocked", step=str(error.step), error=channel_state.mask_addresses(words))
    return True


def _tries(state: ChannelState, *priorities: Priority, at_once: bool) -> Iterator[Batch]:
    batch = Batch(priorities, None if state.is_opening else state)
    with reading():
        due, owed = anything_due(priorities), anything_owed(priorities)
        db.session.rollback()
    if not owed:  # there is nothing left to find out by, nor to keep back
        with transaction():
            channel_state.reopen(state.scope)
    elif due and state.is_opening:
        yield batch  # the channel is opened, or not, before a message is taken
    elif due and (at_once or abs(now() - state.tried_at) >= channel_state.TRY_EVERY):
        with transaction():
            mine = channel_state.may_try(state.scope, at_once=at_once)
        if mine:
            yield batch


def _closed() -> dict[str, ChannelState]:
    with reading():
        closed = channel_state.closed_scopes()
        db.session.rollback()
    return closed


def _was_mailed_before(claimed: Notification) -> bool:
    """Whether this address of the firm took a message of ours."""
    taken = sa.select(Notification.id).where(
        Notification.mailbox == claimed.mailbox,
        Notification.kind.not_in(TO_STRANGERS),
        Notification.status == Status.SENT,
    )
    found = db.session.scalar(taken.limit(1), execution_options={"include_deleted": True})
    return found is not None


def _blocked_at(message_id: uuid.UUID) -> datetime | None:
    """When a message was refused through our fault last."""
    tries = sa.select(sa.func.max(DeliveryAttempt.created_at))
    theirs = DeliveryAttempt.notification_id == message_id, DeliveryAttempt.outcome == claims.BLOCKED
    return db.session.scalar(tries.where(*theirs))


def _was_open_in_between(claimed: Notification, scope: str) -> bool:
    """Whether other messages could leave since this one was blocked."""
    before = _blocked_at(claimed.id)
    state = channel_state.closed_scopes().get(scope)
    return before is not None and (state is None or state.since > before)
