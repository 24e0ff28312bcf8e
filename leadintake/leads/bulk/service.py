"""Do one act on many leads, each as if alone."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from leadintake.audit.service import audit
from leadintake.auth.models import User
from leadintake.auth.people import departures
from leadintake.auth.permissions import Permission
from leadintake.core.db.database import db
from leadintake.core.db.transaction import transaction
from leadintake.core.errors import Refusal, UnprocessableContent
from leadintake.leads.bulk.acts import ACTS, OWN_MEMBERS, Act
from leadintake.leads.bulk.digest import Digest
from leadintake.leads.bulk.schemas import MAX_LEADS, BulkItem, BulkRequest
from leadintake.leads.listing import list_matching
from leadintake.leads.models import Lead
from leadintake.leads.reference import Reference, parse_key
from leadintake.leads.schemas import LeadFilter
from leadintake.leads.search import visible_query
from leadintake.leads.service import leads

BATCH_SECONDS = 0.2
"""Submissions wait so long at most for a batch, and its commit."""
WORK = ("outcome", "tags")
"""Acts that an attorney does on their own leads alone."""
FORBIDDEN = BulkItem("", 403, "Your role does not include this. A manager or an administrator can help.")
NOT_FOUND = BulkItem("", 404, "There is no such lead.")


class Bulk:
    """Acts on many leads."""

    def run(self, request: BulkRequest, *, actor: User) -> list[BulkItem]:
        """Do what the request says, and commit. Raises UnprocessableContent for members that do not fit."""
        act = self._find_act(request)
        keys = self.find_keys(request, actor=actor)
        if not actor.may(act.permission):
            with transaction():
                audit.record("access.refused", actor=actor, endpoint=f"bulk.{request.act}")
            return [msgspec.structs.replace(FORBIDDEN, id=key) for key in keys]
        return self.do(act, keys, request, actor=actor)

    def find_keys(self, request: BulkRequest, *, actor: User) -> Sequence[str]:
        """Return the keys of the leads that the request names, or the ids of those that fit its filter.

        Raises UnprocessableContent unless it has one of both, and for more than MAX_LEADS.
        """
        if (request.ids is None) == (request.filter is None):
            reason = "Send either `ids` or `filter`."
            raise UnprocessableContent({"ids": [reason], "filter": [reason]})
        if request.ids is not None:
            return request.ids
        return self.find_ids(request.filter or LeadFilter(), actor=actor)

    def find_ids(self, filters: LeadFilter, *, actor: User) -> Sequence[str]:
        """Return the ids of the matching leads. Raises UnprocessableContent for more than MAX_LEADS."""
        listing = list_matching(filters, actor)
        rows = listing.page(limit=MAX_LEADS + 1, cursor=None, shape=listing.select_keys).items
        if len(rows) > MAX_LEADS:
            sentence = f"More than {MAX_LEADS} leads fit. Narrow the filter, and do it in parts."
            raise UnprocessableContent({"filter": [sentence]})
        audit.record("leads.listed", actor=actor, filters=filters.names())
        return [str(row.id) for row in rows]

    def count_by_owner(self, keys: Iterable[str], *, reader: User) -> Mapping[str, int]:
        """Count the visible leads by the name of their assignee, "" without one; most first."""
        name, number = sa.func.coalesce(User.name, ""), sa.func.count()
        statement = visible_query(reader).where(_has_any(keys)).outerjoin(Lead.assigned_to)
        counts = statement.with_only_columns(name, number).group_by(name).order_by(number.desc(), name)
        return {row[0]: row[1] for row in db.session.execute(counts)}

    def count_refused(self, act: str, keys: Iterable[str], *, actor: User) -> int:
        """Count the visible leads on which `actor` may not do the act, since they are not their own."""
        if act not in WORK or actor.may(Permission.UPDATE_ANY_LEAD):
            return 0
        is_foreign = Lead.assignee_id.is_distinct_from(actor.id)
        statement = visible_query(actor).where(_has_any(keys), is_foreign)
        return db.session.scalar(statement.with_only_columns(sa.func.count())) or 0

    def do(self, act: Act, keys: Iterable[str], request: BulkRequest, *, actor: User) -> list[BulkItem]:
        """Do the act on each lead in turn, and commit. Return what became of each.

        1. A transaction takes the assignment lock, as the act on one lead does, and works for BATCH_SECONDS.
           So no submission waits for long, and what is done is done if the process ends.
        2. Each lead has a savepoint: a refusal undoes what was done to it, and nothing else.
        3. The mails about the leads of a transaction are in it (digest.py).
        4. The next transaction continues, until all are done.
        """
        waiting, items = deque(keys), list[BulkItem]()
        digest = Digest(actor, len(waiting))
        while True:
            with transaction():
                departures.lock_assignment()
                end = time.monotonic() + BATCH_SECONDS
                while waiting:
                    items.append(self._do_one(act, waiting.popleft(), request, actor, digest))
                    if time.monotonic() >= end:
                        break
                digest.write(is_last=not waiting)
            if not waiting:
                return items

    def _do_one(self, act: Act, key: str, request: BulkRequest, actor: User, digest: Digest) -> BulkItem:
        lead_key = parse_key(key)
        if lead_key is None:
            return msgspec.structs.replace(NOT_FOUND, id=key)
        try:
            with (
                audit.forget_refused(),
                db.session.begin_nested(),
                leads.edit(lead_key, actor, deleted=act.deleted) as lead,
            ):
                act.edit(lead, request, actor, digest)
        except Refusal as refusal:
            reasons = [reason for found in (refusal.errors or {}).values() for reason in found]
            return BulkItem(key, refusal.status, " ".join(reasons) or refusal.detail)
        return BulkItem(key, act.status, None)

    def _find_act(self, request: BulkRequest) -> Act:
        act = ACTS[request.act]
        sent = {
            name
            for name in BulkRequest.__struct_fields__
            if name not in OWN_MEMBERS and getattr(request, name) is not msgspec.UNSET
        }
        errors = {
            name: [f"`{request.act}` takes no such member."] for name in sent - {*act.members, *act.optional}
        }
        errors |= {name: ["This field is required."] for name in act.members if name not in sent}
        if errors:
            raise UnprocessableContent(errors)
        return act


def _has_any(keys: Iterable[str]) -> sa.ColumnElement[bool]:
    """Return the condition that a lead has one of these keys."""
    parsed = [parse_key(key) for key in keys]
    ids = [key for key in parsed if isinstance(key, uuid.UUID)]
    references = [key for key in parsed if isinstance(key, Reference)]
    return sa.or_(Lead.id.in_(ids), Lead.reference.in_(references))


bulk = Bulk()
