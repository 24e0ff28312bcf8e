"""State of the mail channel: open or closed, since when, and the reply that closed it.

A refusal of the sender closes the scope ALL_MAIL. A refusal seen only on mail to prospects closes
PROSPECT_MAIL: addresses that prospects type must not hold back alerts to the firm. A closed scope gets one
trial delivery a minute.

Replies appear on the desk, in the log and in incidents; they are stored without addresses.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.results import affected
from leadintake.notifications.faults import STEPS_BEFORE_MAIL
from leadintake.notifications.models import MAIL, OUTBOX, ChannelFault, DeliveryAttempt

ALL_MAIL, PROSPECT_MAIL = "everybody", "strangers"
TRIAL_INTERVAL = timedelta(seconds=60)
ADDRESS = re.compile(r"[^\s<>@,;:]+@[^\s<>@,;:]+")
MAX_WORDS_LENGTH = 500
RECENT_ATTEMPTS = 500
"""Attempts that are searched for the last sent mail."""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """Closed scope of the mail channel."""

    scope: str
    """`everybody`, or `strangers`: only mail to prospects waits."""
    since: datetime
    step: str
    """SMTP step that failed: connect, EHLO, STARTTLS, AUTH, MAIL FROM, RCPT TO or DATA."""
    words: str
    """Reply of the mail server."""
    tried_at: datetime
    tried_id: uuid.UUID | None
    """Message of the last trial."""

    @property
    def is_before_mail(self) -> bool:
        """Whether the failed step comes before MAIL FROM, so that no message can be tried."""
        return self.step in STEPS_BEFORE_MAIL


def read_channel_state() -> ChannelState | None:
    """Return the closed scope, the wider of two, or None while mail leaves."""
    found = read_closed_scopes()
    return found.get(ALL_MAIL) or found.get(PROSPECT_MAIL)


def read_closed_scopes() -> dict[str, ChannelState]:
    """Return every closed scope by name."""
    columns = ChannelFault.scope, ChannelFault.since, ChannelFault.step, ChannelFault.words
    rows = db.session.execute(sa.select(*columns, ChannelFault.tried_at, ChannelFault.tried_id)).all()
    return {row.scope: ChannelState(*row) for row in rows}


def close(scope: str, step: str, words: str, message_id: uuid.UUID | None = None) -> None:
    """Record that a scope is closed, in the transaction of the caller. The first record sets `since`."""
    values = {"step": str(step), "words": mask_addresses(words), "tried_at": now()}
    if message_id is not None:
        values["tried_id"] = message_id
    if _update_fault(scope, values):
        return
    try:
        with db.session.begin_nested():
            db.session.add(ChannelFault(scope=scope, since=now(), **values))
    except IntegrityError:  # another worker was first
        _update_fault(scope, values)


def reopen(*scopes: str) -> None:
    """Record that these scopes, or without arguments all, are open, in the transaction of the caller."""
    query = sa.delete(ChannelFault)
    db.session.execute(query.where(ChannelFault.scope.in_(scopes)) if scopes else query)


def claim_trial(scope: str, *, immediate: bool = False) -> bool:
    """Claim the trial of this minute; return False if another worker has it."""
    moment = now()
    due = sa.or_(
        ChannelFault.tried_at <= moment - TRIAL_INTERVAL, ChannelFault.tried_at >= moment + TRIAL_INTERVAL
    )
    query = sa.update(ChannelFault).where(ChannelFault.scope == scope, sa.true() if immediate else due)
    changed = db.session.execute(query.values(tried_at=moment, updated_at=moment))
    return bool(affected(changed))


def mask_addresses(words: str) -> str:
    """Return the words on one line, without addresses, at most MAX_WORDS_LENGTH characters."""
    return ADDRESS.sub("…", " ".join(words.split()))[:MAX_WORDS_LENGTH]


def find_last_sent() -> datetime | None:
    """Return when the last mail was sent, or None if it is not among RECENT_ATTEMPTS."""
    attempts = DeliveryAttempt.__table__.c
    recent = (
        sa.select(attempts.notification_id, attempts.outcome, attempts.created_at)
        .order_by(attempts.id.desc())
        .limit(RECENT_ATTEMPTS)
        .subquery()
    )
    mail = recent.join(OUTBOX, OUTBOX.c.id == recent.c.notification_id)
    query = sa.select(sa.func.max(recent.c.created_at)).select_from(mail)
    found: datetime | None = db.session.scalar(
        query.where(recent.c.outcome == "sent", OUTBOX.c.channel == MAIL)
    )
    return found


def _update_fault(scope: str, values: dict[str, object]) -> bool:
    # A failure before MAIL FROM does not disprove an earlier refusal at a later step: keep that step.
    changes = dict(values)
    if values["step"] in STEPS_BEFORE_MAIL:
        changes["step"] = sa.case(
            (ChannelFault.step.in_([str(step) for step in STEPS_BEFORE_MAIL]), values["step"]),
            else_=ChannelFault.step,
        )
    query = sa.update(ChannelFault).where(ChannelFault.scope == scope).values(**changes)
    changed = db.session.execute(query, execution_options={"synchronize_session": False})
    return bool(affected(changed))
