"""JSON schemas of the room."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from leadintake.core.clock import now
from leadintake.core.i18n.languages import Language
from leadintake.core.text import TYPED_PER_CHARACTER
from leadintake.leads.replies.models import Reply, ReplyTemplate
from leadintake.leads.replies.wording import MAX_BODY_LENGTH, MAX_NAME_LENGTH, MAX_SUBJECT_LENGTH
from leadintake.notifications.models import Status

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME_LENGTH * TYPED_PER_CHARACTER)]
Subject = Annotated[str, msgspec.Meta(max_length=MAX_SUBJECT_LENGTH * TYPED_PER_CHARACTER)]
Body = Annotated[str, msgspec.Meta(max_length=MAX_BODY_LENGTH * TYPED_PER_CHARACTER)]
RECENT = timedelta(minutes=1)
FROM_TEMPLATE = "Id or name of a template. With it, `subject` and `body` may be left out, and are its own."


class ReplyText(msgspec.Struct, forbid_unknown_fields=True):
    """A reply to a prospect: a subject of 1 to 150 characters, a body of 1 to 10,000."""

    template: Annotated[str, msgspec.Meta(max_length=400, description=FROM_TEMPLATE)] | None = None
    subject: Subject | None = None
    body: Body | None = None


class ReplyView(msgspec.Struct):
    """A reply. `author` is an e-mail address; until `send_at` it does not leave."""

    id: uuid.UUID
    template: uuid.UUID | None
    subject: str
    body: str
    author: str
    created_at: datetime
    send_at: datetime
    sent_at: datetime | None
    status: str

    @classmethod
    def of(cls, reply: Reply, status: str, sent_at: datetime | None) -> ReplyView:
        """Convert a reply, with the state of its message."""
        return cls(
            reply.id,
            reply.template_id,
            reply.subject,
            reply.body,
            reply.author,
            reply.created_at,
            reply.send_at,
            sent_at,
            status,
        )

    @property
    def is_held(self) -> bool:
        """Whether its undo time has not ended."""
        return self.status == Status.QUEUED and self.send_at > now()

    @property
    def is_recent(self) -> bool:
        """Whether its author may still look for it."""
        return now() - self.created_at < RECENT


class ReplyList(msgspec.Struct):
    """The replies to a prospect, newest first."""

    items: list[ReplyView]


class TemplateText(msgspec.Struct, forbid_unknown_fields=True):
    """A template: its texts may have the fields that the documentation names, in braces."""

    name: Name
    language: Language
    subject: Subject
    body: Body


class TemplatePatch(msgspec.Struct, forbid_unknown_fields=True):
    """What to change of a template."""

    name: Name | None = None
    language: Language | None = None
    subject: Subject | None = None
    body: Body | None = None

    def apply_to(self, template: ReplyTemplate) -> TemplateText:
        """Return the texts after the change."""
        changes = {name: value for name, value in msgspec.structs.asdict(self).items() if value is not None}
        before = {name: getattr(template, name) for name in TemplateText.__struct_fields__}
        return msgspec.convert({**before, **changes}, TemplateText)


class TemplateView(msgspec.Struct):
    """A template."""

    id: uuid.UUID
    name: str
    language: str
    subject: str
    body: str
    updated_at: datetime

    @classmethod
    def of(cls, template: ReplyTemplate) -> TemplateView:
        """Convert a template."""
        return msgspec.convert(template, cls, from_attributes=True)


class TemplateList(msgspec.Struct):
    """The templates, by language and name."""

    items: list[TemplateView]
