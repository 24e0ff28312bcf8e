"""Verbs on the outbox: owe a message, look after it. What a worker does with one is in claims.py."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask, current_app
from flask_mail import Mail

from leadintake.audit.chain import Head
from leadintake.audit.service import Person, audit
from leadintake.core import places, tracing
from leadintake.core.clock import now
from leadintake.core.database import db
from leadintake.core.errors import Conflict, NotFound
from leadintake.core.keys import seal
from leadintake.core.languages import ENGLISH
from leadintake.core.logs import current_request_id
from leadintake.core.pages import Order, Page, page_of
from leadintake.core.transaction import on_commit
from leadintake.core.types import new_id
from leadintake.core.walls import outside
from leadintake.notifications import embedded
from leadintake.notifications.channels import SEALED_FOR, Channel, ChannelDown
from leadintake.notifications.deliveries import ObservedChannel
from leadintake.notifications.diagnosis import explain
from leadintake.notifications.folder import FolderChannel
from leadintake.notifications.mailboxes import mailbox_of
from leadintake.notifications.messages import OPTIONAL, SECRET, render, unsubscribe_link
from leadintake.notifications.models import WITHDRAWN, DeliveryAttempt, Notification, Status, WorkerBeat
from leadintake.notifications.smtp import SmtpChannel

HEAD = "audit_head"
HOUR = timedelta(hours=1)
BEAT_EVERY, BEAT_LASTS = timedelta(seconds=10), timedelta(seconds=60)
UNSYNCHRONIZED = {"synchronize_session": False}
DELETED_TOO = {"include_deleted": True, "synchronize_session": False}


class Notifications:
    """What we owe people."""

    def init_app(self, app: Flask) -> None:
        """Choose the channel: SMTP where there is a server, else a folder."""
        app.config.setdefault("MAIL_SUPPRESS_SEND", False)
        mail = Mail(app)
        if app.config["MAIL_SERVER"]:
            app.extensions["leadintake.channel"] = SmtpChannel(mail)
        else:
            folder = Path(app.config["MAIL_FOLDER"] or Path(app.config["INSTANCE_PATH"], "mail"))
            app.extensions["leadintake.channel"] = FolderChannel(folder)
            places.register(app, "mails", folder)

    @property
    def channel(self) -> Channel:
        """The way messages leave the running application."""
        return ObservedChannel(current_app.extensions["leadintake.channel"])

    def owe(
        self,
        kind: str,
        recipient: str,
        *,
        lead_id: uuid.UUID | None = None,
        language: str = ENGLISH,
        about: str = "",
        reply_to: str | None = None,
        **words: object,
    ) -> Notification:
        """Owe a message, in the transaction of its cause. A worker is woken once that is durable.

        `about`: what its subject ends with, to tell it from others of its kind; no stranger's words.
        """
        message_id, span = new_id(), tracing.begin("producer")
        words["unsubscribe"] = unsubscribe_link(message_id, language) if kind in OPTIONAL else ""
        said = render(kind, language=language, about=about, firm=current_app.config["FIRM_NAME"], **words)
        kept = functools.partial(seal, SEALED_FOR) if kind in SECRET else str
        owed = Notification(
            id=message_id,
            kind=kind,
            recipient=recipient,
            reply_to=reply_to,
            mailbox=mailbox_of(recipient),
            lead_id=lead_id,
            subject=said.subject,
            text=kept(said.text),
            html=kept(said.html),
            due_at=now(),
            request_id=current_request_id(),
            traceparent=span.traceparent(),
        )
        db.session.add(owed)
        span.end(f"enqueue {kind}", message=str(message_id), kind=kind)
        on_commit(embedded.wake)
        return owed

    def owe_head(self, head: Head, moment: datetime) -> None:
        """Mail a published head of the audit trail out of this machine's reach, if it is a new one."""
        recipient, said = current_app.config["AUDIT_HEAD_MAIL"], str(head)
        known = sa.select(Notification.id).where(
            Notification.kind == HEAD, Notification.mailbox == mailbox_of(recipient)
        )
        told = known.where(Notification.text.contains(said)).limit(1)
        if recipient and db.session.scalar(told) is None:
            self.owe(HEAD, recipient, head=said, moment=f"{moment:%Y-%m-%d %H:%M} UTC")

    def get(
        self, notification_id: uuid.UUID, *, seen_by: uuid.UUID | None = None, locked: bool = False
    ) -> Notification:
        """One message that `seen_by` may know of; `locked`, so that no worker takes it. Raises NotFound."""
        wanted = _known_to(seen_by).where(Notification.id == notification_id)
        found: Notification | None = db.session.scalar(wanted.with_for_update() if locked else wanted)
        if found is None:
            raise NotFound("There is no such message.")
        return found

    def retry(self, notification_id: uuid.UUID, *, by: Person | None = None) -> Notification:
        """Send a message that failed or waits, now. Raises Conflict for one sent or on its way."""
        found = self.get(notification_id, seen_by=by.id if by else None, locked=True)
        if found.status in (Status.SENT, Status.SENDING):
            raise Conflict(f"This message is {found.status} already.")
        found.status, found.due_at, found.owed_since = Status.QUEUED, now(), now()
        # About its lead, where there is one: who may not know of that may not know of this entry.
        about = ("lead", found.lead_id) if found.lead_id else ("message", found.id)
        audit.record("message.retried", by=by, about=about, message=str(found.id))
        on_commit(embedded.wake)
        return found

    def retry_all_failed(self, *, by: Person | None = None) -> int:
        """Send every message that failed, now, and return how many; what `by` may not know of stays."""
        failed = sa.update(Notification).where(Notification.status == Status.FAILED)
        if by is not None:
            failed = failed.where(outside(Notification.lead_id, by.id))
        again = {"status": Status.QUEUED, "due_at": now(), "owed_since": now()}
        changed = db.session.execute(failed.values(**again), execution_options={"synchronize_session": False})
        number = int(changed.rowcount)  # type: ignore[attr-defined] # of a CursorResult, which an UPDATE gives
        if number:
            audit.record("messages.retried", by=by, number=number)
            on_commit(embedded.wake)
        return number

    def put_away(self, lead_id: uuid.UUID) -> None:
        """Hide the messages about a lead that was deleted; those not sent yet are not sent."""
        self._change(Notification.lead_id == lead_id, deleted_at=now())

    def bring_back(self, lead_id: uuid.UUID) -> None:
        """Show the messages about a restored lead again; those not sent yet and not withdrawn go out."""
        withdrawn = sa.and_(Notification.status == Status.QUEUED, Notification.due_at.is_(None))
        self._change(Notification.lead_id == lead_id, ~withdrawn, deleted_at=None)
        on_commit(embedded.wake)

    def withdraw(self, lead_id: uuid.UUID, recipient: str, *, kinds: Collection[str] = ()) -> None:
        """Never send this person what they are owed about a lead and was not sent yet, not by hand either.

        `kinds`: only messages of these; without any, all of them.

        What a worker has in hand at this moment may still leave; the attempt is on record.
        """
        theirs = sa.and_(Notification.lead_id == lead_id, Notification.recipient == recipient)
        if kinds:
            theirs = sa.and_(theirs, Notification.kind.in_(kinds))
        self._change(theirs, Notification.status != Status.SENT, **WITHDRAWN, deleted_at=now())

    def _change(self, *which: sa.ColumnElement[bool], **values: object) -> None:
        """Change messages, hidden ones too."""
        db.session.execute(
            sa.update(Notification).where(*which).values(**values), execution_options=DELETED_TOO
        )

    def bears_another(self, kind: str, recipient: str, *, most_an_hour: int) -> bool:
        """Whether to send this person one more of this kind: none is on its way, nor were there too many."""
        lately = sa.select(Notification.due_at).where(
            Notification.mailbox == mailbox_of(recipient),
            Notification.kind == kind,
            sa.or_(Notification.created_at > now() - HOUR, Notification.due_at.is_not(None)),
        )
        due = db.session.scalars(lately).all()
        return len(due) < most_an_hour and not any(due)

    def of_lead(self, lead_id: uuid.UUID) -> Sequence[Notification]:
        """Every message about a lead, oldest first."""
        about = sa.select(Notification).where(Notification.lead_id == lead_id)
        return db.session.scalars(about.order_by(Notification.id)).all()

    def page(
        self, status: Status | None, *, seen_by: uuid.UUID | None = None, limit: int, cursor: str | None
    ) -> Page[Notification]:
        """Messages that `seen_by` may know of, newest first."""
        wanted = _known_to(seen_by)
        if status is not None:
            wanted = wanted.where(Notification.status == status)
        order = Order(Notification, "created_at", descending=True)
        return page_of(wanted, order, limit=limit, cursor=cursor, bound_to={"status": status})

    def attempts(self, notification_id: uuid.UUID) -> Sequence[DeliveryAttempt]:
        """Every try of a message, oldest first."""
        tries = sa.select(DeliveryAttempt).where(DeliveryAttempt.notification_id == notification_id)
        return db.session.scalars(tries.order_by(DeliveryAttempt.id)).all()

    def beat(self, worker: str) -> None:
        """Note that a worker lives; forget those that do not."""
        row = db.session.scalar(sa.select(WorkerBeat).where(WorkerBeat.worker == worker))
        if row is None:
            db.session.add(WorkerBeat(worker=worker, seen_at=now()))
        else:
            row.seen_at = now()
        db.session.execute(sa.delete(WorkerBeat).where(WorkerBeat.seen_at < now() - 10 * BEAT_LASTS))

    def last_beat(self) -> datetime | None:
        """When a worker was last seen alive."""
        return db.session.scalar(sa.select(sa.func.max(WorkerBeat.seen_at)))

    def check_worker(self) -> None:
        """Raise unless a worker is alive."""
        seen = self.last_beat()
        if seen is None or abs(now() - seen) > BEAT_LASTS:  # from the future, if the clock was set back
            raise RuntimeError("No worker has been seen for a minute. Start one with `flask worker`.")

    def check_mail(self) -> None:
        """Raise unless the channel opens and would begin with a message to people, with what to do.

        The folder of a trial that nobody named (MAIL_FOLDER) is all right: production has none.
        """
        try:
            with self.channel.opened() as sender:
                sender.check()
        except ChannelDown as error:
            raise RuntimeError(explain(error, current_app.config)) from error
        if folder := current_app.config["MAIL_FOLDER"]:
            raise RuntimeError(
                f"Mails are written to {folder}: nobody is mailed. Set LEADINTAKE_MAIL_SERVER instead of "
                "LEADINTAKE_MAIL_FOLDER."
            )


def _known_to(person: uuid.UUID | None) -> sa.Select[Any]:
    """The messages about nothing that is hidden from this person; None is an operator at the machine."""
    wanted: sa.Select[Any] = sa.select(Notification)
    return wanted if person is None else wanted.where(outside(Notification.lead_id, person))


notifications = Notifications()
