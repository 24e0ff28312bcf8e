"""JSON schemas of acts on many leads."""

from __future__ import annotations

import uuid
from typing import Annotated, Literal

import msgspec

from leadintake.leads.schemas import LeadFilter, Words
from leadintake.leads.status import Outcome
from leadintake.leads.tags.schemas import Tags
from leadintake.leads.texts import LongText

MAX_LEADS = 500
Key = Annotated[str, msgspec.Meta(max_length=36)]


class BulkRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which leads, by `ids` (or references) or as a list does by `filter`, and what to do with each.

    The other members are those of the act itself: `user_id` belongs to `assign`, `tags` to `tags`, `outcome`
    and, if wished, `note` to `outcome`, `text` to `note`.
    """

    act: Literal["assign", "tags", "outcome", "note", "delete"]
    ids: Annotated[list[Key], msgspec.Meta(min_length=1, max_length=MAX_LEADS)] | None = None
    filter: LeadFilter | None = None
    user_id: uuid.UUID | msgspec.UnsetType | None = msgspec.UNSET
    tags: Tags | msgspec.UnsetType = msgspec.UNSET
    outcome: Outcome | msgspec.UnsetType | None = msgspec.UNSET
    note: Words | msgspec.UnsetType | None = msgspec.UNSET
    text: LongText | msgspec.UnsetType = msgspec.UNSET


class BulkItem(msgspec.Struct):
    """What became of a lead. `id` as it was sent, or of a filter the lead's own.

    `status` is the HTTP status that the act on this lead alone would have; `detail` is a sentence if refused.
    """

    id: str
    status: int
    detail: str | None


class BulkResult(msgspec.Struct):
    """What became of each lead, in the order of `ids` or of the list."""

    items: list[BulkItem]
