"""The states of a lead: its status (progress) and its gate (listed or in quarantine).

Only this module compares them: a new state is a line here and one in the desk's words.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa


class LeadStatus(StrEnum):
    """How far a lead is."""

    PENDING = "PENDING"
    REACHED_OUT = "REACHED_OUT"


class Gate(StrEnum):
    """Whether a lead is listed."""

    OPEN = "open"
    """Listed, and assigned automatically."""
    QUARANTINE = "quarantine"
    """Suspected spam: visible only to reviewers of the quarantine."""


FIRST = LeadStatus.PENDING
"""Status of a new lead."""
TRANSITIONS = {LeadStatus.PENDING: {LeadStatus.REACHED_OUT}, LeadStatus.REACHED_OUT: set[LeadStatus]()}
OPEN = {LeadStatus.PENDING}
"""Statuses in which the prospect still waits for contact."""
REACHED = {LeadStatus.REACHED_OUT}
"""Statuses in which the prospect was contacted."""


def may_follow(before: LeadStatus, after: LeadStatus) -> bool:
    """Return whether a lead may change from `before` to `after`."""
    return after in TRANSITIONS[before]


def is_open(status: LeadStatus) -> bool:
    """Return whether the prospect still waits for contact."""
    return status in OPEN


def is_reached(status: LeadStatus) -> bool:
    """Return whether the prospect was contacted."""
    return status in REACHED


def where_open(column: Any) -> sa.ColumnElement[bool]:
    """Match open statuses."""
    return _where(column, OPEN)


def where_reached(column: Any) -> sa.ColumnElement[bool]:
    """Match statuses in which the prospect was contacted."""
    return _where(column, REACHED)


def is_quarantined(gate: Gate, since: datetime | None) -> bool:
    """Return whether a lead with this gate and start of quarantine is in quarantine.

    Processes of the version before the gate set only the time. Until a worker corrects the gate
    (backfill.py), a lead counts as quarantined, or as listed, only if both values agree.
    """
    return gate is Gate.QUARANTINE and since is not None


def where_quarantined(gate: Any, since: Any) -> sa.ColumnElement[bool]:
    """Match leads in quarantine."""
    return sa.and_(_where_gate(gate, Gate.QUARANTINE), since.is_not(None))


def where_listed(gate: Any, since: Any) -> sa.ColumnElement[bool]:
    """Match leads whose gate is open."""
    return sa.and_(_where_gate(gate, Gate.OPEN), since.is_(None))


def where_gate_outdated(gate: Any, since: Any) -> dict[Gate, sa.ColumnElement[bool]]:
    """Match leads whose gate an older process did not update. Return one condition per correct gate."""
    return {
        Gate.OPEN: sa.and_(_where_gate(gate, Gate.QUARANTINE), since.is_(None)),
        Gate.QUARANTINE: sa.and_(_where_gate(gate, Gate.OPEN), since.is_not(None)),
    }


def _where_gate(column: Any, gate: Gate) -> sa.ColumnElement[bool]:
    """Match one gate, as a literal and not a parameter: the index is partial, on this gate alone."""
    condition: sa.ColumnElement[bool] = column == sa.bindparam(None, gate, column.type, literal_execute=True)
    return condition


def _where(column: Any, states: set[LeadStatus]) -> sa.ColumnElement[bool]:
    """Match these statuses, by equality if there is one: every engine serves that from an index."""
    condition: sa.ColumnElement[bool] = (
        column == next(iter(states)) if len(states) == 1 else column.in_(sorted(states))
    )
    return condition
