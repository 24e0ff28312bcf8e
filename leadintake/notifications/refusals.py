"""Refusals with an uncertain cause, and trial deliveries while the mail channel is closed.

1. A refusal of the sender (faults.py) closes the channel. The message stays due; no attempt is counted.
2. An unclear refusal or lost connection is the sender's fault if its text equals the one that closed all
   mail; or if the recipient, of the firm, received mail before and, unless the refusal is permanent, no mail
   has left since the first attempt of this message. Otherwise the message is the cause. Mail to prospects is
   no evidence: they type any address.
3. While the channel is closed, one message a minute is tried: to the firm's people before prospects, and not
   the last one tried if there is another.
4. The first success opens the channel; the other messages follow immediately.
5. A message that was blocked, and is refused again although the channel was open in between, is the cause. It
   is retried with backoff; an unclear permanent refusal fails it at attempt MAX_UNCLEAR_FAILURES.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
import structlog

from leadintake.core.clock import now
from leadintake.core.db.database import db, read_only
from leadintake.core.db.transaction import transaction
from leadintake.notifications import channel_state, leases
from leadintake.notifications.channel_state import ALL_MAIL, PROSPECT_MAIL, ChannelState
from leadintake.notifications.channels.interface import (
    Channel,
    ChannelDown,
    DeliveryInterruption,
    Sender,
    SenderBlocked,
    UnclearFailure,
)
from leadintake.notifications.faults import SmtpStep
from leadintake.notifications.models import ORDINARY_KINDS, DeliveryAttempt, Notification, Priority, Status

PROSPECT_KINDS = ORDINARY_KINDS
ARCHIVE_KINDS = {"reply_copy"}
"""Their refusals are about the archive's address alone: they never close the channel."""
MAX_UNCLEAR_FAILURES = 3
HAS_DIGIT = re.compile(r"\d")
UnattributedFailure = SenderBlocked | UnclearFailure | DeliveryInterruption
log = structlog.get_logger()


@dataclass(frozen=True)
class Batch:
    """Messages that may be sent now: all of these priorities, or one with `trial`, a closed scope."""

    priorities: tuple[Priority, ...] = leases.EVERY_PRIORITY
    trial: ChannelState | None = None

    def claim_for_trial(self, worker: str) -> Notification | None:
        """Claim one message: urgent before ordinary, and not that of the last trial if there is another."""
        last_tried = Notification.id == self.trial.tried_id if self.trial and self.trial.tried_id else None
        return leases.claim_for_trial(worker, self.priorities, avoid=last_tried)


def plan_batches(*, immediate: bool = False) -> Iterator[Batch]:
    """Yield the batches of this round. `immediate`: try a closed channel before its minute is over."""
    closed = _read_closed_scopes()
    if all_mail := closed.get(ALL_MAIL):
        yield from _plan_trial(all_mail, *Priority, immediate=immediate)
    elif prospect_mail := closed.get(PROSPECT_MAIL):
        yield from _plan_trial(prospect_mail, Priority.ORDINARY, immediate=immediate)
        yield Batch((Priority.URGENT,))
    else:
        yield Batch()


def is_batch_due(batch: Batch) -> bool:
    """Return whether a message of the batch is due."""
    with read_only():
        due = has_due_mail(batch.priorities)
        db.session.rollback()
    return due


def has_due_mail(priorities: Collection[Priority] = leases.EVERY_PRIORITY) -> bool:
    """Return whether a mail of these priorities is due."""
    queries = (leases.due_query(priority).with_only_columns(Notification.id) for priority in priorities)
    return any(db.session.scalar(query.limit(1)) is not None for query in queries)


def has_waiting_mail(priorities: Collection[Priority] = leases.EVERY_PRIORITY) -> bool:
    """Return whether a mail of these priorities is unsent, due or not."""
    by_priority = Notification.priority.in_(priorities)
    query = sa.select(Notification.id).where(by_priority, leases.IS_MAIL, Notification.due_at > leases.EPOCH)
    return db.session.scalar(query.limit(1)) is not None


@contextmanager
def open_channel(channel: Channel) -> Iterator[Sender]:
    """Open the channel, and record in its state whether that works. Raises ChannelDown."""
    with ExitStack() as stack:
        try:
            sender = stack.enter_context(channel.open())
        except ChannelDown as error:
            with transaction():
                channel_state.close(ALL_MAIL, error.step, str(error))
            raise
        state = _read_closed_scopes().get(ALL_MAIL)
        if state is not None and state.is_before_mail:
            with transaction():
                channel_state.reopen(ALL_MAIL)
        yield sender


def record_success(message: Notification) -> None:
    """Open the scopes that a sent message proves open: mail to a prospect all, other mail ALL_MAIL."""
    with transaction():
        if message.kind in PROSPECT_KINDS:
            channel_state.reopen()
        else:
            channel_state.reopen(ALL_MAIL)


def record_failure(claimed: Notification, error: UnattributedFailure) -> bool:
    """Record a failure against sender or message. Return True if it closed mail to prospects.

    Raises ChannelDown if it closed all mail.
    """
    words = str(error)
    is_to_prospect = claimed.kind in PROSPECT_KINDS
    scope = PROSPECT_MAIL if is_to_prospect and error.step is not SmtpStep.MAIL else ALL_MAIL
    with transaction():
        if isinstance(error, SenderBlocked):
            is_sender_fault = True
        elif _is_closing_reply(words):
            is_sender_fault, scope = True, ALL_MAIL
        else:
            is_sender_fault = not is_to_prospect and _is_sender_fault_by_history(claimed, error)
        if not is_sender_fault or claimed.kind in ARCHIVE_KINDS or _has_reopened_since_block(claimed, scope):
            _charge_message(claimed, error, final=not is_sender_fault)
            return False
        # Close first: _has_reopened_since_block compares the times.
        channel_state.close(scope, error.step, words, claimed.id)
        leases.mark_blocked(claimed, words)
    if scope is ALL_MAIL:
        raise ChannelDown(channel_state.mask_addresses(f"{error.step}: {words}"), error.step)
    log.warning("mail_to_strangers_blocked", step=str(error.step), error=channel_state.mask_addresses(words))
    return True


def _charge_message(claimed: Notification, error: UnattributedFailure, *, final: bool) -> None:
    """Count a failure against the message. `final`: a permanent refusal fails it at the first attempt."""
    words = str(error)
    if isinstance(error, DeliveryInterruption):
        leases.mark_interrupted(claimed, words)
    elif (
        isinstance(error, UnclearFailure)
        and error.final
        and (final or claimed.attempts >= MAX_UNCLEAR_FAILURES)
    ):
        leases.mark_failed(claimed, words)
    else:
        leases.mark_deferred(claimed, words)


def _is_closing_reply(words: str) -> bool:
    """Return whether the reply equals the one that closed all mail."""
    state = channel_state.read_closed_scopes().get(ALL_MAIL)
    return state is not None and _strip_variable_parts(words) == _strip_variable_parts(state.words)


def _strip_variable_parts(words: str) -> str:
    """Return a reply without ids, times and addresses."""
    masked = channel_state.mask_addresses(words)
    return " ".join(word for word in masked.split() if word.isdigit() or not HAS_DIGIT.search(word))


def _is_sender_fault_by_history(claimed: Notification, error: UnclearFailure | DeliveryInterruption) -> bool:
    return _has_earlier_success(claimed) and (error.final or _has_no_success_since(claimed))


def _has_no_success_since(claimed: Notification) -> bool:
    """Return whether no mail has left since the first recorded attempt of the message."""
    query = sa.select(sa.func.min(DeliveryAttempt.created_at))
    first = db.session.scalar(query.where(DeliveryAttempt.notification_id == claimed.id))
    last_sent = channel_state.find_last_sent()
    return first is not None and (last_sent is None or last_sent < first)


def _plan_trial(state: ChannelState, *priorities: Priority, immediate: bool) -> Iterator[Batch]:
    batch = Batch(priorities, None if state.is_before_mail else state)
    with read_only():
        is_due, is_waiting = has_due_mail(priorities), has_waiting_mail(priorities)
        db.session.rollback()
    if not is_waiting:  # nothing to try or to hold back
        with transaction():
            channel_state.reopen(state.scope)
    elif is_due and state.is_before_mail:
        yield batch  # opening the channel is the trial
    elif is_due and (immediate or abs(now() - state.tried_at) >= channel_state.TRIAL_INTERVAL):
        with transaction():
            is_claimed = channel_state.claim_trial(state.scope, immediate=immediate)
        if is_claimed:
            yield batch


def _read_closed_scopes() -> dict[str, ChannelState]:
    with read_only():
        closed = channel_state.read_closed_scopes()
        db.session.rollback()
    return closed


def _has_earlier_success(claimed: Notification) -> bool:
    """Return whether a message of another kind than to prospects was sent to this mailbox before."""
    query = sa.select(Notification.id).where(
        Notification.mailbox == claimed.mailbox,
        Notification.kind.not_in(PROSPECT_KINDS),
        Notification.status == Status.SENT,
    )
    found = db.session.scalar(query.limit(1), execution_options={"include_deleted": True})
    return found is not None


def _find_last_block(message_id: uuid.UUID) -> datetime | None:
    query = sa.select(sa.func.max(DeliveryAttempt.created_at))
    conditions = DeliveryAttempt.notification_id == message_id, DeliveryAttempt.outcome == leases.BLOCKED
    return db.session.scalar(query.where(*conditions))


def _has_reopened_since_block(claimed: Notification, scope: str) -> bool:
    """Return whether the channel was open since the message was last blocked."""
    last_block = _find_last_block(claimed.id)
    state = channel_state.read_closed_scopes().get(scope)
    return last_block is not None and (state is None or state.since > last_block)
