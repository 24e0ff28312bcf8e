"""Rows to start from: given(UserFactory, "manager"), given(LeadFactory, "reached_out", assigned_to=amara)."""

from __future__ import annotations

import hashlib
import io

import factory
from factory.alchemy import SQLAlchemyModelFactory

from leadintake.assignment.models import Absence
from leadintake.auth import passwords
from leadintake.auth.models import User
from leadintake.auth.permissions import Role
from leadintake.core.addresses import normalize_mailbox
from leadintake.core.clock import now
from leadintake.core.crypto import seal
from leadintake.core.db.database import db
from leadintake.core.db.types import new_id
from leadintake.core.text import fold_words
from leadintake.documents.models import Document
from leadintake.documents.service import documents
from leadintake.leads import search_index
from leadintake.leads.conversation import LeadNote
from leadintake.leads.fields import FIELDS, search_line, search_text
from leadintake.leads.models import Lead, Screen
from leadintake.leads.progress import LeadTag, fold_tag
from leadintake.leads.reference import draw_reference
from leadintake.leads.replies.models import Reply, ReplyTemplate
from leadintake.leads.status import Gate, LeadStatus
from leadintake.notifications.channels.interface import SEAL_PURPOSE
from leadintake.notifications.messages import SECRET_KINDS
from leadintake.notifications.models import Notification, Status
from tests.support.client import PASSWORD, PDF, TOTP_SECRET


class _Factory(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_factory = lambda: db.session
        sqlalchemy_session_persistence = "flush"


class UserFactory(_Factory):
    """An active attorney who takes new leads."""

    class Meta:
        model = User

    class Params:
        admin = factory.Trait(role=Role.ADMIN, can_intake=False)
        manager = factory.Trait(role=Role.MANAGER, can_intake=False)
        viewer = factory.Trait(role=Role.VIEWER, can_intake=False)
        inactive = factory.Trait(active=False)
        busy = factory.Trait(can_intake=False)
        with_app = factory.Trait(
            totp_secret=factory.LazyFunction(lambda: seal("totp", TOTP_SECRET)),
            totp_since=factory.LazyFunction(now),
        )

    email = factory.Sequence(lambda number: f"person{number}@firm.example.com")
    name = factory.Sequence(lambda number: f"Person {number}")
    role = Role.ATTORNEY
    can_intake = True
    active = True
    joined_at = factory.LazyFunction(now)
    password_hash = factory.LazyFunction(lambda: passwords.hash_password(PASSWORD))


class DocumentFactory(_Factory):
    """A PDF that is really in the storage."""

    class Meta:
        model = Document

    id = factory.LazyFunction(new_id)
    key = factory.LazyAttribute(lambda document: f"{document.id}.pdf")
    filename = "resume.pdf"
    content_type = "application/pdf"
    size = len(PDF)
    sha256 = hashlib.sha256(PDF).hexdigest()

    @factory.post_generation
    def stored(document, create, extracted, **kwargs):
        documents.storage.save(document.key, io.BytesIO(PDF))()


class LeadFactory(_Factory):
    """A pending lead that nobody has."""

    class Meta:
        model = Lead

    class Params:
        reached_out = factory.Trait(status=LeadStatus.REACHED_OUT)
        deleted = factory.Trait(deleted_at=factory.LazyFunction(now))
        quarantined = factory.Trait(
            gate=Gate.QUARANTINE,
            quarantined_at=factory.LazyFunction(now),
            quarantine_reason="For the test.",
            assignment_strategy="quarantine",
        )

    first_name = "Jane"
    last_name = factory.Sequence(lambda number: f"Doe{number:04}")
    email = factory.Sequence(lambda number: f"jane{number}@example.com")
    phone = None
    practice_area = None
    language = None
    searchable = factory.LazyAttribute(
        lambda lead: search_line({one.name: getattr(lead, one.name) for one in FIELDS})
    )
    reference = factory.LazyFunction(draw_reference)
    search_text = factory.LazyAttribute(
        lambda lead: search_text({one.name: getattr(lead, one.name) for one in FIELDS}, lead.reference)
    )
    status = LeadStatus.PENDING
    resume = factory.SubFactory(DocumentFactory)
    assigned_to = None
    assignment_strategy = "least_open"
    assignment_reason = "For the test."
    assigned_at = factory.LazyFunction(now)
    submission_fingerprint = "0" * 64

    @factory.post_generation
    def indexed(lead, create, extracted, **kwargs):
        if lead.search_text is not None:
            search_index.add({lead.id: lead.search_text})

    @factory.post_generation
    def tagged(lead, create, extracted, **kwargs):
        for tag in lead.tags or ():
            db.session.add(LeadTag(lead_id=lead.id, tag=tag, folded=fold_tag(tag)))
        db.session.flush()


class AbsenceFactory(_Factory):
    """Somebody away until further notice: given(AbsenceFactory, user=bruno, first_day=today)."""

    class Meta:
        model = Absence


class ReplyTemplateFactory(_Factory):
    """A template of a reply."""

    class Meta:
        model = ReplyTemplate

    name = factory.Sequence(lambda number: f"Template {number}")
    language = "en"
    subject = "Your inquiry {reference}"
    body = "Dear {first_name},"


class ScreenFactory(_Factory):
    """Somebody barred from a lead: given(ScreenFactory, lead_id=lead.id, user=bruno)."""

    class Meta:
        model = Screen

    notice = "Once acted for the other side."
    set_by = "operator"


class NoteFactory(_Factory):
    """A note: given(NoteFactory, lead_id=lead.id, author=amara)."""

    class Meta:
        model = LeadNote

    text = "Call on Tuesday."
    search_text = factory.LazyAttribute(lambda note: f"{fold_words(note.text, 1000)}  ")

    @factory.post_generation
    def indexed(note, create, extracted, **kwargs):
        search_index.add({note.id: note.search_text}, search_index.OF_NOTES)


def kept(words: str, kind: str) -> str:
    """Words as the outbox keeps them."""
    return seal(SEAL_PURPOSE, words) if kind in SECRET_KINDS else words


class NotificationFactory(_Factory):
    """A queued message that is due."""

    class Meta:
        model = Notification

    class Params:
        sent = factory.Trait(status=Status.SENT, due_at=None, sent_at=factory.LazyFunction(now))
        failed = factory.Trait(status=Status.FAILED, due_at=None, last_error="550 no such user")

    kind = "attorney_alert"
    recipient = factory.Sequence(lambda number: f"person{number}@firm.example.com")
    mailbox = factory.LazyAttribute(lambda owed: normalize_mailbox(owed.recipient))
    subject = "A new lead is waiting for you"
    text = factory.LazyAttribute(lambda owed: kept("words", owed.kind))
    html = factory.LazyAttribute(lambda owed: kept("<p>words</p>", owed.kind))
    due_at = factory.LazyFunction(now)


class ReplyFactory(_Factory):
    """A reply that waits to be sent: given(ReplyFactory, lead_id=lead.id, by=amara)."""

    class Meta:
        model = Reply

    class Params:
        by = None
        message = factory.SubFactory(
            NotificationFactory, kind="reply", lead_id=factory.SelfAttribute("..lead_id")
        )

    author_id = factory.LazyAttribute(lambda reply: reply.by.id)
    author = factory.LazyAttribute(lambda reply: reply.by.email)
    subject = "Your inquiry"
    body = "May I call you?"
    send_at = factory.LazyFunction(now)
    message_id = factory.LazyAttribute(lambda reply: reply.message.id)
    marked_reached = False
