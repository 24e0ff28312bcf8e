"""State of the mail channel: its closed scopes, since when, and the reply that closed them.

A refusal of the sender closes ALL_MAIL; one seen only on mail to prospects closes PROSPECT_MAIL, since
addresses that prospects type must not stop alerts to the firm. A closed scope gets a trial delivery a minute
(refusals.py).

Replies appear on the desk, in logs and incidents: they are stored without addresses.
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
"""Attempts searched for the last sent mail."""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A closed scope of the mail channel."""

    scope: str
    """ALL_MAIL or PROSPECT_MAIL."""
    since: datetime
    step: str
    """The SMTP step that failed."""
    words: str
    """The server's reply."""
    tried_at: datetime
    tried_id: uuid.UUID | None
    """The message of the last trial."""

    @property
    def is_before_mail(self) -> bool:
        """Whether it failed before MAIL FROM: no message can be tried."""
        return self.step in STEPS_BEFORE_MAIL


def read_channel_state() -> ChannelState | None:
    """Return the wider closed scope; None if the channel is open."""
    found = read_closed_scopes()
    return found.get(ALL_MAIL) or found.get(PROSPECT_MAIL)


def read_closed_scopes() -> dict[str, ChannelState]:
    """Return the closed scopes by name."""
    columns = ChannelFault.scope, ChannelFault.since, ChannelFault.step, ChannelFault.words
    rows = db.session.execute(sa.select(*columns, ChannelFault.tried_at, ChannelFault.tried_id)).all()
    return {row.scope: ChannelState(*row) for row in rows}


def close(scope: str, step: str, words: str, message_id: uuid.UUID | None = None) -> None:
    """Close a scope, in the caller's transaction; keep `since` of a closed one."""
    values = {"step": str(step), "words": mask_addresses(words), "tried_at": now()}
    if message_id is not None:
        values["tried_id"] = message_id
    if _update_fault(scope, values):
        return
    try:
        with db.session.begin_nested():
            db.session.add(ChannelFault(scope=scope, since=now(), **values))
    except IntegrityError:  # another worker closed it
        _update_fault(scope, values)


def reopen(*scopes: str) -> None:
    """Open these scopes, or all without arguments, in the caller's transaction."""
    query = sa.delete(ChannelFault)
    db.session.execute(query.where(ChannelFault.scope.in_(scopes)) if scopes else query)


def claim_trial(scope: str, *, immediate: bool = False) -> bool:
    """Claim this minute's trial; return False if another worker has it."""
    moment = now()
    due = sa.or_(
        ChannelFault.tried_at <= moment - TRIAL_INTERVAL, ChannelFault.tried_at >= moment + TRIAL_INTERVAL
    )
    query = sa.update(ChannelFault).where(ChannelFault.scope == scope, sa.true() if immediate else due)
    changed = db.session.execute(query.values(tried_at=moment, updated_at=moment))
    return bool(affected(changed))


def mask_addresses(words: str) -> str:
    """Return the words on one line, without addresses, cut to MAX_WORDS_LENGTH."""
    return ADDRESS.sub("…", " ".join(words.split()))[:MAX_WORDS_LENGTH]


def find_last_sent() -> datetime | None:
    """Return when the last mail was sent; None if not among RECENT_ATTEMPTS."""
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
    # A failure before MAIL FROM says nothing about an earlier refusal at a later step: keep that step.
    changes = dict(values)
    if values["step"] in STEPS_BEFORE_MAIL:
        changes["step"] = sa.case(
            (ChannelFault.step.in_([str(step) for step in STEPS_BEFORE_MAIL]), values["step"]),
            else_=ChannelFault.step,
        )
    query = sa.update(ChannelFault).where(ChannelFault.scope == scope).values(**changes)
    changed = db.session.execute(query, execution_options={"synchronize_session": False})
    return bool(affected(changed))
