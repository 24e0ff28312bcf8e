"""Whether a stranger's address may be written to: their own word, and a bound on how often.

Anybody can type anybody's address into a public form. Alerts to the firm's own people know none of this.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from datetime import timedelta

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.exc import IntegrityError

from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import NotFound
from leadintake.core.languages import phrase
from leadintake.notifications.messages import OPTIONAL
from leadintake.notifications.models import Notification, Suppression

DAY = timedelta(days=1)
GMAIL = "gmail.com"
"""Where dots before the @ mean nothing (Gmail Help, "Dots don't matter in Gmail addresses")."""
SAME = {
    "googlemail.com": GMAIL,
    "me.com": "icloud.com",
    "pm.me": "protonmail.com",
    "proton.me": "protonmail.com",
}
"""Second names under which a provider delivers to the same mailboxes."""
EVERY_ROW = {"include_deleted": True}


def mailbox_of(address: str) -> str:
    """The mailbox behind an address: its spellings with tags, dots or capitals are one."""
    local, _, domain = address.lower().rpartition("@")
    domain = SAME.get(domain, domain)
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '') if domain == GMAIL else local}@{domain}"[:254]


class Mailboxes:
    """Strangers' mailboxes."""

    def objection(self, address: str) -> str:
        """Why no confirmation should go to this address now; an empty text when one may.

        Exact under the lock that lets one submission in at a time.
        """
        mailbox = mailbox_of(address)
        if self._suppression(mailbox) is not None:
            return "this address asked for no mail"
        most = current_app.config["CONFIRMATIONS_PER_DAY"]
        lately = sa.select(sa.func.count()).where(
            Notification.mailbox == mailbox,
            Notification.kind.in_(OPTIONAL),
            Notification.created_at > now() - DAY,
        )
        if (db.session.scalar(lately, execution_options=EVERY_ROW) or 0) >= most:
            return f"this address was sent {most} within a day"
        return ""

    def reached_by(self, message_id: uuid.UUID) -> str:
        """The address that a message with a way out was sent to. Raises NotFound."""
        wanted = sa.select(Notification.recipient).where(
            Notification.id == message_id, Notification.kind.in_(OPTIONAL)
        )
        found = db.session.scalar(wanted, execution_options=EVERY_ROW)
        if found is None:
            raise NotFound(phrase("This link is not complete. Please open it again from the mail."))
        return found

    def suppress(self, address: str) -> None:
        """Send this mailbox no confirmations any more. Once is enough, and twice at once as well."""
        with contextlib.suppress(IntegrityError), db.session.begin_nested():
            db.session.add(Suppression(mailbox=mailbox_of(address)))

    def allow(self, address: str) -> None:
        """Send it confirmations again. Raises NotFound for one that is not suppressed."""
        found = self._suppression(mailbox_of(address))
        if found is None:
            raise NotFound(f"{address} is not suppressed.")
        db.session.delete(found)

    def suppressed(self) -> Sequence[Suppression]:
        """Every mailbox that is sent nothing, the latest first."""
        return db.session.scalars(sa.select(Suppression).order_by(Suppression.id.desc())).all()

    def _suppression(self, mailbox: str) -> Suppression | None:
        return db.session.scalar(sa.select(Suppression).where(Suppression.mailbox == mailbox))


mailboxes = Mailboxes()
