"""Suppressions and daily limits of confirmations: the public form accepts addresses of third parties.

They stop no reply: a person of the firm writes it to a prospect who asked for an answer.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError

from leadintake.core.addresses import normalize_mailbox
from leadintake.core.chores import Stop
from leadintake.core.clock import now
from leadintake.core.db.database import db, execute
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import NotFound
from leadintake.core.i18n.languages import N_
from leadintake.notifications.faults import is_address_refused
from leadintake.notifications.messages import OPTIONAL_KINDS
from leadintake.notifications.models import ORDINARY_KINDS, OUTBOX, Notification, Status, Suppression

DAY = timedelta(days=1)
BATCH = 500
INCLUDE_DELETED = {"include_deleted": True}
_SENT_TO = sa.select(
    sa.exists().where(Suppression.mailbox == sa.bindparam("mailbox")).label("suppressed"),
    sa.select(sa.func.count())
    .where(
        OUTBOX.c.mailbox == sa.bindparam("mailbox"),
        OUTBOX.c.kind.in_(sorted(OPTIONAL_KINDS)),
        OUTBOX.c.created_at > sa.bindparam("since"),
    )
    .scalar_subquery()
    .label("number"),
)
"""Whether a mailbox is suppressed, and how many optional messages it has `since` a time, also hidden ones."""


class Mailboxes:
    """Mailboxes of prospects."""

    def blocked_reason(self, address: str) -> str:
        """Return why no confirmation may be sent now, else an empty text. Exact under the assignment lock."""
        mailbox = normalize_mailbox(address)
        found = execute(_SENT_TO, [{"mailbox": mailbox, "since": now() - DAY}]).one()
        if found.suppressed:
            return "this address asked for no mail"
        limit = current_app.config["CONFIRMATIONS_PER_DAY"]
        if found.number >= limit:
            return f"this address was sent {limit} within a day"
        return ""

    def has_refused(self, address: str, lead_id: uuid.UUID) -> bool:
        """Return whether the last mail to the prospect of a lead failed because of the address.

        A reply counts once it was sent or failed.
        """
        is_settled = sa.or_(
            Notification.kind != "reply", Notification.status.in_([Status.SENT, Status.FAILED])
        )
        last_query = sa.select(Notification.status, Notification.last_error).where(
            Notification.lead_id == lead_id,
            Notification.recipient == address,
            Notification.kind.in_(ORDINARY_KINDS),
            is_settled,
        )
        last = db.session.execute(last_query.order_by(Notification.id.desc()).limit(1)).first()
        return last is not None and last.status is Status.FAILED and is_address_refused(last.last_error or "")

    def find_recipient(self, message_id: uuid.UUID) -> str:
        """Return the recipient of a message with an unsubscribe link. Raises NotFound."""
        query = sa.select(Notification.recipient).where(
            Notification.id == message_id, Notification.kind.in_(OPTIONAL_KINDS)
        )
        found = db.session.scalar(query, execution_options=INCLUDE_DELETED)
        if found is None:
            raise NotFound(N_("This link is not complete. Please open it again from the mail."))
        return found

    def suppress(self, address: str) -> None:
        """Send the mailbox no more confirmations. Idempotent, also concurrently."""
        with contextlib.suppress(IntegrityError), db.session.begin_nested():
            db.session.add(Suppression(mailbox=normalize_mailbox(address)))

    def allow(self, address: str) -> None:
        """Send the mailbox confirmations again. Raises NotFound if it is not suppressed."""
        found = self._suppression(normalize_mailbox(address))
        if found is None:
            raise NotFound(f"{address} is not suppressed.")
        db.session.delete(found)

    def list_suppressed(self) -> Sequence[Suppression]:
        """Return the suppressed mailboxes, latest first."""
        return db.session.scalars(sa.select(Suppression).order_by(Suppression.id.desc())).all()

    def normalize_suppressions(self, stop: Stop) -> Mapping[str, object]:
        """Give suppressions by processes of an older version their present spelling. A chore."""
        changed, last = 0, uuid.UUID(int=0)
        while not stop():
            with transaction():
                after = sa.select(Suppression).where(Suppression.id > last).order_by(Suppression.id)
                batch = db.session.scalars(after.limit(BATCH)).all()
                last = batch[-1].id if batch else last
                changed += sum(self._normalize(suppression) for suppression in batch)
            if len(batch) < BATCH:
                break
        return {"changed": changed}

    def _normalize(self, suppression: Suppression) -> bool:
        mailbox = normalize_mailbox(suppression.mailbox)
        if mailbox == suppression.mailbox:
            return False
        if self._suppression(mailbox) is None:
            suppression.mailbox = mailbox
        else:
            db.session.delete(suppression)
        db.session.flush()
        return True

    def _suppression(self, mailbox: str) -> Suppression | None:
        return db.session.scalar(sa.select(Suppression).where(Suppression.mailbox == mailbox))


mailboxes = Mailboxes()
