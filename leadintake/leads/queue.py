"""The desk's queue: leads in groups, and whether anything changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Page
from leadintake.leads.groups import Group, count_groups, list_group
from leadintake.leads.models import Lead
from leadintake.leads.search import visible_query

MAX_DUE, MAX_OF_OTHERS = 10, 5
"""Leads of a group that the overview shows."""
MAX_WATCHED = 100
"""Leads read for a pulse: each open page requests one every ten seconds."""


@dataclass(frozen=True)
class Section:
    """A group as the overview shows it, or a page of it."""

    group: Group
    count: int
    page: Page[Lead]


def overview_limit(group: Group) -> int:
    """Return how many leads of the group the overview shows."""
    return MAX_DUE if group is Group.DUE else MAX_OF_OTHERS


class Queue:
    """Leads in working order."""

    def overview(self, counts: Mapping[Group, int], *, actor: User) -> list[Section]:
        """Return the beginning of each group, and audit the listing of all."""
        audit.record("leads.listed", actor=actor, filters=[])
        return [
            Section(group, count, list_group(group, actor).page(limit=overview_limit(group), cursor=None))
            for group, count in counts.items()
        ]

    def page(self, group: Group, *, actor: User, limit: int, cursor: str | None) -> Page[Lead]:
        """Return a page of a group, and audit the listing."""
        audit.record("leads.listed", actor=actor, filters=["group"])
        return list_group(group, actor).page(limit=limit, cursor=cursor)

    def pulse(self, *, reader: User, counts: Mapping[Group, int] | None = None) -> str:
        """Return a digest that changes when a lead visible to `reader` changes, appears or disappears.

        Also when a next step comes. It reads the MAX_WATCHED leads changed last, and the numbers of groups.
        """
        visible = visible_query(reader).with_only_columns(Lead.id, Lead.version, maintain_column_froms=True)
        latest_query = visible.order_by(Lead.updated_at.desc(), Lead.id.desc()).limit(MAX_WATCHED)
        recent = [(row.id.hex, row.version) for row in db.session.execute(latest_query)]
        numbers = [*(count_groups(reader) if counts is None else counts).values()]
        return hashlib.sha256(msgspec.json.encode([recent, numbers])).hexdigest()[:32]


queue = Queue()
