"""Tags of leads: their own spelling on each lead, equal in upper and lower case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from leadintake.auth.actor import UserOrOperator
from leadintake.core.db import rows
from leadintake.core.db.database import db
from leadintake.core.errors import UnprocessableContent
from leadintake.core.text import TooLong, has_controls, is_invisible, normalize_text
from leadintake.leads import work
from leadintake.leads.models import Lead
from leadintake.leads.progress import MAX_TAG_LENGTH, MAX_TAGS, LeadTag, fold_tag
from leadintake.leads.search import visible_query

MAX_SUGGESTED, MAX_USES = 100, 500
"""Tags suggested, and uses of tags counted for that: the latest. Each costs a look-up of its lead."""


def change(lead: Lead, tags: Sequence[str], *, actor: UserOrOperator) -> None:
    """Replace the tags of the lead. Raises Forbidden, and UnprocessableContent."""
    work.require_right(lead, actor)
    by_folded = _normalize(tags)
    wanted = [by_folded[folded] for folded in sorted(by_folded)]
    if wanted == lead.tags:
        work.note_repetition(lead, actor=actor)
        return
    lead.tags = wanted
    db.session.flush()
    db.session.execute(sa.delete(LeadTag).where(LeadTag.lead_id == lead.id))
    for folded, tag in by_folded.items():
        rows.insert(LeadTag, lead_id=lead.id, tag=tag, folded=folded)
    work.record(lead, "tagged", ", ".join(wanted) or "no tags", actor=actor, tags=len(wanted))


def suggest(*, reader: UserOrOperator) -> Sequence[str]:
    """Return the tags of leads visible to `reader`, most used first, by their latest uses.

    Each in the spelling that is first in the alphabet. Tags that only hidden leads have are not there.
    """
    latest = sa.select(LeadTag.lead_id, LeadTag.tag, LeadTag.folded).order_by(LeadTag.id.desc())
    uses = latest.limit(MAX_USES).subquery()
    visible = visible_query(reader).join(uses, uses.c.lead_id == Lead.id)
    counted = visible.with_only_columns(sa.func.min(uses.c.tag).label("tag")).group_by(uses.c.folded)
    most_used_first = counted.order_by(sa.func.count().desc(), uses.c.folded)
    return db.session.scalars(most_used_first.limit(MAX_SUGGESTED)).all()


def _normalize(tags: Sequence[str]) -> Mapping[str, str]:
    """Return the tags by their folded form; of equal ones the first."""
    by_folded: dict[str, str] = {}
    for typed in tags:
        tag = _normalize_one(typed)
        by_folded.setdefault(fold_tag(tag), tag)
    if len(by_folded) > MAX_TAGS:
        raise UnprocessableContent({"tags": [f"Give {MAX_TAGS} tags at most."]})
    return by_folded


def _normalize_one(typed: str) -> str:
    try:
        tag = normalize_text(typed, MAX_TAG_LENGTH)
    except TooLong:
        tag = ""
    if is_invisible(tag):
        raise UnprocessableContent({"tags": [f"Write tags of 1 to {MAX_TAG_LENGTH} characters."]})
    if has_controls(tag) or "," in tag:
        raise UnprocessableContent({"tags": ["A tag has no comma, and only characters that can be shown."]})
    return " ".join(tag.split())
