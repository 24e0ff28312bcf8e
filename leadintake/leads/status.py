"""The states of a lead: status and outcome (progress), and gate (listed or in quarantine).

Only this module compares them. A new status is a line here and one in desk/words.py.
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


class Outcome(StrEnum):
    """How a lead ended."""

    HIRED = "hired"
    NOT_OUR_FIELD = "not_our_field"
    CONFLICT = "conflict"
    NO_CAPACITY = "no_capacity"
    NOT_REACHED = "not_reached"
    WITHDREW = "withdrew"
    OTHER = "other"


class Gate(StrEnum):
    """Whether a lead is listed."""

    OPEN = "open"
    """Listed, and assigned automatically."""
    QUARANTINE = "quarantine"
    """Suspected spam: visible only to reviewers of the quarantine."""


class Source(StrEnum):
    """How a lead came."""

    FORM = "form"
    """The prospect filled in the public form."""
    STAFF = "staff"
    """Staff entered it, as after a call."""
    IMPORT = "import"
    """It comes from a file of another system."""


FIRST = LeadStatus.PENDING
"""Status of a new lead."""
TRANSITIONS = {LeadStatus.PENDING: {LeadStatus.REACHED_OUT}, LeadStatus.REACHED_OUT: {LeadStatus.PENDING}}
WAITING = {LeadStatus.PENDING}
"""Statuses before the contact."""
REACHED = {LeadStatus.REACHED_OUT}
"""Statuses after the contact."""


def may_follow(before: LeadStatus, after: LeadStatus) -> bool:
    """Return whether a lead may change from `before` to `after`."""
    return after in TRANSITIONS[before]


def is_open(status: LeadStatus, outcome: Outcome | None) -> bool:
    """Return whether the prospect waits for contact. Workload and counters have open leads only."""
    return is_pending(status) and outcome is None


def is_pending(status: LeadStatus) -> bool:
    """Return whether the prospect was not contacted yet."""
    return status in WAITING


def is_reached(status: LeadStatus) -> bool:
    """Return whether the prospect was contacted."""
    return status in REACHED


def where_open(status: Any, outcome: Any) -> sa.ColumnElement[bool]:
    """Match open leads."""
    return sa.and_(_where(status, WAITING), outcome.is_(None))


def where_closed(status: Any, outcome: Any) -> sa.ColumnElement[bool]:
    """Match the other leads."""
    return sa.or_(_where(status, set(LeadStatus) - WAITING), outcome.is_not(None))


def where_reached(column: Any) -> sa.ColumnElement[bool]:
    """Match statuses after the contact."""
    return _where(column, REACHED)


def is_quarantined(gate: Gate, since: datetime | None) -> bool:
    """Return whether gate and start of quarantine both say so.

    Older processes set only the time. Until a worker corrects the gate (backfill.py), such a lead is neither
    quarantined nor listed.
    """
    return gate is Gate.QUARANTINE and since is not None


def is_gate_open(gate: Gate, since: datetime | None) -> bool:
    """Return whether a lead with this gate and start of quarantine is listed (`where_listed`)."""
    return gate is Gate.OPEN and since is None


def where_quarantined(gate: Any, since: Any) -> sa.ColumnElement[bool]:
    """Match leads in quarantine."""
    return sa.and_(_where_gate(gate, Gate.QUARANTINE), since.is_not(None))


def where_listed(gate: Any, since: Any) -> sa.ColumnElement[bool]:
    """Match leads whose gate is open."""
    return sa.and_(_where_gate(gate, Gate.OPEN), since.is_(None))


def where_gate_outdated(gate: Any, since: Any) -> dict[Gate, sa.ColumnElement[bool]]:
    """Return the conditions of leads with an outdated gate, by the correct one."""
    return {
        Gate.OPEN: sa.and_(_where_gate(gate, Gate.QUARANTINE), since.is_(None)),
        Gate.QUARANTINE: sa.and_(_where_gate(gate, Gate.OPEN), since.is_not(None)),
    }


def _where_gate(column: Any, gate: Gate) -> sa.ColumnElement[bool]:
    """Match a gate. A literal, no parameter: the index is partial, on one gate."""
    condition: sa.ColumnElement[bool] = column == sa.bindparam(None, gate, column.type, literal_execute=True)
    return condition


def _where(column: Any, states: set[LeadStatus]) -> sa.ColumnElement[bool]:
    """Match statuses; one by equality, which every engine serves from an index."""
    condition: sa.ColumnElement[bool] = (
        column == next(iter(states)) if len(states) == 1 else column.in_(sorted(states))
    )
    return condition
