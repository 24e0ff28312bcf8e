"""The groups of the desk's list: every lead that a reader may see is in exactly one of them.

1. `group_of` says which, for one lead; `_branches` says the same in SQL.
2. A group is read as the first rows of each of its branches, which an index serves in the group's order.
3. Its number is made of kept numbers, less the leads that the reader is screened from, which are few, and of
   the reader's own leads with a next step.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from leadintake.assignment import counters
from leadintake.auth.models import User
from leadintake.core.clock import now
from leadintake.core.db.database import db
from leadintake.core.db.pagination import Order
from leadintake.leads.listing import Listing
from leadintake.leads.matches import MAX_COUNTED, Statement
from leadintake.leads.models import Lead, Screen, is_listed
from leadintake.leads.search import sees_all, visible_query
from leadintake.leads.status import Outcome, is_open, where_open, where_reached

MAX_BRANCHES = 30
"""Colleagues with open leads up to whom each is a branch; with more, the newest open leads are scanned."""
Condition = sa.ColumnElement[bool]
NEWEST, OF_OUTCOME = "ix_leads_status_created_at_id", "ix_leads_outcome"
OF_OWN_OUTCOME = "ix_leads_assignee_id_outcome"
OF_STATUS, OF_STEP = "ix_leads_assignee_id_status_open", "ix_leads_assignee_id_follow_up_at_id"


class Branch(NamedTuple):
    """Leads of a group, and the index that has them in the group's order."""

    condition: Condition
    index_name: str


class Group(StrEnum):
    """What the reader has to do about a lead."""

    DUE = "due"
    """Own: not reached yet, or its next step has come. Oldest first."""
    WAITING = "waiting"
    """Open, and without an attorney. Oldest first."""
    SNOOZED = "snoozed"
    """Own, and its next step is later. Soonest first."""
    COLLEAGUES = "colleagues"
    """Open, and with a colleague. Newest first."""
    DONE = "done"
    """Reached, or with an outcome. Newest first."""


ORDERS = {
    Group.DUE: "created_at",
    Group.WAITING: "created_at",
    Group.SNOOZED: "follow_up_at",
    Group.COLLEAGUES: "-created_at",
    Group.DONE: "-created_at",
}


def list_group(group: Group, reader: User) -> Listing:
    """List the leads of a group that `reader` may see."""
    order: Order[Lead] = Order.parse(Lead, ORDERS[group])
    narrow = functools.partial(_read_branches, _branches(group, reader))
    return Listing(visible_query(reader), order, {"group": group, "reader": reader.id}, narrow)


def list_groups(reader: User) -> list[Group]:
    """Return the groups in which `reader` may see leads."""
    own_only = {Group.WAITING, Group.COLLEAGUES} if not sees_all(reader) else set()
    return [group for group in Group if group not in own_only]


def group_of(lead: Lead, reader: User) -> Group:
    """Return the group of a lead that `reader` may see."""
    is_later = lead.follow_up_at is not None and lead.follow_up_at > now()
    pending = is_open(lead.status, lead.outcome)
    if lead.outcome is None and lead.assignee_id == reader.id and (pending or lead.follow_up_at is not None):
        return Group.SNOOZED if is_later else Group.DUE
    if not pending:
        return Group.DONE
    return Group.WAITING if lead.assignee_id is None else Group.COLLEAGUES


def count_groups(reader: User) -> dict[Group, int]:
    """Return the numbers of leads of `list_groups`."""
    numbers = _count_kept(reader)
    steps = _count_next_steps(reader)
    later = steps["open_later"] + steps["reached_later"]
    counts = {
        Group.DUE: numbers["own"] - steps["open_later"] + steps["reached_due"],
        Group.WAITING: numbers["unassigned"],
        Group.SNOOZED: later,
        Group.COLLEAGUES: numbers["open"] - numbers["own"] - numbers["unassigned"],
        Group.DONE: numbers["listed"] - numbers["open"] - steps["reached_later"] - steps["reached_due"],
    }
    # Never below 0: a process of the version before keeps no numbers, until a worker corrects them.
    return {group: max(counts[group], 0) for group in list_groups(reader)}


def _branches(group: Group, reader: User) -> Sequence[Branch]:
    moment = now()
    is_own = Lead.assignee_id == reader.id
    opened, reached = where_open(Lead.status, Lead.outcome), where_reached(Lead.status)
    has_step = sa.and_(is_own, Lead.outcome.is_(None), Lead.follow_up_at.is_not(None))
    match group:
        case Group.DUE:
            is_due = sa.or_(Lead.follow_up_at.is_(None), Lead.follow_up_at <= moment)
            has_come = sa.and_(has_step, reached, Lead.follow_up_at <= moment)
            return [Branch(sa.and_(is_own, opened, is_due), OF_STATUS), Branch(has_come, OF_STEP)]
        case Group.SNOOZED:
            return [Branch(sa.and_(has_step, Lead.follow_up_at > moment), OF_STEP)]
        case Group.WAITING:
            return [Branch(sa.and_(opened, Lead.assignee_id.is_(None)), OF_STATUS)]
        case Group.COLLEAGUES:
            owners = counters.list_owners(MAX_BRANCHES + 1, but=reader.id)
            if len(owners) <= MAX_BRANCHES:
                return [Branch(sa.and_(opened, Lead.assignee_id == owner), OF_STATUS) for owner in owners]
            is_theirs = sa.and_(Lead.assignee_id.is_not(None), Lead.assignee_id != reader.id)
            return [Branch(sa.and_(opened, is_theirs), NEWEST)]
        case Group.DONE:
            is_not_own = sa.or_(Lead.assignee_id.is_(None), Lead.assignee_id != reader.id)
            has_no_step = sa.or_(is_not_own, Lead.follow_up_at.is_(None))
            without_outcome = sa.and_(reached, Lead.outcome.is_(None), has_no_step)
            # Of each outcome alone: its index has them in this order.
            by_outcome = [Lead.outcome == outcome for outcome in Outcome]
            if sees_all(reader):
                every = [Branch(each, OF_OUTCOME) for each in by_outcome]
                return [Branch(without_outcome, NEWEST), *every]
            own = [Branch(sa.and_(is_own, each), OF_OWN_OUTCOME) for each in by_outcome]
            return [Branch(sa.and_(is_own, without_outcome), OF_STATUS), *own]


def _read_branches(
    branches: Sequence[Branch], statement: Statement, order: Order[Any], limit: int
) -> Statement:
    """Select the first rows of each branch (pagination.Narrow).

    Their ids first, and on MariaDB by the index that is named: it would intersect others, and sort all.
    """
    if not branches:
        return statement.where(sa.false())
    ids = statement.with_only_columns(Lead.id, maintain_column_froms=True)
    parts = [
        ids.where(branch.condition)
        .with_hint(Lead, f"FORCE INDEX ({branch.index_name})", "mysql")
        .order_by(*order.clauses(Lead))
        .limit(limit)
        .subquery()
        for branch in branches
    ]
    union = sa.union_all(*(sa.select(part.c.id) for part in parts))
    return sa.select(Lead).where(Lead.id.in_(set(db.session.scalars(union))))


def _count_kept(reader: User) -> Mapping[str, int]:
    """Return the numbers of visible leads: all, open, open and own, open and without attorney."""
    is_own, opened = Lead.assignee_id == reader.id, where_open(Lead.status, Lead.outcome)
    is_visible = sa.true() if sees_all(reader) else is_own
    conditions = {
        "listed": is_visible,
        "open": sa.and_(is_visible, opened),
        "own": sa.and_(is_own, opened),
        "unassigned": sa.and_(is_visible, Lead.assignee_id.is_(None), opened),
    }
    # Not narrowed to own leads: SQLite would read these, not the screens.
    screened = sa.select(*_sums(conditions)).select_from(Screen).join(Lead, Lead.id == Screen.lead_id)
    hidden = db.session.execute(screened.where(Screen.user_id == reader.id, is_listed())).mappings().one()
    numbers = counters.read_shares(reader.id, alone=not sees_all(reader))
    return {name: numbers[name] - int(hidden[name]) for name in conditions}


def _count_next_steps(reader: User) -> Mapping[str, int]:
    """Count the reader's leads with a next step, MAX_COUNTED at most."""
    is_set = sa.and_(Lead.assignee_id == reader.id, Lead.outcome.is_(None), Lead.follow_up_at.is_not(None))
    columns = visible_query(reader).with_only_columns(
        Lead.status, Lead.outcome, Lead.follow_up_at, maintain_column_froms=True
    )
    rows = columns.where(is_set).limit(MAX_COUNTED).subquery().c
    is_later, pending = rows.follow_up_at > now(), where_open(rows.status, rows.outcome)
    conditions = {
        "open_later": sa.and_(pending, is_later),
        "reached_later": sa.and_(sa.not_(pending), is_later),
        "reached_due": sa.and_(sa.not_(pending), sa.not_(is_later)),
    }
    counts = db.session.execute(sa.select(*_sums(conditions))).mappings().one()
    return {name: int(counts[name]) for name in conditions}


def _sums(conditions: Mapping[str, Condition]) -> list[sa.Label[Any]]:
    one, none = sa.literal(1), sa.literal(0)
    return [
        sa.func.coalesce(sa.func.sum(sa.case((condition, one), else_=none)), 0).label(name)
        for name, condition in conditions.items()
    ]
