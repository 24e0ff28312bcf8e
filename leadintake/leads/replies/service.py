"""Verbs on replies.

A reply leaves UNDO_SECONDS after it was written. Until it left it can be taken back, which also reopens the
lead if this reply marked it as reached out, no later reply leaves or left, and no person changed it since.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import timedelta

import sqlalchemy as sa

from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.errors import Conflict, NotFound, PreconditionFailed, UnprocessableContent
from leadintake.leads import reopening, work
from leadintake.leads.models import Lead
from leadintake.leads.reference import LeadKey
from leadintake.leads.replies.models import Reply
from leadintake.leads.replies.schemas import ReplyText, ReplyView
from leadintake.leads.replies.templates import language_of, list_fields_of_author, reply_templates
from leadintake.leads.replies.wording import (
    MAX_SUBJECT_LENGTH,
    check_body,
    check_line,
    name_fields,
)
from leadintake.leads.service import leads
from leadintake.leads.status import FIRST, LeadStatus, is_pending, is_reached
from leadintake.notifications import personal
from leadintake.notifications.models import Notification, Status

UNDO_SECONDS = 10
TWIN_WITHIN = timedelta(minutes=1)
"""The same text by the same author within this time is the same reply: a second click."""


class Replies:
    """Replies to prospects."""

    def list_for(self, lead: Lead) -> list[ReplyView]:
        """Return the replies of a lead that its caller may read, newest first, without those taken back."""
        state = Notification.status, Notification.sent_at
        query = sa.select(Reply, *state).outerjoin(Notification, Notification.id == Reply.message_id)
        query = query.where(Reply.lead_id == lead.id, Reply.deleted_at.is_(None)).order_by(Reply.id.desc())
        rows = db.session.execute(query.execution_options(include_deleted=True))
        return [ReplyView.of(reply, status, sent_at) for reply, status, sent_at in rows]

    def send(
        self, key: LeadKey, text: ReplyText, *, actor: User, if_version: Collection[str] | None
    ) -> ReplyView:
        """Enqueue a reply, and record the contact. A second click returns the first reply.

        Raises Forbidden, Conflict without an address, UnprocessableContent, PreconditionFailed.
        """
        with leads.edit(key, actor) as lead:
            work.require_right(lead, actor)
            if lead.email is None:
                raise Conflict("This lead has no e-mail address, so there is nobody to write to.")
            template_id, subject, body = _read(text, lead, actor)
            reply = _find_twin(lead, subject, body, actor)
            if reply is None:
                if if_version is not None and str(lead.version) not in if_version:
                    raise PreconditionFailed(
                        "Somebody changed this meanwhile. Please look at it again before you change it."
                    )
                reply = _enqueue(lead, lead.email, subject, body, template_id, actor)
        return self.view(reply)

    def take_back(self, key: LeadKey, reply_id: uuid.UUID, *, actor: User) -> bool:
        """Withdraw a reply that has not left; return whether the lead is open again.

        Raises Forbidden, NotFound, and Conflict if it left or is leaving.
        """
        with leads.edit(key, actor, lock_assignment=True) as lead:
            work.require_right(lead, actor)
            query = sa.select(Reply).where(Reply.id == reply_id, Reply.lead_id == lead.id)
            reply = db.session.scalar(query)
            if reply is None:
                raise NotFound("There is no such reply.")
            if not personal.take_back(reply.message_id, reply.copy_id):
                raise Conflict("This reply has left, or is leaving just now. It cannot be taken back.")
            reply.deleted_at = now()
            db.session.flush()
            if reply.marked_reached and is_reached(lead.status):
                _pass_mark_or_reopen(lead, reply, actor)
            _record(lead, "reply_taken_back", reply, actor=actor)
        return is_pending(lead.status)

    def explain_held(self, lead: Lead) -> str:
        """Return why the lead cannot be reopened: a reply that leaves in a moment; empty without one."""
        is_held = Reply.send_at > now(), Notification.status == Status.QUEUED
        query = sa.select(Reply.id).join(Notification, Notification.id == Reply.message_id)
        held_query = query.where(Reply.lead_id == lead.id, *is_held).limit(1)
        is_any = db.session.scalar(held_query) is not None
        return (
            "A reply is about to be sent. Undo that reply instead, or wait until it is sent."
            if is_any
            else ""
        )

    def view(self, reply: Reply) -> ReplyView:
        """Return a reply with the state of its message."""
        message = db.session.get_one(Notification, reply.message_id)
        return ReplyView.of(reply, message.status, message.sent_at)


def _pass_mark_or_reopen(lead: Lead, reply: Reply, actor: User) -> None:
    """Let a later reply that leaves or left mark the lead as reached; without one, reopen the lead.

    It stays reached if a person changed it since. Later replies that were taken back or failed do not count.
    """
    query = sa.select(Reply).join(Notification, Notification.id == Reply.message_id)
    query = query.where(Reply.lead_id == lead.id, Reply.id > reply.id, Notification.status != Status.FAILED)
    later = db.session.scalar(query.order_by(Reply.id).limit(1))
    if later is not None:
        reply.marked_reached, later.marked_reached = False, True
        return
    is_last = reopening.find_last_act(lead, without=["replied"]) == "reached_out"
    if is_last and not reopening.blocked_reason(lead, actor):
        leads.change_status(lead, FIRST, actor=actor)


def _read(text: ReplyText, lead: Lead, author: User) -> tuple[uuid.UUID | None, str, str]:
    """Return the template's id, subject and body. Raises UnprocessableContent."""
    errors: dict[str, list[str]] = {}
    subject, body, template_id = text.subject, text.body, None
    empty = {
        "subject": list_fields_of_author(subject or "", lead),
        "body": list_fields_of_author(body or "", lead),
    }
    if text.template:
        template = reply_templates.find(text.template, language=language_of(lead))
        if template is None:
            raise UnprocessableContent({"template": ["There is no such template."]})
        template_id = template.id
        of_empty = reply_templates.empty_fields_for(template, lead, author)
        empty["subject"] = of_empty["subject"] if subject is None else empty["subject"]
        empty["body"] = of_empty["body"] if body is None else empty["body"]
        of_template = reply_templates.fill_for(template, lead, author)
        subject = of_template[0] if subject is None else subject
        body = of_template[1] if body is None else body
    line = check_line(subject or "", MAX_SUBJECT_LENGTH, errors, "subject")
    words = check_body(body or "", errors)
    for field, names in empty.items():
        if names:
            reason = f"Write the words for {name_fields(names)} yourself: this has no value here."
            errors.setdefault(field, []).append(reason)
    if errors:
        raise UnprocessableContent(errors)
    return template_id, line, words


def _find_twin(lead: Lead, subject: str, body: str, author: User) -> Reply | None:
    query = sa.select(Reply).where(
        Reply.lead_id == lead.id,
        Reply.author_id == author.id,
        Reply.created_at > now() - TWIN_WITHIN,
        Reply.subject == subject,
    )
    return next((reply for reply in db.session.scalars(query) if reply.body == body), None)


def _enqueue(
    lead: Lead, address: str, subject: str, body: str, template_id: uuid.UUID | None, author: User
) -> Reply:
    send_at = now() + timedelta(seconds=UNDO_SECONDS)
    message = personal.Reply(
        lead_id=lead.id,
        recipient=address,
        language=language_of(lead),
        reply_to=author.email,
        subject=subject,
        body=body,
        send_at=send_at,
    )
    message_id, copy_id = personal.enqueue_reply(message)
    reply = Reply(
        lead_id=lead.id,
        author_id=author.id,
        author=author.email,
        template_id=template_id,
        subject=subject,
        body=body,
        send_at=send_at,
        message_id=message_id,
        copy_id=copy_id,
        marked_reached=is_pending(lead.status),
    )
    db.session.add(reply)
    db.session.flush()
    _record(lead, "replied", reply, actor=author)
    if is_pending(lead.status):
        leads.change_status(lead, LeadStatus.REACHED_OUT, actor=author)
    return reply


def _record(lead: Lead, action: str, reply: Reply, *, actor: User) -> None:
    work.record(lead, action, reply.subject, actor=actor, reply=str(reply.id))


replies = Replies()
