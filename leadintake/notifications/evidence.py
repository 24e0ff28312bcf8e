"""Evidence of delivery: the messages about a lead, each with every attempt and the server's words."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from leadintake.core.db.database import db
from leadintake.notifications.models import DeliveryAttempt, Notification

MAX_MESSAGES, MAX_ATTEMPTS = 200, 1_000


@dataclass(frozen=True)
class Evidence:
    """The newest messages, oldest first, each with its attempts, oldest first.

    `older_messages`, `older_attempts`: how many there are besides.
    """

    messages: Sequence[tuple[Any, Sequence[Any]]]
    older_messages: int
    older_attempts: int


def read_evidence(lead_id: uuid.UUID) -> Evidence:
    """Return the evidence about a lead, without texts of mails, in two statements; two more for what is left.

    Check first whether the reader may see the lead.
    """
    about = sa.and_(Notification.lead_id == lead_id, Notification.deleted_at.is_(None))
    names = ("id", "kind", "recipient", "subject", "status", "created_at", "sent_at")
    messages_query = sa.select(*(getattr(Notification, name) for name in names)).where(about)
    newest = db.session.execute(messages_query.order_by(Notification.id.desc()).limit(MAX_MESSAGES + 1)).all()
    of_lead = DeliveryAttempt.notification_id.in_(sa.select(Notification.id).where(about))
    attempts_query = sa.select(
        DeliveryAttempt.notification_id,
        DeliveryAttempt.created_at,
        DeliveryAttempt.outcome,
        DeliveryAttempt.reply,
    ).where(of_lead)
    tries = db.session.execute(
        attempts_query.order_by(DeliveryAttempt.id.desc()).limit(MAX_ATTEMPTS + 1)
    ).all()
    by_message: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for attempt in reversed(tries[:MAX_ATTEMPTS]):
        by_message[attempt.notification_id].append(attempt)
    return Evidence(
        [(message, by_message[message.id]) for message in reversed(newest[:MAX_MESSAGES])],
        _count(Notification.id, about) - MAX_MESSAGES if len(newest) > MAX_MESSAGES else 0,
        _count(DeliveryAttempt.id, of_lead) - MAX_ATTEMPTS if len(tries) > MAX_ATTEMPTS else 0,
    )


def _count(column: Any, condition: sa.ColumnElement[bool]) -> int:
    return db.session.scalar(sa.select(sa.func.count(column)).where(condition)) or 0
